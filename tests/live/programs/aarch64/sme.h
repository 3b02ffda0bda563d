/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sme: a thread that spins or sleeps with streaming vectors, the array ZA,
 * ZT0, FPMR and TPIDR2 in its registers, and is looked at afterwards.
 *
 * The assembler of gcc 12 knows SME, but not ZT0, FPMR and TPIDR2: these are
 * spelled as numbers.
 */
#ifndef STASIS_TESTS_SME_H
#define STASIS_TESTS_SME_H

#include "checkpoint.h"

#include <sys/auxv.h>

enum {
	HAS_SVE = 1 << 22,
	HAS_SME = 1 << 23,
	HAS_SMEFA64 = 1 << 30,
	HAS_SME2_BIT = 37,
	HAS_FPMR_BIT = 48,
	PRCTL_SVE_SET_VL = 50,
	PRCTL_SVE_GET_VL = 51,
	PRCTL_SME_SET_VL = 63,
	PRCTL_SME_GET_VL = 64,
	VL_MAX = 256,
	VL_MASK = 0xffff,
	VL_INHERIT = 1 << 17,
};

/* What a spinner does; the assembly tests these bits. */
enum sme_mode {
	SME_STREAMS = 1,
	SME_ZA = 2,
	SME_FFR = 4,
	SME_ZT = 8,
	SME_FPMR = 16,
	SME_SLEEPS = 32, /* in system calls, which end streaming mode */
	SME_VECTORS = 64,
};

struct sme_state {
	uint64_t fpmr, tpidr2, fpcr, fpsr, svcr, unused[3];
	uint8_t zt[64];
	uint8_t z[32 * VL_MAX], p[16 * VL_MAX / 8], ffr[64];
	uint8_t za[VL_MAX * VL_MAX];
};

struct sme_spin {
	volatile uint32_t started, stop;
	uint32_t mode, vl; /* of what z and p hold */
	uint32_t za_vl;
	struct sme_state want, got;
};

_Static_assert(offsetof(struct sme_spin, mode) == 8, "mode");
_Static_assert(offsetof(struct sme_state, zt) == 64, "zt");
_Static_assert(offsetof(struct sme_state, z) == 128, "z");
_Static_assert(offsetof(struct sme_state, p) == 8320, "p");
_Static_assert(offsetof(struct sme_state, ffr) == 8832, "ffr");
_Static_assert(offsetof(struct sme_state, za) == 8896, "za");

void sme_spin(struct sme_spin *spin, const struct sme_state *want,
	struct sme_state *got);

#define SME_EACH_P "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define SME_EACH_Z SME_EACH_P ",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

/* x19 spin, x20 want, x21 got, w22 mode; x10 to x13 point into a state. */
#define SME_POINT(base)                                      \
	"add x10, " base ", #64\n add x11, " base ", #128\n" \
	"add x12, x11, #8192\n add x13, x12, #512\n"         \
	"add x14, x13, #64\n rdsvl x15, #1\n"

__asm__(".arch armv9-a+sme\n"
	".text\n"
	"sme_spin:\n"
	"stp x29, x30, [sp, #-160]!\n"
	"stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n"
	"stp d8, d9, [sp, #48]\n stp d10, d11, [sp, #64]\n"
	"stp d12, d13, [sp, #80]\n stp d14, d15, [sp, #96]\n"
	"mrs x9, fpcr\n str x9, [sp, #112]\n"
	"mov x9, #0x200000\n stp xzr, x9, [sp, #128]\n"
	"mov x19, x0\n mov x20, x1\n mov x21, x2\n ldr w22, [x0, "
	"#8]\n" SME_POINT("x20")
	/* The array first: entering streaming mode does not touch it. */
	"tbz w22, #1, 3f\n"
	"smstart za\n"
	"mov x16, x12\n mov w12, #0\n"
	"2: ldr za[w12, 0], [x14]\n"
	"add x14, x14, x15\n add w12, w12, #1\n cmp w12, w15\n b.ne 2b\n"
	"mov x12, x16\n"
	"tbz w22, #3, 3f\n"
	".inst 0xe11f8000 | 10 << 5\n" /* ldr zt0, [x10] */
	"3: tbz w22, #0, 4f\n"
	"smstart sm\n"
	"4: tbz w22, #6, 6f\n"
	"tbz w22, #2, 5f\n"
	"ldr p0, [x13]\n wrffr p0.b\n"
	"5:\n"
	".irp n," SME_EACH_Z "\n ldr z\\n, [x11, #\\n, mul vl]\n .endr\n"
	".irp n," SME_EACH_P "\n ldr p\\n, [x12, #\\n, mul vl]\n .endr\n"
	"6: ldp x9, x10, [x20]\n"
	"msr s3_3_c13_c0_5, x10\n" /* tpidr2_el0 */
	"tbz w22, #4, 7f\n"
	"msr s3_3_c4_c4_2, x9\n" /* fpmr */
	"7: ldp x9, x10, [x20, #16]\n msr fpcr, x9\n msr fpsr, x10\n"
	"mov w9, #1\n str w9, [x19]\n"
	"8: ldr w9, [x19, #4]\n cbnz w9, 9f\n"
	"tbz w22, #5, 8b\n"
	"add x0, sp, #128\n mov x1, #0\n mov x8, #101\n svc #0\n"
	"b 8b\n"
	"9: mrs x9, s3_3_c4_c2_2\n str x9, [x21, #32]\n" /* svcr */
	SME_POINT("x21") "mrs x9, fpcr\n mrs x16, fpsr\n stp x9, x16, [x21, "
			 "#16]\n"
			 "mrs x9, s3_3_c13_c0_5\n str x9, [x21, #8]\n"
			 "tbz w22, #4, 1f\n"
			 "mrs x9, s3_3_c4_c4_2\n str x9, [x21]\n"
			 "1: tbz w22, #6, 3f\n"
			 ".irp n," SME_EACH_Z
			 "\n str z\\n, [x11, #\\n, mul vl]\n .endr\n"
			 ".irp n," SME_EACH_P
			 "\n str p\\n, [x12, #\\n, mul vl]\n .endr\n"
			 "tbz w22, #2, 3f\n"
			 "rdffr p0.b\n str p0, [x13]\n"
			 "3: tbz w22, #1, 5f\n"
			 "mov w12, #0\n"
			 "4: str za[w12, 0], [x14]\n"
			 "add x14, x14, x15\n add w12, w12, #1\n cmp w12, "
			 "w15\n b.ne 4b\n"
			 "tbz w22, #3, 5f\n"
			 ".inst 0xe13f8000 | 10 << 5\n" /* str zt0, [x10] */
			 "5: smstop\n"
			 "ldr x9, [sp, #112]\n msr fpcr, x9\n"
			 "ldp d8, d9, [sp, #48]\n ldp d10, d11, [sp, #64]\n"
			 "ldp d12, d13, [sp, #80]\n ldp d14, d15, [sp, #96]\n"
			 "ldp x19, x20, [sp, #16]\n ldp x21, x22, [sp, #32]\n"
			 "ldp x29, x30, [sp], #160\n"
			 "ret\n");

