/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/tags.h"

#include <errno.h>
#include <string.h>

#include "image/tag_runs.h"
#include "kernel/tags.h"

enum { PIECE = 4096 };

/* Short runs, gathered so that one call serves many. */
struct writer {
	const struct backend *be;
	pid_t tid;
	uint64_t at; /* of the first one in room */
	size_t n;
	uint8_t room[PIECE];
};

static int writer_flush(struct writer *writer, struct err *err)
{
	int code = 0;

	if (writer->n)
		code = tags_write(writer->be, writer->tid, writer->at,
			writer->room, writer->n, err);
	writer->at += writer->n * writer->be->tag_granule;
	writer->n = 0;
	return code;
}

/* Memory comes without tags. */
static int run_skip(struct writer *writer, uint64_t length, struct err *err)
{
	int code = writer_flush(writer, err);

	writer->at += length * writer->be->tag_granule;
	return code;
}

static int run_write(
	struct writer *writer, const struct tag_run *run, struct err *err)
{
	uint64_t left = run->length;
	size_t n;
	int code = 0;

	if (!run->tag)
		return run_skip(writer, left, err);
	for (; left && !code; left -= n) {
		n = PIECE - writer->n;
		n = left < n ? (size_t)left : n;
		memset(writer->room + writer->n, run->tag, n);
		writer->n += n;
		if (writer->n == PIECE)
			code = writer_flush(writer, err);
	}
	return code;
}

static int tags_damaged(const StasisTags *tags, struct err *err)
{
	return err_set(err, EBADMSG,
		"the memory tags of %#llx-%#llx are damaged",
		(unsigned long long)tags->start, (unsigned long long)tags->end);
}

static int area_place(const struct backend *be, pid_t tid,
	const StasisTags *tags, struct err *err)
{
	struct writer writer = {.be = be, .tid = tid, .at = tags->start};
	uint64_t left = (tags->end - tags->start) / be->tag_granule;
	struct tag_run run;
	int code = 0;

	for (size_t at = 0; at < tags->runs.len && !code;) {
		if (!tag_runs_next(
			    tags->runs.data, tags->runs.len, &at, &run) ||
			run.length > left)
			return tags_damaged(tags, err);
		left -= run.length;
		code = run_write(&writer, &run, err);
	}
	if (!code && left)
		return tags_damaged(tags, err);
	return code ?: writer_flush(&writer, err);
}

int tags_place(
	const struct backend *be, const struct task *task, struct err *err)
{
	const StasisTaskExtra *extra = task->extra;
	int code = 0;

	if (!extra || !extra->n_tags)
		return 0;
	if (!be->tag_granule)
		return err_set(err, EINVAL,
			"the image has memory tags, which %s has not",
			be->name);
	for (size_t i = 0; i < extra->n_tags && !code; i++)
		code = area_place(be, task->host, extra->tags[i], err);
	return code;
}
