/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * robust list: the futexes that the kernel must release when a thread dies.
 */
#include "kinds/table.h"
#include "model/dump.h"

/* sizeof(struct robust_list_head), the only length that kernels take. */
enum { HEAD_SIZE = 24 };

static int robust_list_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	ThreadCoreEntry *core = ((CoreEntry *)msg)->thread_core;
	uint64_t head, size;
	int ret;

	(void)dump;
	ret = ptrace_robust_list_get(sight->thread->tid, &head, &size, err);
	if (ret)
		return ret;
	core->futex_rla = head;
	core->futex_rla_len = (uint32_t)size;
	return 0;
}

/* Even when there is none: the skeleton of a newborn may have had one. */
static int robust_list_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const ThreadCoreEntry *core = holder->thread->core->thread_core;
	uint32_t size = core->futex_rla_len;

	(void)object;
	(void)err;
	tape_about(tape, "robust list");
	tape_call(tape, CALL_set_robust_list, A(core->futex_rla),
		A(size ? size : HEAD_SIZE));
	return 0;
}

const struct kind kind_robust_list = {
	.name = "robust list",
	.scope = SCOPE_THREAD,
	.capture = robust_list_capture,
	.emit = robust_list_emit,
};
