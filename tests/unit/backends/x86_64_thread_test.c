/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "backends.h"
#include "x86_64/x86_64.h"

static const struct backend *const be = &backend_x86_64;

/* A sleep(1) as CRIU 4.2 stored it. */
static UserX86RegsEntry *sleep_gpregs(struct arena *arena)
{
	UserX86RegsEntry *regs = arena_new1(arena, UserX86RegsEntry);

	user_x86_regs_entry__init(regs);
	regs->r15 = regs->r13 = 0x7ffc26d75318;
	regs->r14 = 1;
	regs->r12 = regs->dx = 0x7ffc26d75110;
	regs->bp = regs->r10 = 0x7ffc26d75150;
	regs->bx = 0x3e8;
	regs->r11 = regs->flags = 0x202;
	regs->ax = (uint64_t)-EINTR;
	regs->cx = regs->ip = 0x7f6107a39503;
	regs->orig_ax = 0xe6;
	regs->cs = 0x33;
	regs->ss = 0x2b;
	regs->sp = 0x7ffc26d750f8;
	regs->fs_base = 0x7f6107967740;
	regs->has_mode = 1;
	regs->mode = USER_X86_REGS_MODE__NATIVE;
	return regs;
}

static UserX86FpregsEntry *sleep_fpregs(struct arena *arena)
{
	static const uint32_t xmm[] = {1096173906, 1593853268, 1651076191,
		1634033507, 1096173906, 0, 0, 0, 1593853268, 1651076191,
		1634033507, 1601793138, 96, 0, 0, 0, 24};
	UserX86FpregsEntry *regs = arena_new1(arena, UserX86FpregsEntry);

	user_x86_fpregs_entry__init(regs);
	regs->cwd = 895;
	regs->mxcsr = 8064;
	regs->mxcsr_mask = 196607;
	regs->n_st_space = 32;
	regs->st_space = arena_newn(arena, uint32_t, 32);
	regs->n_xmm_space = 64;
	regs->xmm_space = arena_newn(arena, uint32_t, 64);
	memcpy(regs->xmm_space + 8, xmm, sizeof(xmm));
	regs->xsave = arena_new1(arena, UserX86XsaveEntry);
	user_x86_xsave_entry__init(regs->xsave);
	regs->xsave->xstate_bv = 2;
	return regs;
}

static CoreEntry *sleep_core(struct arena *arena)
{
	CoreEntry *core = arena_new1(arena, CoreEntry);
	ThreadInfoX86 *info = arena_new1(arena, ThreadInfoX86);

	core_entry__init(core);
	thread_info_x86__init(info);
	core->mtype = CORE_ENTRY__MARCH__X86_64;
	core->thread_info = info;
	info->gpregs = sleep_gpregs(arena);
	info->fpregs = sleep_fpregs(arena);
	return core;
}

/* The receiver has just FXSAVE, so that every host does the same. */
static struct regs fxsave_host(struct arena *arena)
{
	struct regs here = {0};

	here.set[X86_64_FXSAVE].bytes = arena_alloc(arena, 512);
	here.set[X86_64_FXSAVE].size = 512;
	return here;
}

