/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All SVE registers of spinners stay, each with another vector length. */
#include "spin.h"

enum {
	VL_STEP = 16,
	VL_MAX = 256,
	VL_MASK = 0xffff,
	VL_INHERIT = 1 << 17,
	PRCTL_SET_VL = 50,
	PRCTL_GET_VL = 51,
	SPINNERS = VL_MAX / VL_STEP,
	P_AT = 32 * VL_MAX, /* where the predicates are, behind z0 to z31 */
	FFR_AT = P_AT + 16 * VL_MAX / 8,
};

struct spinner {
	struct spin spin;
	int vl, flags;
	pthread_t thread;
};

static struct spinner spinners[SPINNERS];
void sve_spin(struct spin *spin);

#define SVE_EACH_P "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define SVE_EACH_Z SVE_EACH_P ",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

/* P_AT is 8192, FFR_AT 8704. p0 carries FFR in and out. */
__asm__(".arch_extension sve\n"
	".text\n"
	"sve_spin:\n"
	"sub sp, sp, #64\n"
	"stp d8, d9, [sp]\n stp d10, d11, [sp, #16]\n"
	"stp d12, d13, [sp, #32]\n stp d14, d15, [sp, #48]\n"
	"add x1, x0, #" SPIN_WANT "\n"
	"add x2, x1, #8192\n add x3, x2, #512\n"
	"ldr p0, [x3]\n wrffr p0.b\n"
	".irp n," SVE_EACH_Z "\n ldr z\\n, [x1, #\\n, mul vl]\n .endr\n"
	".irp n," SVE_EACH_P "\n ldr p\\n, [x2, #\\n, mul vl]\n .endr\n"
	"mov w9, #1\n"
	"str w9, [x0, #" SPIN_STARTED "]\n"
	"1: ldr w9, [x0, #" SPIN_STOP "]\n"
	"cbz w9, 1b\n"
	"mov x1, #" SPIN_GOT "\n add x1, x0, x1\n"
	"add x2, x1, #8192\n add x3, x2, #512\n"
	".irp n," SVE_EACH_Z "\n str z\\n, [x1, #\\n, mul vl]\n .endr\n"
	".irp n," SVE_EACH_P "\n str p\\n, [x2, #\\n, mul vl]\n .endr\n"
	"rdffr p0.b\n str p0, [x3]\n"
	"ldp d8, d9, [sp]\n ldp d10, d11, [sp, #16]\n"
	"ldp d12, d13, [sp, #32]\n ldp d14, d15, [sp, #48]\n"
	"add sp, sp, #64\n"
	"ret\n");

static void *body(void *arg)
{
	struct spinner *own = arg;
	int vl = own->vl;

	/* Every second one hands its length on to what it executes. */
	if (vl / VL_STEP % 2 == 0)
		vl |= VL_INHERIT;
	own->flags = (int)CHECK_SYS(prctl(PRCTL_SET_VL, vl, 0, 0, 0));
	sve_spin(&own->spin);
	CHECK_INT(prctl(PRCTL_GET_VL, 0, 0, 0, 0), own->flags);
	return NULL;
}

/* A length that cannot be had is answered by the next smaller one. */
static bool length_exists(int vl)
{
	int before = prctl(PRCTL_GET_VL, 0, 0, 0, 0);
	int got = prctl(PRCTL_SET_VL, vl, 0, 0, 0);

	CHECK_SYS(prctl(PRCTL_SET_VL, before & VL_MASK, 0, 0, 0));
	return (got & VL_MASK) == vl;
}

static void spinner_start(struct spinner *own)
{
	uint8_t *want = (uint8_t *)own->spin.want;

	mem_fill(want, sizeof(own->spin.want), 22 + (uint64_t)own->vl);
	/* FFR has ones up to a point, as after a load that faulted. */
	memset(want + FFR_AT, 0, VL_MAX / 8);
	memset(want + FFR_AT, 0xff, (size_t)own->vl / 16);
	own->thread = thread_start(body, own);
	while (!own->spin.started)
		checkpoint_nap();
}

static void spinner_verify(struct spinner *own)
{
	const uint8_t *want = (uint8_t *)own->spin.want;
	const uint8_t *got = (uint8_t *)own->spin.got;
	size_t vl = (size_t)own->vl;

	own->spin.stop = 1;
	thread_join(own->thread);
	CHECK(!memcmp(got, want, 32 * vl));
	CHECK(!memcmp(got + P_AT, want + P_AT, 2 * vl));
	CHECK(!memcmp(got + FFR_AT, want + FFR_AT, vl / 8));
}

int main(void)
{
	size_t n = 0;
	int own = prctl(PRCTL_GET_VL, 0, 0, 0, 0);

	if (own < 0)
		checkpoint_skip("this CPU has no SVE");
	for (int vl = VL_STEP; vl <= VL_MAX; vl += VL_STEP)
		if (length_exists(vl))
			spinners[n++].vl = vl;
	for (size_t i = 0; i < n; i++)
		spinner_start(&spinners[i]);
	checkpoint_here();
	for (size_t i = 0; i < n; i++)
		spinner_verify(&spinners[i]);
	CHECK_INT(prctl(PRCTL_GET_VL, 0, 0, 0, 0), own);
	checkpoint_ok();
}
