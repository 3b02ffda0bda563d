/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One option from text into its field. */
#include "options/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options/rows.h"

int option_read_number(const char *text, long long min, long long max,
	const char *what, long long *ret, struct err *err)
{
	long long number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (end == text || *end)
		return err_set(err, EINVAL, "%s is '%s', which is not a number",
			what, text);
	if (errno || number < min || number > max)
		return err_set(err, EINVAL,
			"%s is %s, which is not from %lld to %lld", what, text,
			min, max);
	*ret = number;
	return 0;
}

/* Bytes, or KiB, MiB, GiB with a letter behind. */
static int option_read_size(
	const char *text, const char *as, uint64_t *ret, struct err *err)
{
	unsigned int shift = 0;
	uint64_t size;
	char *end;

	errno = 0;
	size = strtoull(text, &end, 10);
	switch (end == text || *text == '-' ? '?' : *end) {
	case '\0':
		break;
	case 'K':
	case 'k':
		shift = 10;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'G':
	case 'g':
		shift = 30;
		break;
	default:
		shift = 64;
	}
	if (shift == 64 || (shift && end[1])) {
		err_set(err, EINVAL, "the value '%s' of %s is not a size", text,
			as);
		return err_hint(err, "a number of bytes, or with K, M or G "
				     "behind, such as 16M");
	}
	if (errno || size > UINT64_MAX >> shift)
		return err_set(
			err, ERANGE, "the size %s of %s is too big", text, as);
	*ret = size << shift;
	return 0;
}

static int option_read_choice(const struct option_row *row, const char *value,
	const char *as, int *ret, struct err *err)
{
	const struct option_choice *c;
	char names[200] = "";

	for (c = row->choices; c->name; c++) {
		if (!strcmp(c->name, value)) {
			*ret = c->value;
			return 0;
		}
		if (names[0])
			strcat(names, ", ");
		strcat(names, c->name);
	}
	err_set(err, EINVAL, "the value '%s' of %s is not known", value, as);
	return err_hint(err, "known are: %s", names);
}

/* Without the separator, the whole text is the value and the key is "",
 * where the option allows for it: [CTL:]PATH. */
static int option_read_pair(struct arena *arena, const struct option_row *row,
	const char *value, const char *as, struct option_pairs *ret,
	struct err *err)
{
	const char *cut = strchr(value, row->separator);
	struct option_pair pair = {.key = "", .value = value};
	char *text;

	if (!cut && row->arg[0] != '[')
		return err_set(err, EINVAL,
			"the value '%s' of %s is not of the form %s", value, as,
			row->arg);
	if (cut && *value != '/') {
		text = arena_strdup(arena, value);
		text[cut - value] = '\0';
		pair.key = text;
		pair.value = text + (cut - value) + 1;
	}
	if (strstr(row->arg, "[,")) {
		text = arena_strdup(arena, pair.value);
		pair.value = text;
		text = strchr(text, ',');
		if (text) {
			*text = '\0';
			pair.extra = text + 1;
		}
	}
	*vec_push(arena, ret) = pair;
	return 0;
}

static int option_set_kind(struct arena *arena, const struct option_row *row,
	const char *value, const char *as, struct options *ret, struct err *err)
{
	void *field = (char *)ret + row->field;
	const char *what;
	long long number;
	int rc = 0;

	switch (row->kind) {
	case OPTION_FLAG:
	case OPTION_BOOL:
		*(bool *)field = true;
		break;
	case OPTION_TEXT:
		*(const char **)field = value;
		break;
	case OPTION_NUMBER:
		what = arena_printf(arena, "the value of %s", as);
		rc = option_read_number(
			value, row->min, row->max, what, &number, err);
		if (!rc)
			*(int *)field = (int)number;
		break;
	case OPTION_SIZE:
		rc = option_read_size(value, as, field, err);
		break;
	case OPTION_LIST:
		*vec_push(arena, (struct option_words *)field) = value;
		break;
	case OPTION_PAIRS:
		rc = option_read_pair(arena, row, value, as, field, err);
		break;
	case OPTION_CHOICE:
		if (value)
			rc = option_read_choice(row, value, as, field, err);
		break;
	case OPTION_OWN:
	case OPTION_ACTION:
		rc = row->read(arena, row, value, ret, err);
		break;
	}
	return rc;
}

int option_check_built(const struct option_row *row, enum verb verb,
	const char *as, struct err *err)
{
	if (row->built_for & 1u << verb)
		return 0;
	switch (row->state) {
	case OPTION_BUILT:
	case OPTION_HARMLESS:
		return 0;
	case OPTION_LATER:
		err_set(err, ENOSYS, "%s is not built yet: it belongs to %s",
			as, row->belongs);
		return err_hint(err, "leave it out if the tasks do not need "
				     "it; they are refused, not harmed, if "
				     "they do");
	case OPTION_REFUSED:
		break;
	}
	err_set(err, EINVAL, "%s is not supported", as);
	return err_hint(err, "%s", row->help);
}

static bool choice_is_built(const struct option_row *row, const char *value)
{
	const struct option_choice *c;

	if (row->kind != OPTION_CHOICE || !value)
		return false;
	for (c = row->choices; c->name; c++)
		if (!strcmp(c->name, value))
			return c->built;
	return false;
}

int option_set(struct arena *arena, const struct option_row *row, bool no,
	const char *value, const char *as, struct options *ret, struct err *err)
{
	int rc;

	if (no) {
		/* What is not built is not done: no need to refuse this. */
		*(bool *)((char *)ret + row->field) = false;
		return 0;
	}
	rc = choice_is_built(row, value)
		     ? 0
		     : option_check_built(row, ret->verb, as, err);
	if (rc)
		return rc;
	if (row->value == VALUE_NEEDED && !value)
		return err_set(
			err, EINVAL, "%s needs a value (%s)", as, row->arg);
	if (row->value == VALUE_NEEDED && !*value)
		return err_set(err, EINVAL, "the value of %s is empty", as);
	return option_set_kind(arena, row, value, as, ret, err);
}
