/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "x86_64/x86_64.h"

/* An EPYC without MPX: AVX-512 lies lower than Intel has it. */
static struct xsave_layout layout_epyc(void)
{
	struct xsave_layout layout = {.mask = 0x2e7, .size = 2440};

	layout.part[2].offset = 576;
	layout.part[2].size = 256;
	layout.part[5].offset = 832;
	layout.part[5].size = 64;
	layout.part[6].offset = 896;
	layout.part[6].size = 512;
	layout.part[7].offset = 1408;
	layout.part[7].size = 1024;
	layout.part[9].offset = 2432;
	layout.part[9].size = 8;
	return layout;
}

static struct xsave_layout layout_avx2(void)
{
	struct xsave_layout layout = {.mask = 7, .size = 832};

	layout.part[2].offset = 576;
	layout.part[2].size = 256;
	return layout;
}

static struct xsave_layout layout_amx(void)
{
	struct xsave_layout layout;

	xsave_layout_standard(&layout);
	layout.mask |= 3 << 17;
	layout.part[17].offset = 2752;
	layout.part[17].size = 64;
	layout.part[18].offset = 2816;
	layout.part[18].size = 8192;
	layout.size = 2816 + 8192;
	return layout;
}

static void bytes_fill(void *bytes, size_t size, unsigned int seed)
{
	uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		at[i] = (uint8_t)(seed >> 16);
	}
}

/* Every component in use, every byte random where bytes are free. */
static char *area_new(struct arena *arena, const struct xsave_layout *layout)
{
	char *area = arena_alloc(arena, layout->size);
	uint32_t mxcsr = 0x5fa1, mask = 0x2ffff;

	bytes_fill(area, 416, 1);
	memcpy(area + 24, &mxcsr, 4);
	memcpy(area + 28, &mask, 4);
	memcpy(area + 512, &layout->mask, 8);
	for (unsigned int bit = 2; bit < XSAVE_PARTS; bit++)
		bytes_fill(area + layout->part[bit].offset,
			layout->part[bit].size, bit);
	return area;
}

static UserX86FpregsEntry *fpregs_new(struct arena *arena)
{
	UserX86FpregsEntry *fpregs = arena_new1(arena, UserX86FpregsEntry);

	user_x86_fpregs_entry__init(fpregs);
	return fpregs;
}

static UserX86FpregsEntry *fpregs_of(struct arena *arena, const void *area,
	const struct xsave_layout *layout)
{
	UserX86FpregsEntry *fpregs = fpregs_new(arena);
	struct err err = {0};

	CHECK_INT(
		xsave_to_image(arena, area, layout->size, layout, fpregs, &err),
		0);
	CHECK_STR(err.text, "");
	return fpregs;
}

/* To the image of one layout, to an area of another, to the image: equal. */
static void layouts_check(
	const struct xsave_layout *from, const struct xsave_layout *to)
{
	struct arena *arena = arena_new();
	UserX86FpregsEntry *a = fpregs_of(arena, area_new(arena, from), from);
	UserX86FpregsEntry *b;
	char *area = arena_alloc(arena, to->size);
	size_t size = user_x86_fpregs_entry__get_packed_size(a);
	uint8_t *packed_a = arena_alloc(arena, size);
	uint8_t *packed_b = arena_alloc(arena, size);
	struct err err = {0};

	CHECK_INT(xsave_from_image(a, to, 0, area, to->size, &err), 0);
	CHECK_STR(err.text, "");
	b = fpregs_of(arena, area, to);
	/* A component of the receiver alone is there, empty. */
	if (from->mask != to->mask) {
		b->xsave->n_bndreg_state = a->xsave->n_bndreg_state;
		b->xsave->n_bndcsr_state = a->xsave->n_bndcsr_state;
	}
	CHECK_INT(user_x86_fpregs_entry__get_packed_size(b), size);
	user_x86_fpregs_entry__pack(a, packed_a);
	user_x86_fpregs_entry__pack(b, packed_b);
	CHECK_MEM(packed_a, packed_b, size);
	arena_free(arena);
}

TEST(extended_registers_survive_the_image)
{
	struct xsave_layout standard, epyc = layout_epyc();

	xsave_layout_standard(&standard);
	layouts_check(&standard, &standard);
	layouts_check(&epyc, &epyc);
	layouts_check(&epyc, &standard);
}

TEST(area_bytes_survive_the_image)
{
	struct arena *arena = arena_new();
	struct xsave_layout layout;
	char *area, *back;
	struct err err = {0};

	xsave_layout_standard(&layout);
	area = area_new(arena, &layout);
	back = arena_alloc(arena, layout.size);
	CHECK_INT(xsave_from_image(fpregs_of(arena, area, &layout), &layout, 0,
			  back, layout.size, &err),
		0);
	CHECK_MEM(area, back, layout.size);
	arena_free(arena);
}

