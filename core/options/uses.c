/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, cut into uses; options and words may come in any order. */
#include "options/uses.h"

#include <errno.h>
#include <string.h>

struct line {
	struct arena *arena;
	int argc, at;
	char **argv;
	struct option_uses *uses;
	struct option_words *words;
	const struct option_row *action;
};

static int line_unknown(
	const char *arg, const char *name, size_t length, struct err *err)
{
	const char *nearest = option_nearest(name, length);

	err_set(err, EINVAL, "there is no option '%s'", arg);
	if (nearest)
		return err_hint(err, "did you mean --%s?", nearest);
	return err_hint(err, "'stasis --help' shows all options");
}

static int line_push(struct line *line, const struct option_row *row, bool no,
	const char *value, const char *as, struct err *err)
{
	struct option_use use = {.row = row, .no = no, .as = as};

	if (row->kind == OPTION_ACTION) {
		line->action = row;
		return 0;
	}
	if (row->value == VALUE_NEEDED && !value) {
		if (line->at >= line->argc)
			return err_set(err, EINVAL, "%s needs a value (%s)", as,
				row->arg);
		value = line->argv[line->at++];
	}
	use.value = value;
	*vec_push(line->arena, line->uses) = use;
	return 0;
}

static int line_read_long(struct line *line, const char *arg, struct err *err)
{
	const char *name = arg + 2, *value = NULL, *as;
	size_t length = strcspn(name, "=");
	const struct option_row *row;
	bool no = false;

	row = option_find(name, length, &no);
	if (!row)
		return line_unknown(arg, name, length, err);
	as = arena_printf(line->arena, "--%s%s", no ? "no-" : "", row->name);
	if (name[length] == '=')
		value = name + length + 1;
	if (value && (no || row->value == VALUE_NONE))
		return err_set(err, EINVAL, "%s takes no value, but got '%s'",
			as, value);
	return line_push(line, row, no, value, as, err);
}

static int line_read_letters(
	struct line *line, const char *arg, struct err *err)
{
	const struct option_row *row;
	const char *value;
	int rc;

	for (const char *p = arg + 1; *p && !line->action; p++) {
		row = option_find_letter(*p);
		if (!row) {
			err_set(err, EINVAL, "there is no option '-%c'", *p);
			return err_hint(
				err, "'stasis --help' shows all options");
		}
		value = row->value != VALUE_NONE && p[1] ? p + 1 : NULL;
		rc = line_push(line, row, false, value,
			arena_printf(line->arena, "-%c (--%s)", *p, row->name),
			err);
		if (rc || value)
			return rc;
	}
	return 0;
}

int uses_read_line(struct arena *arena, int argc, char **argv,
	struct option_uses *ret, struct option_words *ret_words,
	const struct option_row **ret_action, struct err *err)
{
	struct line line = {.arena = arena,
		.argc = argc,
		.at = 1,
		.argv = argv,
		.uses = ret,
		.words = ret_words};
	bool only_words = false;
	int rc = 0;

	while (!rc && line.at < argc) {
		const char *arg = argv[line.at++];

		if (only_words || arg[0] != '-' || !arg[1])
			*vec_push(arena, ret_words) = arg;
		else if (line.action)
			continue; /* the verb may still come */
		else if (!strcmp(arg, "--"))
			only_words = true;
		else if (arg[1] == '-')
			rc = line_read_long(&line, arg, err);
		else
			rc = line_read_letters(&line, arg, err);
	}
	*ret_action = line.action;
	return rc;
}
