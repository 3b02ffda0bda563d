/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/x86_64.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

enum {
	BIT_X87 = 0,
	BIT_SSE = 1,
	BIT_AVX = 2,
	BIT_PKRU = 9,
	XSTATE_BV_AT = 512,
	XCOMP_BV_AT = 520,
	FCW_INIT = 0x37f,
	MXCSR_INIT = 0x1f80,
	ST_AT = 32,
	ST_WORDS = 32,
	XMM_AT = 160,
	XMM_WORDS = 64,
};

/* The legacy area's head, up to the x87 registers. */
struct fxsave_head {
	uint16_t cwd, swd, twd, fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
};

/* The components that the image format has a field for. */
static const struct field {
	uint8_t bit;
	uint8_t word;  /* size of one word of the field */
	uint16_t size; /* of the component */
	uint16_t n_at, words_at;
} fields[] = {
#define FIELD(bit, word, size, name)                                    \
	{                                                               \
		bit, word, size, offsetof(UserX86XsaveEntry, n_##name), \
			offsetof(UserX86XsaveEntry, name)               \
	}
	FIELD(2, 4, 256, ymmh_space),
	FIELD(3, 8, 64, bndreg_state),
	FIELD(4, 8, 64, bndcsr_state),
	FIELD(5, 8, 64, opmask_reg),
	FIELD(6, 8, 512, zmm_upper),
	FIELD(7, 8, 1024, hi16_zmm),
	FIELD(9, 4, 8, pkru),
#undef FIELD
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static const char *const part_names[XSAVE_PARTS] = {
	"x87",
	"sse",
	"avx (ymm)",
	"mpx bound registers",
	"mpx bound configuration",
	"avx512 mask registers",
	"avx512 upper halves (zmm0-15)",
	"avx512 registers zmm16-31",
	[9] = "protection key rights (pkru)",
	[17] = "amx tile configuration",
	[18] = "amx tile data",
	[19] = "apx registers (r16-r31)",
};

const char *xsave_part_name(unsigned int bit)
{
	if (bit >= XSAVE_PARTS || !part_names[bit])
		return "unknown xsave component";
	return part_names[bit];
}

static uint64_t mask_of(unsigned int bit)
{
	return UINT64_C(1) << bit;
}

/* Intel's layout, which most CPUs follow as far as they have a component. */
void xsave_layout_standard(struct xsave_layout *ret)
{
	static const uint16_t offsets[FIELDS] = {
		576, 960, 1024, 1088, 1152, 1664, 2688};

	*ret = (struct xsave_layout){.mask = 0x2ff, .size = 2696};
	for (unsigned int i = 0; i < FIELDS; i++) {
		ret->part[fields[i].bit].offset = offsets[i];
		ret->part[fields[i].bit].size = fields[i].size;
	}
}

#ifdef __x86_64__
static uint64_t xcr0_get(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static void layout_ask(struct xsave_layout *ret)
{
	uint32_t a, b, c, d;

	*ret = (struct xsave_layout){.size = X86_64_XSAVE_HEADER};
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	ret->mask = xcr0_get();
	for (unsigned int bit = BIT_AVX; bit < XSAVE_PARTS; bit++) {
		if (!(ret->mask & mask_of(bit)))
			continue;
		__cpuid_count(0xd, bit, a, b, c, d);
		ret->part[bit].offset = b;
		ret->part[bit].size = a;
		if (a + b > ret->size)
			ret->size = a + b;
	}
}
#else
static void layout_ask(struct xsave_layout *ret)
{
	xsave_layout_standard(ret);
}
#endif

/* CPUID is slow in virtual machines, and threads are many. */
const struct xsave_layout *xsave_layout_here(struct arena *arena)
{
	static const char key;
	void **memo = arena_memo(arena, &key);

	if (!*memo) {
		*memo = arena_alloc(arena, sizeof(struct xsave_layout));
		layout_ask(*memo);
	}
	return *memo;
}

static uint64_t word_get(const void *area, size_t at)
{
	uint64_t word;

	memcpy(&word, (const char *)area + at, sizeof(word));
	return word;
}

static int bytes_are_zero(const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size && !*at) {
		at++;
		size--;
	}
	return !size;
}

/* The component's bytes in an area, or NULL if it has no place there. */
static const char *part_at(const struct xsave_layout *layout, unsigned int bit,
	const void *area, size_t size)
{
	uint32_t offset, length;

	if (bit >= XSAVE_PARTS || !(layout->mask & mask_of(bit)))
		return NULL;
	offset = layout->part[bit].offset;
	length = layout->part[bit].size;
	if (!length || (size_t)offset + length > size)
		return NULL;
	return (const char *)area + offset;
}

/* A component that is in its initial state has garbage in the area. */
static void head_load(
	const void *area, uint64_t in_use, struct fxsave_head *head)
{
	memcpy(head, area, sizeof(*head));
	if (!(in_use & mask_of(BIT_X87))) {
		head->cwd = FCW_INIT;
		head->swd = head->twd = head->fop = 0;
		head->rip = head->rdp = 0;
	}
	if (!(in_use & (mask_of(BIT_SSE) | mask_of(BIT_AVX))))
		head->mxcsr = MXCSR_INIT;
}

static void legacy_to_image(struct arena *arena, const void *area,
	uint64_t in_use, UserX86FpregsEntry *fpregs)
{
	struct fxsave_head head;

	head_load(area, in_use, &head);
	fpregs->cwd = head.cwd;
	fpregs->swd = head.swd;
	fpregs->twd = head.twd;
	fpregs->fop = head.fop;
	fpregs->rip = head.rip;
	fpregs->rdp = head.rdp;
	fpregs->mxcsr = head.mxcsr;
	fpregs->mxcsr_mask = head.mxcsr_mask;
	fpregs->n_st_space = ST_WORDS;
	fpregs->st_space = arena_newn(arena, uint32_t, ST_WORDS);
	if (in_use & mask_of(BIT_X87))
		memcpy(fpregs->st_space, (const char *)area + ST_AT,
			ST_WORDS * 4);
	fpregs->n_xmm_space = XMM_WORDS;
	fpregs->xmm_space = arena_newn(arena, uint32_t, XMM_WORDS);
	if (in_use & mask_of(BIT_SSE))
		memcpy(fpregs->xmm_space, (const char *)area + XMM_AT,
			XMM_WORDS * 4);
}

int fxsave_to_image(struct arena *arena, const void *area, size_t size,
	UserX86FpregsEntry *fpregs, struct err *err)
{
	if (size < X86_64_FXSAVE_SIZE)
		return err_set(err, EINVAL,
			"the floating-point registers have %zu bytes, not %d",
			size, X86_64_FXSAVE_SIZE);
	legacy_to_image(
		arena, area, mask_of(BIT_X87) | mask_of(BIT_SSE), fpregs);
	return 0;
}

/* The header says which components are in use; all must have a place. */
static int header_check(const void *area, size_t size,
	const struct xsave_layout *layout, uint64_t *ret_in_use,
	struct err *err)
{
	uint64_t in_use;

	if (size < X86_64_XSAVE_HEADER)
		return err_set(err, EINVAL,
			"the extended registers have %zu bytes, less than an "
			"XSAVE header needs",
			size);
	if (word_get(area, XCOMP_BV_AT))
		return err_set(err, EINVAL,
			"the extended registers are in the compacted XSAVE "
			"format, which ptrace never uses");
	in_use = word_get(area, XSTATE_BV_AT);
	for (unsigned int bit = BIT_AVX; bit < 64; bit++)
		if ((in_use & mask_of(bit)) &&
			!part_at(layout, bit, area, size))
			return err_set(err, EINVAL,
				"the extended registers hold component %u "
				"(%s), "
				"but have no place for it",
				bit, xsave_part_name(bit));
	*ret_in_use = in_use;
	return 0;
}

static uint64_t fields_mask(void)
{
	uint64_t mask = mask_of(BIT_X87) | mask_of(BIT_SSE);

	for (unsigned int i = 0; i < FIELDS; i++)
		mask |= mask_of(fields[i].bit);
	return mask;
}

int xsave_to_image(struct arena *arena, const void *area, size_t size,
	const struct xsave_layout *layout, UserX86FpregsEntry *fpregs,
	struct err *err)
{
	UserX86XsaveEntry *xsave = arena_new1(arena, UserX86XsaveEntry);
	uint64_t in_use;
	int ret = header_check(area, size, layout, &in_use, err);

	if (ret < 0)
		return ret;
	user_x86_xsave_entry__init(xsave);
	xsave->xstate_bv = in_use & fields_mask();
	for (unsigned int i = 0; i < FIELDS; i++) {
		const struct field *field = &fields[i];
		const char *from = part_at(layout, field->bit, area, size);
		void *words;

		if (!from || layout->part[field->bit].size < field->size)
			continue;
		words = arena_alloc(arena, field->size);
		if (in_use & mask_of(field->bit))
			memcpy(words, from, field->size);
		*(size_t *)((char *)xsave + field->n_at) =
			field->size / field->word;
		*(void **)((char *)xsave + field->words_at) = words;
	}
	legacy_to_image(arena, area, in_use, fpregs);
	fpregs->xsave = xsave;
	return 0;
}

static int head_from_image(const UserX86FpregsEntry *fpregs,
	uint32_t mxcsr_mask, struct fxsave_head *ret, struct err *err)
{
	/* What CPUs that store no mask can do. */
	uint32_t allowed = mxcsr_mask ?: fpregs->mxcsr_mask ?: 0xffbf;

	if (fpregs->n_st_space != ST_WORDS || fpregs->n_xmm_space != XMM_WORDS)
		return err_set(err, EINVAL,
			"the image's floating-point registers have %zu x87 and "
			"%zu sse words, not %d and %d",
			fpregs->n_st_space, fpregs->n_xmm_space, ST_WORDS,
			XMM_WORDS);
	if (fpregs->cwd > 0xffff || fpregs->swd > 0xffff ||
		fpregs->twd > 0xffff || fpregs->fop > 0xffff)
		return err_set(err, EINVAL,
			"the image's x87 control words exceed 16 bits");
	if (fpregs->mxcsr & ~allowed)
		return err_set(err, ENOTSUP,
			"the thread uses mxcsr bits %#x, which this CPU lacks",
			fpregs->mxcsr & ~allowed);
	*ret = (struct fxsave_head){
		.cwd = (uint16_t)fpregs->cwd,
		.swd = (uint16_t)fpregs->swd,
		.twd = (uint16_t)fpregs->twd,
		.fop = (uint16_t)fpregs->fop,
		.rip = fpregs->rip,
		.rdp = fpregs->rdp,
		.mxcsr = fpregs->mxcsr,
		.mxcsr_mask = mxcsr_mask ?: fpregs->mxcsr_mask,
	};
	return 0;
}

static int legacy_from_image(const UserX86FpregsEntry *fpregs,
	uint32_t mxcsr_mask, void *area, uint64_t *in_use, struct err *err)
{
	struct fxsave_head head = {0};
	int ret = head_from_image(fpregs, mxcsr_mask, &head, err);

	if (ret < 0)
		return ret;
	memcpy(area, &head, sizeof(head));
	memcpy((char *)area + ST_AT, fpregs->st_space, ST_WORDS * 4);
	memcpy((char *)area + XMM_AT, fpregs->xmm_space, XMM_WORDS * 4);
	/* Whatever the image says of the use: no value may be lost. */
	if (head.cwd != FCW_INIT || head.swd || head.twd || head.fop ||
		head.rip || head.rdp ||
		!bytes_are_zero(fpregs->st_space, ST_WORDS * 4))
		*in_use |= mask_of(BIT_X87);
	if (head.mxcsr != MXCSR_INIT ||
		!bytes_are_zero(fpregs->xmm_space, XMM_WORDS * 4))
		*in_use |= mask_of(BIT_SSE);
	return 0;
}

/* The kernel starts every program with all keys but the first closed (4.8,
 * init_pkru), which a CPU without keys does by itself. */
static bool value_is_initial(const struct field *field, const void *words)
{
	const uint64_t closed = 0x55555554;

	return bytes_are_zero(words, field->size) ||
	       (field->bit == BIT_PKRU && !memcmp(words, &closed, 8));
}

/* One component; a missing place is met only if its value matters. */
static int field_from_image(const UserX86XsaveEntry *xsave,
	const struct field *field, const struct xsave_layout *layout,
	void *area, size_t size, uint64_t *in_use, struct err *err)
{
	size_t n = *(const size_t *)((const char *)xsave + field->n_at);
	const void *words =
		*(void *const *)((const char *)xsave + field->words_at);
	const char *to = part_at(layout, field->bit, area, size);

	if (n && n != field->size / field->word)
		return err_set(err, EINVAL,
			"the image's %s have %zu words, not %d",
			xsave_part_name(field->bit), n,
			field->size / field->word);
	if (!(xsave->xstate_bv & mask_of(field->bit)))
		return 0;
	if (!n)
		return err_set(err, EINVAL,
			"the image says that the thread uses %s, but does not "
			"hold them",
			xsave_part_name(field->bit));
	if (!to && value_is_initial(field, words))
		return 0;
	if (!to)
		return err_set(err, ENOTSUP,
			"the thread uses %s, which this host lacks",
			xsave_part_name(field->bit));
	memcpy((char *)area + (to - (char *)area), words, field->size);
	*in_use |= mask_of(field->bit);
	return 0;
}

static int fields_from_image(const UserX86XsaveEntry *xsave,
	const struct xsave_layout *layout, void *area, size_t size,
	uint64_t *in_use, struct err *err)
{
	uint64_t strange = xsave->xstate_bv & ~fields_mask();

	if (strange)
		return err_set(err, ENOTSUP,
			"the thread uses %s, which the image does not hold",
			xsave_part_name(
				(unsigned int)__builtin_ctzll(strange)));
	for (unsigned int i = 0; i < FIELDS; i++) {
		int ret = field_from_image(
			xsave, &fields[i], layout, area, size, in_use, err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int xsave_from_image(const UserX86FpregsEntry *fpregs,
	const struct xsave_layout *layout, uint32_t mxcsr_mask, void *area,
	size_t size, struct err *err)
{
	uint64_t in_use = 0;
	int ret;

	if (size < X86_64_XSAVE_HEADER)
		return err_set(err, EINVAL,
			"an XSAVE area of %zu bytes is too small", size);
	if (fpregs->xsave)
		in_use = fpregs->xsave->xstate_bv &
			 (mask_of(BIT_X87) | mask_of(BIT_SSE));
	ret = legacy_from_image(fpregs, mxcsr_mask, area, &in_use, err);
	if (ret < 0)
		return ret;
	if (fpregs->xsave) {
		ret = fields_from_image(
			fpregs->xsave, layout, area, size, &in_use, err);
		if (ret < 0)
			return ret;
	}
	memcpy((char *)area + XSTATE_BV_AT, &in_use, sizeof(in_use));
	return 0;
}

int fxsave_from_image(const UserX86FpregsEntry *fpregs, uint32_t mxcsr_mask,
	void *area, size_t size, struct err *err)
{
	static const struct xsave_layout nothing;
	uint64_t in_use = 0;
	int ret;

	if (size < X86_64_FXSAVE_SIZE)
		return err_set(err, EINVAL,
			"an FXSAVE area of %zu bytes is too small", size);
	ret = legacy_from_image(fpregs, mxcsr_mask, area, &in_use, err);
	if (ret < 0 || !fpregs->xsave)
		return ret;
	return fields_from_image(
		fpregs->xsave, &nothing, area, size, &in_use, err);
}

/* Extra bytes: {component, size, bytes} one after the other. */
struct extra_head {
	uint32_t bit, size;
};

int xsave_extra_save(struct arena *arena, const void *area, size_t size,
	const struct xsave_layout *layout, const void **ret, size_t *ret_size,
	struct err *err)
{
	uint64_t in_use, left;
	size_t n = 0;
	char *out = NULL;
	int error = header_check(area, size, layout, &in_use, err);

	if (error < 0)
		return error;
	for (left = in_use & ~fields_mask(); left; left &= left - 1) {
		struct extra_head head = {
			.bit = (uint32_t)__builtin_ctzll(left)};

		head.size = layout->part[head.bit].size;
		out = arena_grow(arena, out, n, n + sizeof(head) + head.size);
		memcpy(out + n, &head, sizeof(head));
		n += sizeof(head);
		memcpy(out + n, part_at(layout, head.bit, area, size),
			head.size);
		n += head.size;
	}
	*ret = out;
	*ret_size = n;
	return 0;
}

static int extra_part_load(const struct extra_head *head, const char *bytes,
	const struct xsave_layout *layout, void *area, size_t size,
	struct err *err)
{
	const char *to = part_at(layout, head->bit, area, size);
	uint64_t in_use = word_get(area, XSTATE_BV_AT);

	if (!to)
		return err_set(err, ENOTSUP,
			"the thread uses %s, which this host lacks",
			xsave_part_name(head->bit));
	if (layout->part[head->bit].size != head->size)
		return err_set(err, ENOTSUP,
			"the thread's %s take %u bytes, but %u on this host",
			xsave_part_name(head->bit), head->size,
			layout->part[head->bit].size);
	memcpy((char *)area + (to - (char *)area), bytes, head->size);
	in_use |= mask_of(head->bit);
	memcpy((char *)area + XSTATE_BV_AT, &in_use, sizeof(in_use));
	return 0;
}

int xsave_extra_load(const void *bytes, size_t n,
	const struct xsave_layout *layout, void *area, size_t size,
	struct err *err)
{
	const char *at = bytes;
	struct extra_head head;

	while (n) {
		int ret;

		if (n < sizeof(head))
			return err_set(err, EINVAL,
				"the extra extended registers are cut off");
		memcpy(&head, at, sizeof(head));
		at += sizeof(head);
		n -= sizeof(head);
		if (head.size > n)
			return err_set(err, EINVAL,
				"the extra extended registers are cut off");
		ret = extra_part_load(&head, at, layout, area, size, err);
		if (ret < 0)
			return ret;
		at += head.size;
		n -= head.size;
	}
	return 0;
}
