/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tags: the tags of a victim's tagged memory, into its extra image.
 *
 * The pages that are stored have their tags stored, all others have none: a
 * page is there as soon as it has been tagged. Memory whose tags others may
 * see, too, is refused (dump/vmas.c).
 */
#ifndef STASIS_DUMP_TAGS_H
#define STASIS_DUMP_TAGS_H

#include "model/dump.h"

struct tags_span {
	uint64_t start, end;
};

struct tags_spans {
	struct tags_span *at;
	size_t n, room;
};

/* Pages to be looked at; in ascending order. */
void tags_add(struct arena *arena, struct tags_spans *spans, uint64_t start,
	uint64_t end);
int tags_capture(struct dump *dump, struct victim *victim,
	const struct tags_spans *spans, struct err *err);

#endif
