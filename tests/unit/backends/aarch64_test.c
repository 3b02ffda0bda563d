/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "aarch64/aarch64.h"
#include "backends.h"

static const struct backend *const be = &backend_aarch64;

static void bytes_fill(void *bytes, size_t size, unsigned int seed)
{
	uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		at[i] = (uint8_t)(seed >> 16);
	}
}

static void *set_add(struct arena *arena, struct regs *regs,
	enum aarch64_set set, size_t size)
{
	void *bytes = arena_alloc(arena, size);

	bytes_fill(bytes, size, set + 1);
	regs->set[set].bytes = bytes;
	regs->set[set].size = size;
	return bytes;
}

/* What every arm64 Linux shows, and pointer authentication. */
static struct regs regs_new(struct arena *arena)
{
	struct regs regs = {0};
	struct aarch64_gpr *gpr =
		set_add(arena, &regs, AARCH64_GPR, sizeof(*gpr));
	struct aarch64_fpsimd *fpsimd =
		set_add(arena, &regs, AARCH64_FPSIMD, sizeof(*fpsimd));

	gpr->pstate = 0x60000000;
	memset(fpsimd->reserved, 0, sizeof(fpsimd->reserved));
	set_add(arena, &regs, AARCH64_TLS, 16);
	set_add(arena, &regs, AARCH64_PACA, sizeof(struct aarch64_paca));
	set_add(arena, &regs, AARCH64_PACG, 16);
	set_add(arena, &regs, AARCH64_PAC_ENABLED, 8);
	return regs;
}

static void *sve_add(struct arena *arena, struct regs *regs,
	enum aarch64_set set, uint16_t vl, uint16_t max_vl, uint16_t flags)
{
	size_t size = 8768;
	struct aarch64_sve_head head = {.size = flags ? 16 + vl * 36 : 544,
		.max_size = (uint32_t)size,
		.vl = vl,
		.max_vl = max_vl,
		.flags = flags};
	void *bytes = set_add(arena, regs, set, size);

	memcpy(bytes, &head, sizeof(head));
	memset((char *)bytes + head.size, 0, size - head.size);
	return bytes;
}

static CoreEntry *core_of(struct arena *arena, const struct regs *regs)
{
	CoreEntry *core = arena_new1(arena, CoreEntry);
	struct err err = {0};

	core_entry__init(core);
	CHECK_INT(be->thread_to_image(arena, regs, core, &err), 0);
	CHECK_STR(err.text, "");
	return core;
}

/* Through image and extras, to a host that looks like here. */
static int travel(struct arena *arena, const struct regs *from,
	const struct regs *here, struct regs *ret, struct err *err)
{
	CoreEntry *core = core_of(arena, from);
	struct regs_extra *extra = NULL;
	size_t n = 0;
	int error = be->extra_save(arena, from, &extra, &n, err);

	if (!error)
		error = be->thread_from_image(arena, core, here, ret, err);
	for (size_t i = 0; i < n && !error; i++)
		error = be->extra_load(arena, &extra[i], here, ret, err);
	return error;
}

static void sets_check(const struct regs *a, const struct regs *b)
{
	for (enum aarch64_set set = 0; set < AARCH64_SETS; set++) {
		CHECK_INT(a->set[set].size, b->set[set].size);
		if (a->set[set].bytes && b->set[set].bytes)
			CHECK_MEM(a->set[set].bytes, b->set[set].bytes,
				a->set[set].size);
	}
}

TEST(registers_survive_the_image)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), ret = {0};
	struct err err = {0};

	CHECK_INT(travel(arena, &from, &from, &ret, &err), 0);
	sets_check(&from, &ret);
	CHECK_INT(core_of(arena, &from)->mtype, CORE_ENTRY__MARCH__AARCH64);
	arena_free(arena);
}

TEST(registers_beyond_the_format_survive_as_extras)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), ret = {0};
	struct err err = {0};

	sve_add(arena, &from, AARCH64_SVE, 32, 64, 1);
	set_add(arena, &from, AARCH64_FPMR, 8);
	set_add(arena, &from, AARCH64_TAGGED_ADDR, 8);
	set_add(arena, &from, AARCH64_POE, 8);
	sve_add(arena, &from, AARCH64_SSVE, 32, 64, 1);
	sve_add(arena, &from, AARCH64_ZA, 32, 64, 1);
	set_add(arena, &from, AARCH64_ZT, 64);
	be->regs_prune(&from);
	CHECK_INT(travel(arena, &from, &from, &ret, &err), 0);
	CHECK_STR(err.text, "");
	sets_check(&from, &ret);
	arena_free(arena);
}

