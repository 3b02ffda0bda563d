/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file, cut into uses: one option a line, no dashes, the
 * value behind white space, perhaps in double quotes; # begins a comment. */
#include "options/uses.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"

#define BLANK " \t\r"

/* Bytes, and options, each of which is kept with its place. */
enum { CONFIG_MAX = 1 << 20, USES_MAX = 1000 };

/* Takes the word at *at apart from the line; NULL when there is none.
 * *ret_open: its closing quote is missing. */
static char *config_take_word(char **at, bool *ret_open)
{
	char *p = *at + strspn(*at, BLANK), *word, *to;
	bool quoted = *p == '"';

	if (!*p || *p == '#')
		return NULL;
	word = to = quoted ? ++p : p;
	while (*p && (quoted ? *p != '"' : !strchr(BLANK, *p))) {
		if (quoted && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		*to++ = *p++;
	}
	*ret_open = quoted && *p != '"';
	*at = *p ? p + 1 : p;
	*to = '\0';
	return word;
}

static int config_line_error(
	struct err *err, const char *where, const char *what, const char *word)
{
	return err_set(err, EINVAL, "%s: %s '%s'", where, what, word);
}

static int config_read_words(struct arena *arena, const char *where, char *name,
	char *value, struct option_uses *ret, struct err *err)
{
	struct option_use use = {.value = value, .from_file = true};
	const char *nearest;

	use.row = option_find(name, strlen(name), &use.no);
	/* Short forms are for fingers, not for files. */
	if (use.row && strcmp(use.no ? name + 3 : name, use.row->name))
		use.row = NULL;
	if (!use.row || use.row->cli_only) {
		nearest = option_nearest(name, strlen(name));
		config_line_error(err, where, "there is no option", name);
		if (use.row)
			return err_hint(err, "this one belongs on the command "
					     "line");
		if (nearest && strcmp(nearest, name))
			return err_hint(err, "did you mean '%s'?", nearest);
		return -EINVAL;
	}
	if (value && (use.no || use.row->value == VALUE_NONE))
		return config_line_error(
			err, where, "no value belongs behind", name);
	if (!value && use.row->value == VALUE_NEEDED)
		return config_line_error(
			err, where, "a value is missing behind", name);
	use.as = arena_printf(arena, "'%s' (%s)", name, where);
	*vec_push(arena, ret) = use;
	return 0;
}

static int config_read_line(struct arena *arena, const char *path,
	unsigned int number, char *line, struct option_uses *ret,
	struct err *err)
{
	bool open = false;
	char *name = config_take_word(&line, &open), *value, *more;
	const char *where;

	if (!name)
		return 0;
	if (ret->n >= USES_MAX)
		return err_set(err, E2BIG, "%s: there are more than %d options",
			path, USES_MAX);
	where = arena_printf(arena, "%s, line %u", path, number);
	value = open ? NULL : config_take_word(&line, &open);
	if (open)
		return config_line_error(
			err, where, "a quote is not closed at", value ?: name);
	more = config_take_word(&line, &open);
	if (more)
		return config_line_error(
			err, where, "too much on the line:", more);
	return config_read_words(arena, where, name, value, ret, err);
}

int uses_read_file(struct arena *arena, const char *path,
	struct option_uses *ret, struct option_words *warnings, struct err *err)
{
	char *text, *line, *end;
	unsigned int number = 0;
	struct err now = {0};
	size_t size;
	int rc;

	rc = io_read_regular(
		arena, AT_FDCWD, path, CONFIG_MAX, &text, &size, &now);
	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc && warnings) {
		*vec_push(arena, warnings) = arena_printf(arena,
			"configuration file '%s' is ignored, for it cannot be "
			"read: %s",
			path, now.text);
		return 0;
	}
	if (rc) {
		err_copy(err, &now);
		return err_wrap(err, "reading configuration file '%s'", path);
	}
	if (strlen(text) != size)
		return err_set(err, EINVAL,
			"configuration file '%s' is not a text", path);
	for (line = text; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		rc = config_read_line(arena, path, ++number, line, ret, err);
		if (rc)
			return rc;
	}
	return 0;
}
