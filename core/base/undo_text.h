/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * undo_text: the lines of an undo list as text: "N VERB ARG ...", one a
 * line, "N done" for what was taken back. Arguments have no space, control
 * character or %: those are %XX.
 */
#ifndef STASIS_BASE_UNDO_TEXT_H
#define STASIS_BASE_UNDO_TEXT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define UNDO_PREFIX ".stasis-undo-"
#define UNDO_TEXT "text"
#define UNDO_FILE "file"
#define UNDO_FOLDER "folder"
#define UNDO_LINK "link"
#define UNDO_SOCKET "socket"
#define UNDO_DONE "done"

const char *undo_text_escape(struct arena *arena, const char *arg);

struct undo_step {
	const char *verb;
	char **args;
	size_t n;
};

/* The lines that are still open, the last one first. A last line without its
 * end does not count. Fails with EBADMSG on what no list of ours holds. */
int undo_text_read(struct arena *arena, const char *text,
	struct undo_step **ret_steps, size_t *ret_n, struct err *err);

#endif