TEST(an_extra_holds_only_what_is_in_use)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena);
	struct regs_extra *extra = NULL;
	struct err err = {0};
	size_t n = 9;

	memset((char *)from.set[AARCH64_TLS].bytes + 8, 0, 8);
	CHECK_INT(be->extra_save(arena, &from, &extra, &n, &err), 0);
	CHECK_INT(n, 0);
	sve_add(arena, &from, AARCH64_SVE, 32, 64, 1);
	CHECK_INT(be->extra_save(arena, &from, &extra, &n, &err), 0);
	CHECK_INT(n, 1);
	CHECK_INT(extra[0].note, 0x405);
	CHECK_INT(extra[0].size, 16 + 32 * 36);
	arena_free(arena);
}

TEST(pruning_drops_what_would_switch_modes_on)
{
	struct arena *arena = arena_new();
	struct regs regs = regs_new(arena);
	struct aarch64_sve_head head = {.size = 16, .vl = 16, .max_vl = 64};

	sve_add(arena, &regs, AARCH64_SVE, 32, 64, 0);
	sve_add(arena, &regs, AARCH64_SSVE, 32, 64, 0);
	memcpy(set_add(arena, &regs, AARCH64_ZA, 64), &head, sizeof(head));
	set_add(arena, &regs, AARCH64_ZT, 64);
	memset(set_add(arena, &regs, AARCH64_GCS, 24), 0, 24);
	be->regs_prune(&regs);
	CHECK(regs.set[AARCH64_SVE].bytes != NULL);
	CHECK(regs.set[AARCH64_SSVE].bytes == NULL);
	CHECK_INT(regs.set[AARCH64_ZA].size, 16); /* the vector length */
	CHECK(regs.set[AARCH64_ZT].bytes == NULL);
	CHECK(regs.set[AARCH64_GCS].bytes == NULL);
	sve_add(arena, &regs, AARCH64_SSVE, 32, 64, 1);
	sve_add(arena, &regs, AARCH64_ZA, 32, 64, 1);
	set_add(arena, &regs, AARCH64_ZT, 64);
	be->regs_prune(&regs);
	CHECK(regs.set[AARCH64_SSVE].bytes != NULL);
	CHECK(regs.set[AARCH64_ZT].bytes != NULL);
	CHECK_INT(regs.set[AARCH64_SSVE].size, 16 + 32 * 36);
	CHECK_INT(regs.set[AARCH64_ZA].size, 16 + 32 * 36);
	arena_free(arena);
}

TEST(sve_in_use_needs_a_host_with_such_vectors)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from, ret = {0};
	struct err err = {0};

	sve_add(arena, &from, AARCH64_SVE, 64, 64, 1);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), -ENOTSUP);
	CHECK_STR(err.text,
		"the thread uses SVE registers, which this host lacks");
	sve_add(arena, &here, AARCH64_SVE, 16, 32, 0);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), -ENOTSUP);
	CHECK_STR(err.text,
		"the thread uses SVE registers with vectors of 64 bytes; this "
		"host has at most 32");
	/* The same with nothing in them. */
	sve_add(arena, &from, AARCH64_SVE, 64, 64, 0);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	CHECK(ret.set[AARCH64_SVE].bytes == NULL);
	here.set[AARCH64_SVE].bytes = NULL;
	here.set[AARCH64_SVE].size = 0;
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	arena_free(arena);
}

/* ZA is off, but says how long streaming vectors are. */
static void za_off_add(
	struct arena *arena, struct regs *regs, uint16_t vl, uint16_t max_vl)
{
	struct aarch64_sve_head head = {
		.size = 16, .max_size = 16, .vl = vl, .max_vl = max_vl};

	memcpy(set_add(arena, regs, AARCH64_ZA, 16), &head, sizeof(head));
}

