/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequences of this process itself, read through /proc/self/mem. */
#include "inject/rseq.h"

#include <unistd.h>

#include "inject/regs.h"
#include "test.h"

struct area {
	uint32_t cpu_id_start, cpu_id;
	uint64_t sequence;
} __attribute__((aligned(32)));

struct sequence {
	uint32_t version, flags;
	uint64_t start, size, abort;
} __attribute__((aligned(32)));

/* Registers with that pc, put through rseq_abort; returns the pc after. */
static uint64_t pc_after(struct area *area, uint64_t pc)
{
	const struct backend *be = backend_host();
	struct ptrace_rseq rseq = {.addr = (uint64_t)area, .size = 32};
	_cleanup_memory_ struct memory memory = MEMORY_CLOSED;
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	uint64_t gpr[128] = {0};
	struct err err = {0};

	CHECK_INT(proc_open(getpid(), &proc, &err), 0);
	CHECK_INT(memory_open(&proc, &memory, &err), 0);
	be->reg_set(gpr, REG_PC, pc);
	CHECK_INT(rseq_abort(be, &memory, &rseq, gpr, &err), 0);
	return be->reg_get(gpr, REG_PC);
}

TEST(a_thread_inside_its_sequence_goes_to_the_abort)
{
	struct sequence sequence = {
		.start = 0x1000, .size = 0x20, .abort = 0x5000};
	struct area area = {.sequence = (uint64_t)&sequence};

	CHECK_INT(pc_after(&area, 0x1000), 0x5000);
	CHECK_INT(area.sequence, 0);
	area.sequence = (uint64_t)&sequence;
	CHECK_INT(pc_after(&area, 0x101f), 0x5000);
}

TEST(a_thread_outside_its_sequence_is_left_alone)
{
	struct sequence sequence = {
		.start = 0x1000, .size = 0x20, .abort = 0x5000};
	struct area area = {.sequence = (uint64_t)&sequence};

	CHECK_INT(pc_after(&area, 0x1020), 0x1020);
	CHECK_INT(pc_after(&area, 0xfff), 0xfff);
	CHECK_INT(area.sequence, (uint64_t)&sequence);
}

TEST(an_area_without_a_sequence_or_with_a_wild_one_changes_nothing)
{
	struct area area = {0};

	CHECK_INT(pc_after(&area, 0x1010), 0x1010);
	area.sequence = 8;
	CHECK_INT(pc_after(&area, 0x1010), 0x1010);
	CHECK_INT(pc_after(NULL, 0x1010), 0x1010);
}
