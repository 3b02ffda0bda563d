/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dispatch: system calls that a thread has sent to itself, as SIGSYS, when they
 * are made outside of its own code for them (5.11; emulators of other systems
 * do this).
 *
 * Only a tracer can ask (6.4). It is set with the registers (restore/place.c):
 * before, it would catch the calls of the restore.
 */
#include "kernel/ptrace.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"

static int dispatch_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	struct ptrace_dispatch dispatch;
	StasisThreadExtra *extra;

	(void)msg;
	(void)err;
	if (ptrace_dispatch_get(sight->thread->tid, &dispatch, ERR_UNREAD) ||
		!dispatch.mode)
		return 0;
	extra = extra_of_thread(dump->arena, sight->thread);
	extra->dispatch = arena_new1(dump->arena, StasisDispatch);
	stasis_dispatch__init(extra->dispatch);
	extra->dispatch->mode = dispatch.mode;
	extra->dispatch->selector = dispatch.selector;
	extra->dispatch->offset = dispatch.offset;
	extra->dispatch->len = dispatch.len;
	return 0;
}

const struct kind kind_dispatch = {
	.name = "dispatch of system calls",
	.scope = SCOPE_THREAD,
	.capture = dispatch_capture,
};