TEST(streaming_state_fits_a_host_that_shows_only_its_lengths)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from, ret = {0};
	struct err err = {0};

	sve_add(arena, &from, AARCH64_SSVE, 64, 64, 1);
	sve_add(arena, &from, AARCH64_ZA, 64, 64, 1);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), -ENOTSUP);
	CHECK_STR(err.text, "the thread uses streaming SVE registers, which "
			    "this host lacks");
	za_off_add(arena, &here, 16, 32);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), -ENOTSUP);
	CHECK_STR(err.text,
		"the thread uses streaming SVE registers with vectors of 64 "
		"bytes; this host has at most 32");
	za_off_add(arena, &here, 16, 64);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	CHECK(ret.set[AARCH64_SSVE].bytes != NULL);
	CHECK(ret.set[AARCH64_ZA].bytes != NULL);
	arena_free(arena);
}

TEST(a_streaming_vector_length_travels_alone)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from, ret = {0};
	struct err err = {0};

	za_off_add(arena, &from, 32, 64);
	za_off_add(arena, &here, 16, 64);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	CHECK_INT(ret.set[AARCH64_ZA].size, 16);
	/* It has that length already; it has no such length; it has none. */
	za_off_add(arena, &here, 32, 64);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	CHECK(ret.set[AARCH64_ZA].bytes == NULL);
	za_off_add(arena, &here, 16, 16);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	CHECK(ret.set[AARCH64_ZA].bytes == NULL);
	here.set[AARCH64_ZA].bytes = NULL;
	here.set[AARCH64_ZA].size = 0;
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	arena_free(arena);
}

TEST(initial_overlays_need_no_host_with_overlays)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from, ret = {0};
	uint64_t *poe = set_add(arena, &from, AARCH64_POE, 8);
	struct err err = {0};

	*poe = 7;
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	*poe = 0x37;
	CHECK_INT(travel(arena, &from, &here, &ret, &err), -ENOTSUP);
	CHECK(strstr(err.text, "permission overlay") != NULL);
	arena_free(arena);
}

TEST(signed_addresses_need_the_keys)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from, ret = {0};
	struct err err = {0};

	here.set[AARCH64_PACA].bytes = NULL;
	here.set[AARCH64_PACG].bytes = NULL;
	CHECK_INT(travel(arena, &from, &here, &ret, &err), -ENOTSUP);
	CHECK(strstr(err.text, "paca") != NULL);
	CHECK_INT(travel(arena, &here, &from, &ret, &err), 0);
	CHECK(ret.set[AARCH64_PACA].bytes == NULL);
	arena_free(arena);
}

TEST(a_second_tls_register_needs_a_kernel_with_it)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from, ret = {0};
	struct err err = {0};

	here.set[AARCH64_TLS].size = 8;
	CHECK_INT(travel(arena, &from, &here, &ret, &err), -ENOTSUP);
	memset((char *)from.set[AARCH64_TLS].bytes + 8, 0, 8);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	CHECK_INT(ret.set[AARCH64_TLS].size, 8);
	arena_free(arena);
}

TEST(a_guarded_control_stack_is_refused)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena);
	struct regs_extra *extra;
	struct err err = {0};
	size_t n;

	set_add(arena, &from, AARCH64_GCS, 24);
	CHECK_INT(be->extra_save(arena, &from, &extra, &n, &err), -ENOTSUP);
	CHECK(strstr(err.text, "GCS") != NULL);
	/* Before anything is injected, too. */
	err = (struct err){0};
	CHECK_INT(be->regs_check(&from, &err), -ENOTSUP);
	CHECK(strstr(err.text, "GCS") != NULL);
	arena_free(arena);
}

TEST(a_guarded_control_stack_that_is_locked_off_stays_so)
{
	static const uint64_t locked[3] = {0, 1, 0}, on[3] = {1, 1, 0x1000};
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from, ret = {0};
	struct regs_extra extra = {.note = 0x410, .bytes = on, .size = 24};
	struct err err = {0};

	memcpy(set_add(arena, &from, AARCH64_GCS, 24), locked, 24);
	be->regs_prune(&from);
	CHECK_INT(be->regs_check(&from, &err), 0);
	CHECK_INT(travel(arena, &from, &here, &ret, &err), 0);
	CHECK_MEM(ret.set[AARCH64_GCS].bytes, locked, 24);
	CHECK_INT(be->extra_load(arena, &extra, &here, &ret, &err), -ENOTSUP);
	arena_free(arena);
}

TEST(damaged_images_are_refused)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), ret = {0};
	CoreEntry *core = core_of(arena, &from);
	struct err err = {0};