TEST(components_in_initial_state_are_not_read_from_the_area)
{
	struct arena *arena = arena_new();
	struct xsave_layout layout;
	UserX86FpregsEntry *fpregs;
	uint64_t none = 0;
	char *area;

	xsave_layout_standard(&layout);
	area = area_new(arena, &layout);
	memcpy(area + 512, &none, 8);
	fpregs = fpregs_of(arena, area, &layout);
	CHECK_INT(fpregs->cwd, 0x37f);
	CHECK_INT(fpregs->mxcsr, 0x1f80);
	CHECK_INT(fpregs->st_space[5], 0);
	CHECK_INT(fpregs->xmm_space[5], 0);
	CHECK_INT(fpregs->xsave->n_ymmh_space, 64);
	CHECK_INT(fpregs->xsave->ymmh_space[7], 0);
	CHECK_INT(fpregs->xsave->n_pkru, 2);
	CHECK_INT(fpregs->xsave->pkru[0], 0);
	CHECK_INT(fpregs->xsave->xstate_bv, 0);
	arena_free(arena);
}

TEST(an_unused_component_that_the_host_lacks_is_dropped)
{
	struct arena *arena = arena_new();
	struct xsave_layout epyc = layout_epyc(), avx2 = layout_avx2();
	char *area = area_new(arena, &epyc), *to;
	uint64_t in_use = 7, got;
	struct err err = {0};

	memcpy(area + 512, &in_use, 8);
	to = arena_alloc(arena, avx2.size);
	CHECK_INT(xsave_from_image(fpregs_of(arena, area, &epyc), &avx2, 0, to,
			  avx2.size, &err),
		0);
	memcpy(&got, to + 512, 8);
	CHECK_INT(got, 7);
	CHECK_MEM(to + 576, area + 576, 256);
	/* In use by the book, but with nothing in it. */
	in_use = 0x2e7;
	memcpy(area + 512, &in_use, 8);
	memset(area + 832, 0, epyc.size - 832);
	CHECK_INT(xsave_from_image(fpregs_of(arena, area, &epyc), &avx2, 0, to,
			  avx2.size, &err),
		0);
	arena_free(arena);
}

static void lacking_check(unsigned int bit, const char *want)
{
	struct arena *arena = arena_new();
	struct xsave_layout epyc = layout_epyc(), avx2 = layout_avx2();
	char *area = area_new(arena, &epyc);
	uint64_t in_use = 7 | UINT64_C(1) << bit;
	struct err err = {0};

	memcpy(area + 512, &in_use, 8);
	CHECK_INT(xsave_from_image(fpregs_of(arena, area, &epyc), &avx2, 0,
			  arena_alloc(arena, avx2.size), avx2.size, &err),
		-ENOTSUP);
	CHECK_STR(err.text, want);
	arena_free(arena);
}

TEST(a_used_component_that_the_host_lacks_is_named)
{
	lacking_check(5, "the thread uses avx512 mask registers, which this "
			 "host lacks");
	lacking_check(7, "the thread uses avx512 registers zmm16-31, which "
			 "this host lacks");
	lacking_check(9, "the thread uses protection key rights (pkru), which "
			 "this host lacks");
}

TEST(closed_protection_keys_need_no_cpu_with_keys)
{
	struct arena *arena = arena_new();
	struct xsave_layout epyc = layout_epyc(), avx2 = layout_avx2();
	char *area = area_new(arena, &epyc);
	char *to = arena_alloc(arena, avx2.size);
	uint64_t in_use = 7 | 1 << 9, closed = 0x55555554, got;
	struct err err = {0};

	memcpy(area + 512, &in_use, 8);
	memcpy(area + 2432, &closed, 8);
	CHECK_INT(xsave_from_image(fpregs_of(arena, area, &epyc), &avx2, 0, to,
			  avx2.size, &err),
		0);
	memcpy(&got, to + 512, 8);
	CHECK_INT(got, 7);
	/* The second key is open: the thread has a use for it. */
	area[2432] = 0x50;
	CHECK_INT(xsave_from_image(fpregs_of(arena, area, &epyc), &avx2, 0, to,
			  avx2.size, &err),
		-ENOTSUP);
	arena_free(arena);
}