TEST(an_image_comes_back_from_registers)
{
	struct arena *arena = arena_new();
	CoreEntry *core = sleep_core(arena), back;
	struct regs here = fxsave_host(arena), regs = {0};
	struct err err = {0};
	uint8_t a[4096], b[4096];
	size_t size;

	CHECK_INT(be->thread_from_image(arena, core, &here, &regs, &err), 0);
	core_entry__init(&back);
	CHECK_INT(be->thread_to_image(arena, &regs, &back, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(back.mtype, CORE_ENTRY__MARCH__X86_64);
	CHECK_INT(back.thread_info->n_tls, 3);
	CHECK_INT(back.thread_info->tls[2]->entry_number, 14);
	CHECK_INT((int64_t)back.thread_info->gpregs->orig_ax, -1);
	core->thread_info->gpregs->orig_ax = (uint64_t)-1;
	core->thread_info->fpregs->xsave = NULL;
	back.thread_info->n_tls = 0;
	size = thread_info_x86__pack(core->thread_info, a);
	CHECK_INT(thread_info_x86__pack(back.thread_info, b), size);
	CHECK_MEM(a, b, size);
	arena_free(arena);
}

TEST(a_whole_area_is_made_when_no_host_is_given)
{
	struct arena *arena = arena_new();
	CoreEntry *core = sleep_core(arena), back;
	struct regs regs = {0};
	struct err err = {0};

	CHECK_INT(be->thread_from_image(arena, core, NULL, &regs, &err), 0);
	CHECK(regs.set[X86_64_XSAVE].size >= 576);
	core_entry__init(&back);
	CHECK_INT(be->thread_to_image(arena, &regs, &back, &err), 0);
	CHECK_INT(back.thread_info->fpregs->xsave->xstate_bv, 2);
	CHECK_MEM(back.thread_info->fpregs->xmm_space,
		core->thread_info->fpregs->xmm_space, 256);
	arena_free(arena);
}

TEST(registers_of_32_bit_code_are_refused)
{
	struct arena *arena = arena_new();
	CoreEntry *core = sleep_core(arena);
	struct regs regs = {0};
	struct err err = {0};

	regs.set[X86_64_GPR].bytes = arena_alloc(arena, 68);
	regs.set[X86_64_GPR].size = 68;
	CHECK_INT(be->thread_to_image(arena, &regs, core, &err), -ENOTSUP);
	CHECK_STR(err.text,
		"the thread runs 32-bit code, which is not supported");
	core->thread_info->gpregs->mode = USER_X86_REGS_MODE__COMPAT;
	CHECK_INT(be->thread_from_image(arena, core, NULL, &regs, &err),
		-ENOTSUP);
	arena_free(arena);
}

TEST(images_of_other_machines_and_empty_ones_are_refused)
{
	struct arena *arena = arena_new();
	CoreEntry *core = sleep_core(arena);
	struct regs regs = {0};
	struct err err = {0};

	core->mtype = CORE_ENTRY__MARCH__AARCH64;
	CHECK_INT(
		be->thread_from_image(arena, core, NULL, &regs, &err), -EINVAL);
	core->mtype = CORE_ENTRY__MARCH__X86_64;
	core->thread_info->gpregs->fs_base = UINT64_C(1) << 63;
	CHECK_INT(
		be->thread_from_image(arena, core, NULL, &regs, &err), -EINVAL);
	core->thread_info = NULL;
	CHECK_INT(
		be->thread_from_image(arena, core, NULL, &regs, &err), -EINVAL);
	CHECK_STR(err.text, "the image holds no x86_64 registers");
	CHECK(regs.set[0].bytes == NULL);
	CHECK(be->clear_tid(core) == NULL);
	arena_free(arena);
}

TEST(a_shadow_stack_needs_one_in_the_receiver)
{
	struct arena *arena = arena_new();
	CoreEntry *core = sleep_core(arena);
	UserX86CetEntry cet;
	struct regs here = fxsave_host(arena), regs = {0};
	struct err err = {0};

	user_x86_cet_entry__init(&cet);
	core->thread_info->fpregs->xsave->cet = &cet;
	CHECK_INT(be->thread_from_image(arena, core, &here, &regs, &err), 0);
	CHECK(regs.set[X86_64_SHSTK].bytes == NULL);
	cet.cet = 1;
	cet.ssp = 0x7f0000001000;
	CHECK_INT(be->thread_from_image(arena, core, &here, &regs, &err),
		-ENOTSUP);
	CHECK_INT(be->thread_from_image(arena, core, NULL, &regs, &err), 0);
	CHECK_INT(regs.set[X86_64_SHSTK].size, 8);
	CHECK_MEM(regs.set[X86_64_SHSTK].bytes, &cet.ssp, 8);
	arena_free(arena);
}

TEST(pc_sp_and_tid_address_are_found_in_the_image)
{
	struct arena *arena = arena_new();
	CoreEntry *core = sleep_core(arena);
	uint64_t pc = 0, sp = 0;

	be->image_pc_sp(core, &pc, &sp);
	CHECK_INT(pc, 0x7f6107a39503);
	CHECK_INT(sp, 0x7ffc26d750f8);
	*be->clear_tid(core) = 0x1234;
	CHECK_INT(core->thread_info->clear_tid_addr, 0x1234);
	arena_free(arena);
}
