/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu modes: how the CPU treats a thread: speculation, time stamp counter,
 * CPUID, memory errors, tagged addresses, permission to use AMX's tiles.
 *
 * Each machine and kernel has only some of them; a question that it does not
 * know has no answer. Only what differs from the default is stored.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"

enum {
	GET_CPUID = 0x1011, /* arch_prctl, x86, 4.12 */
	SET_CPUID = 0x1012,
	GET_PERMISSION = 0x1022, /* 5.16 */
	ASK_PERMISSION = 0x1023,
	TILES = 18,
	GET_UNTAG_MASK = 0x4001, /* 6.4 */
	SPEC_SETTABLE = 1,	 /* PR_SPEC_PRCTL */
	/* PR_SPEC_DISABLE, FORCE_DISABLE, DISABLE_NOEXEC */
	SPEC_CHANGED = 4 | 8 | 16,
	SPEC_ENABLED = 2,
	L1D_FLUSH = 2, /* PR_SPEC_L1D_FLUSH, 5.16 */
	MCE_SET = 1,
	MCE_DEFAULT = 2,
};

enum {
	OP_BYPASS,
	OP_BRANCH,
	OP_L1D,
	OP_TSC,
	OP_MCE,
	OP_TAGGED,
	OP_CPUID,
	OP_PERMISSION,
	OP_UNTAG,
	OP_SEGMENTS, /* the leader's: of all memory */
	OPS,
};

/* What comes by reference. */
struct data {
	uint64_t permission, untag, segment;
	int32_t tsc;
};

static bool leads(const struct victim_thread *thread)
{
	return thread->tid == thread->victim->pid;
}

static void x86_ask(
	struct tape *tape, const struct victim_thread *thread, uint64_t data)
{
	tape_try(tape, CALL_arch_prctl, A(GET_CPUID), A(0));
	tape_try(tape, CALL_arch_prctl, A(GET_PERMISSION),
		A_DATA(data + offsetof(struct data, permission)));
	tape_try(tape, CALL_arch_prctl, A(GET_UNTAG_MASK),
		A_DATA(data + offsetof(struct data, untag)));
	if (leads(thread))
		tape_try(tape, CALL_modify_ldt, A(0),
			A_DATA(data + offsetof(struct data, segment)),
			A(sizeof(uint64_t)));
}

static int cpu_modes_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	const struct backend *be = backend_host();
	uint64_t data = tape_data(tape, NULL, sizeof(struct data));

	(void)err;
	tape_about(tape, "modes of the CPU");
	tape_try(tape, CALL_prctl, A(PR_GET_SPECULATION_CTRL),
		A(PR_SPEC_STORE_BYPASS), A(0), A(0), A(0));
	tape_try(tape, CALL_prctl, A(PR_GET_SPECULATION_CTRL),
		A(PR_SPEC_INDIRECT_BRANCH), A(0), A(0), A(0));
	tape_try(tape, CALL_prctl, A(PR_GET_SPECULATION_CTRL), A(L1D_FLUSH),
		A(0), A(0), A(0));
	tape_try(tape, CALL_prctl, A(PR_GET_TSC),
		A_DATA(data + offsetof(struct data, tsc)));
	tape_try(tape, CALL_prctl, A(PR_MCE_KILL_GET), A(0), A(0), A(0), A(0));
	tape_try(tape, CALL_prctl, A(PR_GET_TAGGED_ADDR_CTRL), A(0), A(0), A(0),
		A(0));
	answer->n = be && be->calls[CALL_arch_prctl] != CALL_ABSENT;
	if (answer->n)
		x86_ask(tape, thread, data);
	return 0;
}

static void speculation_keep(
	StasisThreadExtra *extra, int64_t bypass, int64_t branch)
{
	if (bypass > 0 && bypass & SPEC_SETTABLE && bypass & SPEC_CHANGED) {
		extra->has_spec_store_bypass = 1;
		extra->spec_store_bypass = (uint32_t)bypass & SPEC_CHANGED;
	}
	if (branch > 0 && branch & SPEC_SETTABLE && branch & SPEC_CHANGED) {
		extra->has_spec_indirect_branch = 1;
		extra->spec_indirect_branch = (uint32_t)branch & SPEC_CHANGED;
	}
}

/* Off unless a thread asks for it, where the host was booted for it. */
static bool l1d_flushes(int64_t answer)
{
	return answer > 0 && answer & SPEC_SETTABLE && answer & SPEC_ENABLED;
}

/* What came back, one value of each op; data as the thread gave it. */
struct modes {
	int64_t op[OPS];
	struct data data;
};

static int modes_read(
	const struct sighting *sight, struct modes *ret, struct err *err)
{
	const struct answer *answer = sight->answer;
	uint32_t n = !answer->n		    ? OP_CPUID
		     : leads(sight->thread) ? OPS
					    : OP_SEGMENTS;
	struct modes modes;
	int code;

	code = answer_read(
		sight->thread, answer, 0, &modes.data, sizeof(modes.data), err);
	for (uint32_t i = 0; i < n && !code; i++)
		code = answer_result(sight->thread, answer, i, 0, INT32_MAX,
			&modes.op[i], err);
	if (!code)
		*ret = modes;
	return code;
}