static inline bool sme_exists(void)
{
	return getauxval(AT_HWCAP2) & HAS_SME;
}

/* Leaves out what this CPU does not have. */
static inline uint32_t sme_mode_possible(uint32_t mode)
{
	unsigned long has = getauxval(AT_HWCAP), has2 = getauxval(AT_HWCAP2);

	if (mode & SME_STREAMS ? !(has2 & HAS_SMEFA64) : !(has & HAS_SVE))
		mode &= ~(uint32_t)SME_FFR;
	if (!(has2 >> HAS_SME2_BIT & 1))
		mode &= ~(uint32_t)SME_ZT;
	if (!(has2 >> HAS_FPMR_BIT & 1))
		mode &= ~(uint32_t)SME_FPMR;
	if (!(mode & SME_STREAMS) && !(has & HAS_SVE))
		mode &= ~(uint32_t)SME_VECTORS;
	return mode;
}

/* The calling thread gets these lengths, 0: as they are; then values. */
static inline void sme_prepare(
	struct sme_spin *spin, int sme_vl, int sve_vl, uint64_t seed)
{
	struct sme_state *want = &spin->want;

	if (sme_vl)
		CHECK_SYS(prctl(PRCTL_SME_SET_VL, sme_vl, 0, 0, 0));
	if (sve_vl && getauxval(AT_HWCAP) & HAS_SVE)
		CHECK_SYS(prctl(PRCTL_SVE_SET_VL, sve_vl, 0, 0, 0));
	spin->mode = sme_mode_possible(spin->mode);
	spin->za_vl = (uint32_t)prctl(PRCTL_SME_GET_VL, 0, 0, 0, 0) & VL_MASK;
	spin->vl = spin->za_vl;
	if (!(spin->mode & SME_STREAMS))
		spin->vl =
			(uint32_t)prctl(PRCTL_SVE_GET_VL, 0, 0, 0, 0) & VL_MASK;
	mem_fill(want, sizeof(*want), seed);
	want->fpmr &= 0x3fff7fc1ff;
	want->fpcr = 0x03c00000;
	want->fpsr = 0x0000009f;
	want->svcr = spin->mode & (SME_STREAMS | SME_ZA);
	/* FFR has ones up to a point, as after a load that faulted. */
	memset(want->ffr, 0, sizeof(want->ffr));
	memset(want->ffr, 0xff, (size_t)spin->vl / 16);
}

static inline void sme_verify(const struct sme_spin *spin)
{
	const struct sme_state *want = &spin->want, *got = &spin->got;
	size_t vl = spin->vl, za_vl = spin->za_vl;

	CHECK_INT(got->svcr, want->svcr);
	CHECK_INT(got->tpidr2, want->tpidr2);
	CHECK_INT(got->fpcr, want->fpcr);
	CHECK_INT(got->fpsr, want->fpsr);
	if (spin->mode & SME_FPMR)
		CHECK_INT(got->fpmr, want->fpmr);
	if (spin->mode & SME_VECTORS) {
		CHECK(!memcmp(got->z, want->z, 32 * vl));
		CHECK(!memcmp(got->p, want->p, 2 * vl));
	}
	if (spin->mode & SME_FFR)
		CHECK(!memcmp(got->ffr, want->ffr, vl / 8));
	if (spin->mode & SME_ZA)
		CHECK(!memcmp(got->za, want->za, za_vl * za_vl));
	if (spin->mode & SME_ZT)
		CHECK(!memcmp(got->zt, want->zt, sizeof(got->zt)));
}

#endif
