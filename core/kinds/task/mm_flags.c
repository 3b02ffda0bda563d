/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm flags: what a task decided about all of its memory: no huge pages, merge
 * equal pages, deny writable code, lock what will be mapped.
 *
 * Nothing tells of mlockall(MCL_FUTURE) but a new mapping: locked memory
 * cannot be given up, and is there before it is touched if not MCL_ONFAULT.
 *
 * The last one denies new mappings, so this emits when there will be none.
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"

/* Of <linux/prctl.h>, where older headers lack them. */
enum {
	SET_MDWE = 65, /* 6.3 */
	GET_MDWE = 66,
	SET_MERGE = 67, /* 6.4 */
	GET_MERGE = 68,
	/* 6.18: areas with MADV_HUGEPAGE may have them all the same. GET_THP_
	 * DISABLE tells it as this bit beside 1. */
	THP_EXCEPT_ADVISED = 2,
};

enum { OP_THP, OP_MERGE, OP_MDWE, OP_MAP, OP_INCORE, OP_GIVE_UP };
enum { PROBE = 64 << 10, PROBE_PAGES = 16 };

static void lock_ask(struct tape *tape)
{
	uint64_t in_core = tape_data(tape, NULL, PROBE_PAGES);
	uint32_t map;

	tape_about(tape, "locks of memory to come");
	map = tape_try(tape, CALL_mmap, A(0), A(PROBE),
		A(PROT_READ | PROT_WRITE), A(MAP_PRIVATE | MAP_ANONYMOUS),
		A(-1), A(0));
	tape_try(tape, CALL_mincore, A_RESULT(map), A(PROBE), A_DATA(in_core));
	tape_try(tape, CALL_madvise, A_RESULT(map), A(PROBE), A(MADV_DONTNEED));
	tape_try(tape, CALL_munmap, A_RESULT(map), A(PROBE));
}

static int mm_flags_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "flags of the memory");
	tape_call(tape, CALL_prctl, A(PR_GET_THP_DISABLE), A(0), A(0), A(0),
		A(0));
	tape_try(tape, CALL_prctl, A(GET_MERGE), A(0), A(0), A(0), A(0));
	tape_try(tape, CALL_prctl, A(GET_MDWE), A(0), A(0), A(0), A(0));
	lock_ask(tape);
	return 0;
}

static int lock_unseen(
	const struct victim_thread *thread, int code, struct err *err)
{
	err_code(err, code,
		"process %d: whether it locks memory to come (mlockall) cannot "
		"be seen",
		thread->victim->pid);
	return err_hint(err, "its limits leave no room: RLIMIT_AS, RLIMIT_DATA "
			     "or RLIMIT_MEMLOCK (prlimit can raise them)");
}

static int lock_keep(const struct victim_thread *thread,
	const struct answer *answer, StasisTaskExtra *extra, struct err *err)
{
	int64_t mapped = -1, given_up = 0;
	uint8_t in_core;
	int ret;

	ret = answer_result(thread, answer, OP_MAP, 0, INT64_MAX, &mapped, err);
	if (!ret)
		ret = answer_result(
			thread, answer, OP_GIVE_UP, 0, 0, &given_up, err);
	if (!ret)
		ret = answer_read(thread, answer, 0, &in_core, 1, err);
	if (!ret && mapped < 0)
		return lock_unseen(thread, (int)mapped, err);
	if (ret || given_up == 0)
		return ret;
	extra->has_lock_future = 1;
	extra->lock_future = MCL_FUTURE | (in_core & 1 ? 0 : MCL_ONFAULT);
	return 0;
}

static int mm_flags_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct victim_thread *thread = sight->thread;
	const struct answer *answer = sight->answer;
	StasisTaskExtra *extra = extra_of_task(dump->arena, sight->victim);
	MmEntry *mm = sight->victim->task->mm;
	int64_t thp, merge, mdwe;
	int ret;

	(void)msg;
	ret = answer_result(thread, answer, OP_THP, 0, INT32_MAX, &thp, err);
	if (!ret)
		ret = answer_result(
			thread, answer, OP_MERGE, 0, INT32_MAX, &merge, err);
	if (!ret)
		ret = answer_result(
			thread, answer, OP_MDWE, 0, INT32_MAX, &mdwe, err);
	if (ret)
		return ret;
	if (mm) {
		mm->has_thp_disabled = 1;
		mm->thp_disabled = thp > 0;
	}
	extra->has_thp_except_advised = thp > 0 && thp & THP_EXCEPT_ADVISED;
	extra->thp_except_advised = extra->has_thp_except_advised;
	extra->has_ksm_merge = merge > 0;
	extra->ksm_merge = merge > 0;
	if (mdwe > 0) {
		extra->has_mdwe = 1;
		extra->mdwe = (uint64_t)mdwe;
	}
	return lock_keep(thread, answer, extra, err);
}

static void flag_emit(
	struct tape *tape, int option, uint64_t value, uint64_t more)
{
	tape_call(tape, CALL_prctl, A(option), A(value), A(more), A(0), A(0));
}

static int mm_flags_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const StasisTaskExtra *extra = holder->task->extra;
	const MmEntry *mm = holder->task->mm;

	(void)object;
	(void)err;
	if (mm && mm->thp_disabled) {
		tape_about(tape, "no transparent huge pages");
		flag_emit(tape, PR_SET_THP_DISABLE, 1,
			extra && extra->thp_except_advised ? THP_EXCEPT_ADVISED
							   : 0);
	}
	if (extra && extra->ksm_merge) {
		tape_about(tape, "merging of equal pages");
		flag_emit(tape, SET_MERGE, 1, 0);
	}
	if (extra && extra->lock_future) {
		tape_about(tape, "locks of memory to come");
		tape_call(tape, CALL_mlockall, A(extra->lock_future));
	}
	if (extra && extra->mdwe) {
		tape_about(tape, "no writable code");
		flag_emit(tape, SET_MDWE, extra->mdwe, 0);
	}
	return 0;
}

const struct kind kind_mm_flags = {
	.name = "mm flags",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.ask = mm_flags_ask,
	.capture = mm_flags_capture,
	.emit = mm_flags_emit,
};
