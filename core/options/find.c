/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding rows, and what a wrong name was meant to be. */
#include "options/table.h"

#include <string.h>

enum { NAME_MAX_LENGTH = 40 };

static bool option_begins(const char *name, const char *with, size_t length)
{
	return !strncmp(name, with, length);
}

static const char *option_after_no(const char *name, size_t *length)
{
	if (*length <= 3 || strncmp(name, "no-", 3))
		return NULL;
	*length -= 3;
	return name + 3;
}

static const struct option_row *option_find_exact(
	const char *name, size_t length)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (strlen(row->name) == length &&
			option_begins(row->name, name, length))
			return row;
	return NULL;
}

/* The one row that begins so; *more counts them. */
static const struct option_row *option_find_prefix(
	const char *name, size_t length, bool bools, bool ours, int *more)
{
	const struct option_row *found = NULL;

	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->ours != ours || (bools && row->kind != OPTION_BOOL))
			continue;
		if (!option_begins(row->name, name, length))
			continue;
		found = row;
		++*more;
	}
	return found;
}

/* A prefix that is enough for CRIU is enough here: ours come after. */
static const struct option_row *option_find_short(
	const char *name, size_t length, bool *ret_no)
{
	const struct option_row *row = NULL, *no_row = NULL;
	size_t rest = length;
	const char *after = option_after_no(name, &rest);
	int found = 0;

	for (int ours = 0; ours < 2 && !found; ours++) {
		row = option_find_prefix(name, length, false, ours, &found);
		if (after)
			no_row = option_find_prefix(
				after, rest, true, ours, &found);
	}
	if (found != 1)
		return NULL;
	*ret_no = !row;
	return row ?: no_row;
}

const struct option_row *option_find(
	const char *name, size_t length, bool *ret_no)
{
	const struct option_row *row;
	size_t rest = length;
	const char *after = option_after_no(name, &rest);
	bool no = false;

	row = option_find_exact(name, length);
	if (!row && after) {
		row = option_find_exact(after, rest);
		if (row && row->kind != OPTION_BOOL)
			return NULL;
		no = row != NULL;
	}
	if (!row && length)
		row = option_find_short(name, length, &no);
	if (row && ret_no)
		*ret_no = no;
	return row;
}

const struct option_row *option_find_letter(char letter)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (letter && row->letter == letter)
			return row;
	return NULL;
}

/* Levenshtein: how many letters must be changed. */
static size_t name_distance(const char *a, size_t a_length, const char *b)
{
	size_t b_length = strlen(b), row[NAME_MAX_LENGTH + 1];
	size_t best, corner, old;

	if (a_length > NAME_MAX_LENGTH || b_length > NAME_MAX_LENGTH)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			old = row[j];
			best = corner + (a[i - 1] != b[j - 1]);
			if (best > row[j] + 1)
				best = row[j] + 1;
			if (best > row[j - 1] + 1)
				best = row[j - 1] + 1;
			row[j] = best;
			corner = old;
		}
	}
	return row[b_length];
}

/* Worth proposing: few changes for the length, or one begins the other. */
static void name_consider(const char *name, size_t length,
	const char *candidate, size_t *best, const char **ret)
{
	size_t distance = name_distance(name, length, candidate);

	if (length >= 3 && option_begins(candidate, name, length) &&
		distance > 2)
		distance = 2;
	if (distance < *best && distance * 3 <= length + 2) {
		*best = distance;
		*ret = candidate;
	}
}

const char *option_nearest(const char *name, size_t length)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (const struct option_row *row = option_rows; row->name; row++)
		name_consider(name, length, row->name, &best, &nearest);
	return nearest;
}

const char *verb_nearest(const char *name)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (int verb = 0; verb < VERBS; verb++)
		if (verb_rows[verb].name)
			name_consider(name, strlen(name), verb_rows[verb].name,
				&best, &nearest);
	return nearest;
}
