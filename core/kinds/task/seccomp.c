/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp: filters that say which system calls a thread may make.
 *
 * Filters that all threads have are installed by the leader for all of them
 * at once, so that they share them as they did; what a thread has more it
 * installs itself, once the leader is done. All of it happens while the thread
 * is root, so that no filter needs no_new_privs; the walk has the tracer
 * suspend their effect until the thread goes on. Strict mode is entered at the
 * very end.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"
#include "kinds/task/lib/seccomp_book.h"

/* The kernel's struct sock_fprog. */
struct program {
	uint16_t n;
	uint16_t pad[3];
	uint64_t filter;
};

/* index 0 is the oldest filter. */
static int filters_keep(struct dump *dump, const struct victim_thread *thread,
	int *ret_newest, struct err *err)
{
	int n = thread->status.seccomp_filters, newest = SECCOMP_NONE, ret;
	struct sock_filter *insns;
	uint64_t flags;
	size_t n_insns;

	if (!dump->seccomp)
		dump->seccomp = seccomp_book_new(dump->arena);
	/* Before 5.9 nobody says how many there are. */
	for (unsigned i = 0; n < 0 || i < (unsigned)n; i++) {
		ret = ptrace_seccomp_filter_get(dump->arena, thread->tid, i,
			&insns, &n_insns, &flags,
			n < 0 && i ? ERR_UNREAD : err);
		if (ret == -ENOENT && n < 0 && i)
			break;
		if (ret)
			return ret;
		newest = seccomp_book_add(dump->arena, dump->seccomp, newest,
			insns, n_insns * sizeof(*insns), (uint32_t)flags);
	}
	*ret_newest = newest;
	return 0;
}

static int seccomp_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	ThreadCoreEntry *core = ((CoreEntry *)msg)->thread_core;
	int mode = sight->thread->status.seccomp, newest, ret;

	if (mode == SECCOMP_MODE_DISABLED)
		return 0;
	core->has_seccomp_mode = 1;
	core->seccomp_mode = (SeccompMode)mode;
	if (mode != SECCOMP_MODE_FILTER)
		return 0;
	ret = filters_keep(dump, sight->thread, &newest, err);
	if (ret)
		return ret;
	core->has_seccomp_filter = 1;
	core->seccomp_filter = (uint32_t)newest;
	return 0;
}

/*
 * A filter is given by its address, and a tape does not know where it lies.
 * The kernel does: it is told the address as one to clear at the thread's
 * end, and writes it where it is wanted when asked (the kind "tid address"
 * emits later). Both need CONFIG_CHECKPOINT_RESTORE, as suspending does.
 */
static void filter_emit(
	struct tape *tape, const SeccompFilter *filter, uint32_t flags)
{
	struct program program = {.n = (uint16_t)(filter->filter.len / 8)};
	uint64_t code_at =
		tape_data(tape, filter->filter.data, filter->filter.len);
	uint64_t program_at = tape_data(tape, &program, sizeof(program));

	tape_call(tape, CALL_set_tid_address, A_DATA(code_at));
	tape_call(tape, CALL_prctl, A(PR_GET_TID_ADDRESS),
		A_DATA(program_at + offsetof(struct program, filter)));
	tape_call(tape, CALL_seccomp, A(SECCOMP_SET_MODE_FILTER), A(flags),
		A_DATA(program_at));
}

/*
 * Before 5.16 a filter also switched speculation off unless told not to. The
 * kernel does not say with which flag a filter came, but a thread's extra
 * state says what became of it.
 */
static uint32_t flags_more(const struct thread *thread)
{
	const StasisThreadExtra *extra = thread->extra;

	if (!extra || extra->spec_store_bypass & PR_SPEC_FORCE_DISABLE)
		return 0;
	return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
}

/* The threads are there already, and have no filters yet. */
static uint32_t flag_for_all(const struct task *task)
{
	return task->n_threads > 1 ? SECCOMP_FILTER_FLAG_TSYNC : 0;
}

static int chain_emit(struct tape *tape, const struct holder *holder,
	bool common, struct err *err)
{
	const SeccompEntry *all = holder->facts->seccomp;
	const SeccompFilter *filter;
	struct seccomp_chain chain;
	size_t n_common, from, to;
	int ret;

	ret = seccomp_chain_read(tape->arena, all, holder->thread, &chain, err);
	if (!ret && chain.n)
		ret = seccomp_chain_common(
			tape->arena, all, holder->task, &n_common, err);
	if (ret || !chain.n)
		return ret;
	from = common ? 0 : n_common;
	to = common ? n_common : chain.n;
	for (size_t i = from; i < to; i++) {
		tape_about(tape, "seccomp filter %u", chain.at[i]);
		filter = all->seccomp_filters[chain.at[i]];
		filter_emit(tape, filter,
			filter->flags | flags_more(holder->thread) |
				(common ? flag_for_all(holder->task) : 0));
	}
	return 0;
}

static int common_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	(void)object;
	return chain_emit(tape, holder, true, err);
}

static int own_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	(void)object;
	return chain_emit(tape, holder, false, err);
}

static int strict_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	(void)object;
	(void)err;
	if (seccomp_mode_of(holder->thread) != SECCOMP_MODE__strict)
		return 0;
	tape_about(tape, "strict seccomp");
	tape_call(tape, CALL_seccomp, A(SECCOMP_SET_MODE_STRICT), A(0), A(0));
	return 0;
}

const struct kind kind_seccomp_common = {
	.name = "common seccomp filters",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.emit = common_emit,
};

const struct kind kind_seccomp = {
	.name = "seccomp filters",
	.scope = SCOPE_THREAD,
	.capture = seccomp_capture,
	.emit = own_emit,
};

const struct kind kind_seccomp_strict = {
	.name = "strict seccomp",
	.scope = SCOPE_THREAD,
	.emit = strict_emit,
};
