/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "backends.h"
#include "x86_64/x86_64.h"

static const struct backend *const be = &backend_x86_64;

static struct x86_64_gpr in_syscall(uint64_t nr, int64_t ax)
{
	struct x86_64_gpr gpr;

	memset(&gpr, 0x11, sizeof(gpr));
	gpr.orig_ax = nr;
	gpr.ax = (uint64_t)ax;
	gpr.ip = 0x401002;
	return gpr;
}

TEST(restart_is_read_from_orig_ax_and_ax)
{
	static const struct {
		int64_t orig_ax, ax;
		enum restart_class want;
	} table[] = {
		{0, -512, RESTART_AGAIN},
		{7, -513, RESTART_AGAIN},
		{7, -514, RESTART_AGAIN},
		{230, -516, RESTART_BLOCK},
		{230, -515, RESTART_NONE},
		{230, -511, RESTART_NONE},
		{230, -517, RESTART_NONE},
		{230, -EINTR, RESTART_NONE},
		{230, 512, RESTART_NONE},
		{230, 0, RESTART_NONE},
		{-1, -512, RESTART_NONE},
		{-1, -516, RESTART_NONE},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct x86_64_gpr gpr =
			in_syscall((uint64_t)table[i].orig_ax, table[i].ax);

		CHECK_INT(be->restart(&gpr), table[i].want);
	}
}

/* What settle and resume make of each class. */
static void change_check(int (*change)(void *, enum restart_class), int64_t ax,
	enum restart_class class, int64_t want_ax, uint64_t want_ip)
{
	struct x86_64_gpr gpr = in_syscall(35, ax), want = gpr;

	want.ax = (uint64_t)want_ax;
	want.ip = want_ip;
	want.orig_ax = (uint64_t)-1;
	CHECK_INT(change(&gpr, class), 0);
	CHECK_MEM(&gpr, &want, sizeof(gpr));
}

TEST(settle_makes_an_image_outside_of_system_calls)
{
	change_check(be->settle, -512, RESTART_UNKNOWN, 35, 0x401000);
	change_check(be->settle, -513, RESTART_UNKNOWN, 35, 0x401000);
	change_check(be->settle, -514, RESTART_UNKNOWN, 35, 0x401000);
	change_check(be->settle, -516, RESTART_UNKNOWN, -EINTR, 0x401002);
	change_check(be->settle, 42, RESTART_UNKNOWN, 42, 0x401002);
	change_check(be->settle, -512, RESTART_NONE, -512, 0x401002);
	change_check(be->settle, -512, RESTART_AGAIN, 35, 0x401000);
	change_check(be->settle, -512, RESTART_BLOCK, -EINTR, 0x401002);
}

TEST(resume_enters_restart_syscall_for_an_interrupted_sleep)
{
	change_check(be->resume, -516, RESTART_UNKNOWN, 219, 0x401000);
	change_check(be->resume, -516, RESTART_BLOCK, 219, 0x401000);
	change_check(be->resume, -512, RESTART_UNKNOWN, 35, 0x401000);
	change_check(be->resume, 42, RESTART_UNKNOWN, 42, 0x401002);
}

TEST(settle_of_settled_registers_changes_nothing)
{
	struct x86_64_gpr gpr = in_syscall(35, -512), once;

	be->settle(&gpr, RESTART_UNKNOWN);
	once = gpr;
	be->settle(&gpr, RESTART_UNKNOWN);
	CHECK_MEM(&gpr, &once, sizeof(gpr));
	be->resume(&gpr, RESTART_UNKNOWN);
	CHECK_MEM(&gpr, &once, sizeof(gpr));
}

TEST(call_enters_a_function_with_an_aligned_stack)
{
	struct x86_64_gpr gpr = in_syscall(35, -512), before;

	gpr.flags = 0x10246 | 0x100 | 0x400 | 0x40000;
	before = gpr;
	be->call(&gpr, 0x7000, 0x9000, 0xabc);
	CHECK_INT(gpr.ip, 0x7000);
	CHECK_INT(gpr.sp, 0x8ff8);
	CHECK_INT(gpr.di, 0xabc);
	CHECK_INT(gpr.ax, 0);
	CHECK_INT((int64_t)gpr.orig_ax, -1);
	CHECK_INT(gpr.flags, 0x246);
	CHECK_INT(gpr.bx, before.bx);
	CHECK_INT(gpr.fs_base, before.fs_base);
	be->call(&gpr, 0x7000, 0x900f, 0);
	CHECK_INT((gpr.sp + 8) % 16, 0);
	CHECK(gpr.sp < 0x900f);
}

TEST(result_is_a_value_or_a_negative_error)
{
	struct x86_64_gpr gpr = {.ax = (uint64_t)-ENOENT};

	CHECK_INT(be->result(&gpr), -ENOENT);
	gpr.ax = 0x7f0000001000;
	CHECK_INT(be->result(&gpr), 0x7f0000001000);
}

TEST(generic_register_names_reach_their_words)
{
	struct x86_64_gpr gpr = {0};

	for (enum reg r = REG_PC; r <= REG_RET; r++)
		be->reg_set(&gpr, r, 0x100u + r);
	CHECK_INT(gpr.ip, 0x100 + REG_PC);
	CHECK_INT(gpr.sp, 0x100 + REG_SP);
	CHECK_INT(gpr.ax, 0x100 + REG_RET);
	CHECK_INT(gpr.di, 0x100 + REG_ARG0);
	CHECK_INT(gpr.si, 0x100 + REG_ARG1);
	CHECK_INT(gpr.dx, 0x100 + REG_ARG2);
	CHECK_INT(gpr.r10, 0x100 + REG_ARG3);
	CHECK_INT(gpr.r8, 0x100 + REG_ARG4);
	CHECK_INT(gpr.r9, 0x100 + REG_ARG5);
	for (enum reg r = REG_ARG0; r <= REG_ARG5; r++)
		CHECK_INT(be->reg_get(&gpr, r), 0x100 + r);
}

TEST(vdso_jump_is_movabs_and_jmp)
{
	static const uint8_t want[12] = {0x48, 0xb8, 0xf0, 0xde, 0xbc, 0x9a,
		0x78, 0x56, 0x34, 0x12, 0xff, 0xe0};
	uint8_t out[32];

	CHECK_INT(be->vdso_jump(out, 0x1000, 0x123456789abcdef0), 12);
	CHECK_MEM(out, want, sizeof(want));
}
