/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/help.h"

#include <string.h>

#include "base/shown.h"
#include "options/table.h"
#include "options/version.h"

enum { COLUMN = 32, WIDTH = 79 };

/* Headings of --help: an option belongs to the first whose verbs are all
 * among its own. */
static const struct group {
	const char *title;
	uint32_t verbs;
} groups[] = {
	{"all verbs", 1u << VERB_DUMP | 1u << VERB_CHECK | 1u << VERB_INSPECT},
	{"dump and restore", 1u << VERB_DUMP | 1u << VERB_RESTORE},
	{"dump", 1u << VERB_DUMP},
	{"restore", 1u << VERB_RESTORE},
	{"check", 1u << VERB_CHECK},
	{"inspect", 1u << VERB_INSPECT},
	{"cpuinfo dump and cpuinfo check", 1u << VERB_CPUINFO_CHECK},
	{"daemons", 1u << VERB_SERVICE},
};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

static bool help_shows(const struct option_row *row)
{
	return row->state == OPTION_BUILT || row->state == OPTION_HARMLESS ||
	       row->built_for;
}

/* The verbs for which it is there. */
static uint32_t help_verbs(const struct option_row *row)
{
	return row->built_for ?: row->verbs;
}

static int help_group(const struct option_row *row)
{
	for (int i = 0; i < GROUPS; i++)
		if ((help_verbs(row) & groups[i].verbs) == groups[i].verbs)
			return i;
	return GROUPS - 1;
}

/* Words from column `column` on, broken before the edge of the page. */
static void help_print_wrapped(FILE *out, const char *text, int column, int at)
{
	while (*text) {
		int length = (int)strcspn(text, " ");

		if (at > column && at + 1 + length > WIDTH) {
			shown_print(out, "\n%*s", column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		at += shown_print(out, "%.*s", length, text);
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void help_print_row(FILE *out, const struct option_row *row)
{
	char left[80];
	int used;

	used = row->letter
		       ? snprintf(left, sizeof(left), "  -%c, ", row->letter)
		       : snprintf(left, sizeof(left), "      ");
	used += snprintf(left + used, sizeof(left) - (size_t)used, "--%s%s",
		row->kind == OPTION_BOOL ? "[no-]" : "", row->name);
	if (row->value == VALUE_NEEDED)
		used += snprintf(left + used, sizeof(left) - (size_t)used,
			" %s", row->arg);
	if (row->value == VALUE_OPTIONAL)
		used += snprintf(left + used, sizeof(left) - (size_t)used,
			"[=%s]", row->arg);
	shown_print(out, "%s", left);
	if (used >= COLUMN - 1)
		shown_print(out, "\n%*s", COLUMN, "");
	else
		shown_print(out, "%*s", COLUMN - used, "");
	help_print_wrapped(out, row->help, COLUMN, COLUMN);
}

static void help_print_verbs(FILE *out)
{
	fputs("Usage: stasis [OPTION...] VERB [OPTION...]\n\nVerbs:\n", out);
	for (int v = 0; v < VERBS; v++)
		if (verb_rows[v].name && !verb_rows[v].belongs)
			shown_print(out, "  %-*s%s\n", COLUMN - 2,
				verb_rows[v].name, verb_rows[v].help);
}

static void help_print_later(FILE *out, enum verb verb)
{
	const char *comma = "";
	char text[4096] = "";
	size_t used = 0;

	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->state != OPTION_LATER)
			continue;
		if (verb && !(row->verbs & ~row->built_for & 1u << verb))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			"%s--%s", comma, row->name);
		comma = ", ";
	}
	if (!used)
		return;
	fputs("\nKnown, but not built yet (each is refused by name):\n  ", out);
	help_print_wrapped(out, text, 2, 2);
}

static void help_print_group(FILE *out, int group, enum verb verb)
{
	bool titled = false;

	for (const struct option_row *row = option_rows; row->name; row++) {
		if (!help_shows(row) || help_group(row) != group)
			continue;
		if (verb && !(help_verbs(row) & 1u << verb))
			continue;
		if (!titled)
			shown_print(
				out, "\nOptions of %s:\n", groups[group].title);
		titled = true;
		help_print_row(out, row);
	}
}

void help_print(FILE *out, enum verb verb)
{
	if (verb)
		shown_print(out, "Usage: stasis %s [OPTION...]%s\n\n%s.\n",
			verb_rows[verb].name,
			verb == VERB_INSPECT || verb == VERB_RECOVER ? " [DIR]"
								     : "",
			verb_rows[verb].help);
	else
		help_print_verbs(out);
	for (int i = 0; i < GROUPS; i++)
		help_print_group(out, i, verb);
	help_print_later(out, verb);
	fputs("\nThe names and meanings are those of CRIU " CRIU_VERSION
	      ". See stasis(1).\n",
		out);
}

void help_print_version(FILE *out)
{
	fputs("Version: " CRIU_VERSION "\nStasis: " STASIS_VERSION "\n", out);
}