static int x86_keep(const struct victim_thread *thread,
	const struct modes *modes, StasisThreadExtra *extra, struct err *err)
{
	if (!modes->op[OP_CPUID]) {
		extra->has_cpuid_fault = 1;
		extra->cpuid_fault = 1;
	}
	extra->has_tiles = !modes->op[OP_PERMISSION] &&
			   modes->data.permission & 1ull << TILES;
	extra->tiles = extra->has_tiles;
	/* The table's bytes that were read: none, if there is no table. */
	if (leads(thread) && modes->op[OP_SEGMENTS] > 0)
		return err_set(err, EOPNOTSUPP,
			"process %d has segments of its own (modify_ldt), as "
			"emulators and 32-bit code do, which cannot be dumped",
			thread->victim->pid);
	if (!modes->op[OP_UNTAG] && ~modes->data.untag)
		return err_set(err, EOPNOTSUPP,
			"thread %d has the CPU ignore upper bits of addresses "
			"(ARCH_ENABLE_TAGGED_ADDR), which cannot be dumped",
			thread->tid);
	return 0;
}

static int cpu_modes_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct victim_thread *thread = sight->thread;
	StasisThreadExtra *extra = extra_of_thread(dump->arena, thread);
	struct modes modes;
	int code = modes_read(sight, &modes, err);

	(void)msg;
	if (code)
		return code;
	speculation_keep(extra, modes.op[OP_BYPASS], modes.op[OP_BRANCH]);
	extra->has_spec_l1d_flush = l1d_flushes(modes.op[OP_L1D]);
	extra->spec_l1d_flush = extra->has_spec_l1d_flush;
	if (!modes.op[OP_TSC] && modes.data.tsc != PR_TSC_ENABLE) {
		extra->has_tsc_mode = 1;
		extra->tsc_mode = (uint32_t)modes.data.tsc;
	}
	if (modes.op[OP_MCE] >= 0 && modes.op[OP_MCE] != MCE_DEFAULT) {
		extra->has_mce_kill = 1;
		extra->mce_kill = (uint32_t)modes.op[OP_MCE];
	}
	if (modes.op[OP_TAGGED] > 0) {
		extra->has_tagged_addr = 1;
		extra->tagged_addr = (uint64_t)modes.op[OP_TAGGED];
	}
	return sight->answer->n ? x86_keep(thread, &modes, extra, err) : 0;
}

static void speculation_emit(struct tape *tape, int what, uint32_t how)
{
	tape_about(tape, "speculation control (%s)",
		what == PR_SPEC_STORE_BYPASS	  ? "store bypass"
		: what == PR_SPEC_INDIRECT_BRANCH ? "indirect branches"
						  : "L1D flush");
	/* A CPU without the flaw has no switch for it. */
	tape_try(tape, CALL_prctl, A(PR_SET_SPECULATION_CTRL), A(what), A(how),
		A(0), A(0));
}

static int cpu_modes_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const StasisThreadExtra *extra = holder->thread->extra;

	(void)object;
	(void)err;
	if (!extra)
		return 0;
	if (extra->has_spec_store_bypass)
		speculation_emit(
			tape, PR_SPEC_STORE_BYPASS, extra->spec_store_bypass);
	if (extra->has_spec_indirect_branch)
		speculation_emit(tape, PR_SPEC_INDIRECT_BRANCH,
			extra->spec_indirect_branch);
	if (extra->spec_l1d_flush)
		speculation_emit(tape, L1D_FLUSH, SPEC_ENABLED);
	tape_about(tape, "modes of the CPU");
	if (extra->has_mce_kill)
		tape_call(tape, CALL_prctl, A(PR_MCE_KILL), A(MCE_SET),
			A(extra->mce_kill), A(0), A(0));
	if (extra->has_tagged_addr)
		tape_call(tape, CALL_prctl, A(PR_SET_TAGGED_ADDR_CTRL),
			A(extra->tagged_addr), A(0), A(0), A(0));
	if (extra->has_tsc_mode)
		tape_call(tape, CALL_prctl, A(PR_SET_TSC), A(extra->tsc_mode));
	if (extra->tiles)
		tape_call(tape, CALL_arch_prctl, A(ASK_PERMISSION), A(TILES));
	if (extra->cpuid_fault)
		tape_call(tape, CALL_arch_prctl, A(SET_CPUID), A(0));
	return 0;
}

const struct kind kind_cpu_modes = {
	.name = "cpu modes",
	.scope = SCOPE_THREAD,
	.ask = cpu_modes_ask,
	.capture = cpu_modes_capture,
	.emit = cpu_modes_emit,
};
