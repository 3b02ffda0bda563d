/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uses: the options as they were written, before they mean anything.
 *
 * The command line and the configuration files are first cut into uses, so
 * that the verb is known and files come before the command line when they
 * are applied. Errors are those of form: unknown names, missing values.
 */
#ifndef STASIS_OPTIONS_USES_H
#define STASIS_OPTIONS_USES_H

#include "options/table.h"

struct option_use {
	const struct option_row *row;
	bool no;
	const char *value; /* NULL: none given */
	const char *as;	   /* "--tree", "-t", "tree in FILE, line 3" */
	bool from_file;
};

struct option_uses {
	struct option_use *at;
	size_t n, room;
};

/* Ends early at --help and --version: *ret_action is then that row. */
int uses_read_line(struct arena *arena, int argc, char **argv,
	struct option_uses *ret, struct option_words *ret_words,
	const struct option_row **ret_action, struct err *err);

/* A missing file is an empty one; so is, with warnings, one that cannot be
 * read: nobody named it, and a warning says so. */
int uses_read_file(struct arena *arena, const char *path,
	struct option_uses *ret, struct option_words *warnings,
	struct err *err);

#endif