TEST(a_cpu_without_xsave_takes_what_fits_into_fxsave)
{
	struct arena *arena = arena_new();
	struct xsave_layout avx2 = layout_avx2();
	char *area = area_new(arena, &avx2), to[512] = {0};
	UserX86FpregsEntry *fpregs = fpregs_of(arena, area, &avx2);
	struct err err = {0};

	CHECK_INT(fxsave_from_image(fpregs, 0, to, sizeof(to), &err), -ENOTSUP);
	CHECK_STR(err.text, "the thread uses avx (ymm), which this host lacks");
	fpregs->xsave->xstate_bv = 3;
	CHECK_INT(fxsave_from_image(fpregs, 0, to, sizeof(to), &err), 0);
	CHECK_MEM(to, area, 416);
	CHECK_INT(fxsave_from_image(fpregs, 0xffff, to, sizeof(to), &err), 0);
	fpregs->mxcsr = 0x21f80;
	CHECK_INT(fxsave_from_image(fpregs, 0xffff, to, sizeof(to), &err),
		-ENOTSUP);
	CHECK_STR(err.text,
		"the thread uses mxcsr bits 0x20000, which this CPU lacks");
	arena_free(arena);
}

TEST(components_beyond_the_format_travel_as_extra)
{
	struct arena *arena = arena_new();
	struct xsave_layout amx = layout_amx(), standard;
	char *area = area_new(arena, &amx);
	char *back = arena_alloc(arena, amx.size);
	UserX86FpregsEntry *fpregs = fpregs_of(arena, area, &amx);
	const void *bytes = NULL;
	size_t size = 0;
	struct err err = {0};

	CHECK_INT(fpregs->xsave->xstate_bv, 0x2ff);
	CHECK_INT(xsave_extra_save(
			  arena, area, amx.size, &amx, &bytes, &size, &err),
		0);
	CHECK_INT(size, 8 + 64 + 8 + 8192);
	CHECK_INT(xsave_from_image(fpregs, &amx, 0, back, amx.size, &err), 0);
	CHECK_INT(xsave_extra_load(bytes, size, &amx, back, amx.size, &err), 0);
	CHECK_MEM(back, area, amx.size);
	CHECK_INT(xsave_extra_load(bytes, size - 1, &amx, back, amx.size, &err),
		-EINVAL);
	xsave_layout_standard(&standard);
	CHECK_INT(xsave_extra_load(
			  bytes, size, &standard, back, standard.size, &err),
		-ENOTSUP);
	CHECK_STR(err.text, "the thread uses amx tile configuration, which "
			    "this host lacks");
	arena_free(arena);
}

TEST(an_image_that_lacks_what_it_says_is_refused)
{
	struct arena *arena = arena_new();
	struct xsave_layout epyc = layout_epyc();
	char *to = arena_alloc(arena, epyc.size);
	UserX86FpregsEntry *fpregs =
		fpregs_of(arena, area_new(arena, &epyc), &epyc);
	struct err err = {0};

#define REFUSED(code)                                                      \
	CHECK_INT(xsave_from_image(fpregs, &epyc, 0, to, epyc.size, &err), \
		-(code))
	fpregs->xsave->n_opmask_reg = 7;
	REFUSED(EINVAL);
	CHECK_STR(err.text,
		"the image's avx512 mask registers have 7 words, not 8");
	fpregs->xsave->n_opmask_reg = 0;
	REFUSED(EINVAL);
	fpregs->xsave->n_opmask_reg = 8;
	fpregs->n_xmm_space = 63;
	REFUSED(EINVAL);
	fpregs->n_xmm_space = 64;
	fpregs->cwd = 0x10000;
	REFUSED(EINVAL);
	fpregs->cwd = 0x37f;
	fpregs->xsave->xstate_bv |= 1 << 18;
	REFUSED(ENOTSUP);
	CHECK_STR(err.text,
		"the thread uses amx tile data, which the image does not hold");
#undef REFUSED
	arena_free(arena);
}

TEST(a_damaged_area_is_refused)
{
	struct arena *arena = arena_new();
	struct xsave_layout epyc = layout_epyc();
	char *area = area_new(arena, &epyc);
	UserX86FpregsEntry *fpregs = fpregs_new(arena);
	struct err err = {0};

	CHECK_INT(
		xsave_to_image(arena, area, 575, &epyc, fpregs, &err), -EINVAL);
	/* pkru in use, but the area ends before it */
	CHECK_INT(xsave_to_image(arena, area, 2432, &epyc, fpregs, &err),
		-EINVAL);
	area[527] = (char)0x80;
	CHECK_INT(xsave_to_image(arena, area, epyc.size, &epyc, fpregs, &err),
		-EINVAL);
	CHECK(strstr(err.text, "compacted") != NULL);
	arena_free(arena);
}