#define REFUSED() \
	CHECK_INT(be->thread_from_image(arena, core, NULL, &ret, &err), -EINVAL)
	core->ti_aarch64->gpregs->n_regs = 30;
	REFUSED();
	core->ti_aarch64->gpregs->n_regs = 31;
	core->ti_aarch64->fpsimd->n_vregs = 63;
	REFUSED();
	core->ti_aarch64->fpsimd->n_vregs = 64;
	core->ti_aarch64->gpregs->pstate = 5;
	REFUSED();
	core->ti_aarch64->gpregs->pstate = 0;
	core->mtype = CORE_ENTRY__MARCH__PPC64;
	REFUSED();
	core->mtype = CORE_ENTRY__MARCH__AARCH64;
	core->ti_aarch64 = NULL;
	REFUSED();
	CHECK(be->clear_tid(core) == NULL);
#undef REFUSED
	arena_free(arena);
}

TEST(damaged_extras_are_refused)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena);
	struct regs_extra extra = {.note = 0x405, .size = 15};
	struct err err = {0};

	extra.bytes = sve_add(arena, &from, AARCH64_SVE, 32, 64, 1);
	CHECK_INT(be->extra_load(arena, &extra, NULL, &from, &err), -EINVAL);
	extra.size = 100;
	CHECK_INT(be->extra_load(arena, &extra, NULL, &from, &err), -EINVAL);
	extra.note = 0x40e;
	CHECK_INT(be->extra_load(arena, &extra, NULL, &from, &err), -EINVAL);
	extra.note = 0x401;
	CHECK_INT(be->extra_load(arena, &extra, NULL, &from, &err), -EINVAL);
	extra.note = 0x100;
	CHECK_INT(be->extra_load(arena, &extra, NULL, &from, &err), -EINVAL);
	CHECK_STR(err.text,
		"the image holds an extra register set 0x100, which no aarch64 "
		"has");
	arena_free(arena);
}

TEST(settle_and_resume_know_only_what_they_are_told)
{
	struct aarch64_gpr gpr, same;

	bytes_fill(&gpr, sizeof(gpr), 3);
	gpr.pc = 0x400100;
	same = gpr;
	CHECK_INT(be->restart(&gpr), RESTART_UNKNOWN);
	be->settle(&gpr, RESTART_UNKNOWN);
	be->settle(&gpr, RESTART_NONE);
	be->settle(&gpr, RESTART_AGAIN);
	be->resume(&gpr, RESTART_UNKNOWN);
	be->resume(&gpr, RESTART_AGAIN);
	CHECK_MEM(&gpr, &same, sizeof(gpr));
	be->resume(&gpr, RESTART_BLOCK);
	CHECK_INT(gpr.x[8], 128);
	CHECK_INT(gpr.pc, 0x400100);
	gpr = same;
	be->settle(&gpr, RESTART_BLOCK);
	CHECK_INT((int64_t)gpr.x[0], -EINTR);
	CHECK_INT(gpr.pc, 0x400104);
	CHECK_INT(gpr.x[8], same.x[8]);
}

TEST(call_and_result_follow_the_calling_convention)
{
	struct aarch64_gpr gpr = {.pstate = 0x60200c00};

	be->call(&gpr, 0x7000, 0x900f, 0xabc);
	CHECK_INT(gpr.pc, 0x7000);
	CHECK_INT(gpr.sp, 0x9000);
	CHECK_INT(gpr.x[0], 0xabc);
	CHECK_INT(gpr.pstate, 0x60000000);
	be->reg_set(&gpr, REG_RET, (uint64_t)-ENOENT);
	CHECK_INT(be->result(&gpr), -ENOENT);
	for (enum reg r = REG_ARG0; r <= REG_ARG5; r++) {
		be->reg_set(&gpr, r, 100 + r);
		CHECK_INT(gpr.x[r - REG_ARG0], 100 + r);
	}
	be->reg_set(&gpr, REG_NR, 64);
	CHECK_INT(gpr.x[8], 64);
	CHECK_INT(be->reg_get(&gpr, REG_PC), 0x7000);
	CHECK_INT(be->reg_get(&gpr, REG_SP), 0x9000);
}

TEST(vdso_jump_goes_through_x16_from_a_landing_pad)
{
	static const uint8_t want[20] = {0x5f, 0x24, 3, 0xd5, 0x50, 0, 0, 0x58,
		0, 2, 0x1f, 0xd6, 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34,
		0x12};
	uint8_t out[32];

	CHECK_INT(be->vdso_jump(out, 0, 0x123456789abcdef0), 20);
	CHECK_MEM(out, want, sizeof(want));
}
