/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/tags.h"

#include "base/vec.h"
#include "image/tag_runs.h"
#include "kernel/tags.h"
#include "model/extra.h"

enum { PIECE = 4096 };

void tags_add(struct arena *arena, struct tags_spans *spans, uint64_t start,
	uint64_t end)
{
	struct tags_span *last = spans->n ? &spans->at[spans->n - 1] : NULL;

	if (last && last->end == start)
		last->end = end;
	else
		*vec_push(arena, spans) = (struct tags_span){start, end};
}

static int span_read(struct dump *dump, const struct victim *victim,
	const struct tags_span *span, struct tag_runs *runs, struct err *err)
{
	const struct backend *be = dump->run->be;
	uint64_t step = PIECE * (uint64_t)be->tag_granule, size;
	uint8_t room[PIECE];
	int code;

	for (uint64_t at = span->start; at < span->end; at += size) {
		size = span->end - at < step ? span->end - at : step;
		code = tags_read(be, victim->threads.at[0]->tid, at, room,
			(size_t)(size / be->tag_granule), err);
		if (code)
			return code;
		tag_runs_add(dump->arena, runs, room,
			(size_t)(size / be->tag_granule));
	}
	tag_runs_end(dump->arena, runs);
	return 0;
}

static void span_store(struct arena *arena, StasisTaskExtra *extra,
	const struct tags_span *span, const struct tag_runs *runs)
{
	StasisTags *tags = arena_new1(arena, StasisTags);

	stasis_tags__init(tags);
	tags->start = span->start;
	tags->end = span->end;
	tags->runs.data = runs->bytes.at;
	tags->runs.len = runs->bytes.n;
	extra->tags[extra->n_tags++] = tags;
}

int tags_capture(struct dump *dump, struct victim *victim,
	const struct tags_spans *spans, struct err *err)
{
	StasisTaskExtra *extra;
	struct tag_runs runs;
	int code;

	if (!spans->n)
		return 0;
	extra = extra_of_task(dump->arena, victim);
	extra->tags = arena_newn(dump->arena, StasisTags *, spans->n);
	for (size_t i = 0; i < spans->n; i++) {
		runs = (struct tag_runs){0};
		code = span_read(dump, victim, &spans->at[i], &runs, err);
		if (code)
			return code;
		if (runs.tagged)
			span_store(dump->arena, extra, &spans->at[i], &runs);
	}
	return 0;
}
