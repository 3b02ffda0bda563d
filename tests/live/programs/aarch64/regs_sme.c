/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streaming mode and its vectors, ZA, ZT0, FPMR and TPIDR2 of the first and
 * of further threads stay, each with other vector lengths. */
#include "sme.h"

enum {
	ALL = SME_STREAMS | SME_ZA | SME_FFR | SME_ZT | SME_FPMR | SME_VECTORS,
	STREAMS = ALL & ~(SME_ZA | SME_ZT),
	ARRAY = ALL & ~SME_STREAMS, /* with vectors that do not stream */
	LENGTH_ONLY = 0,
	SLEEPS = SME_ZA | SME_ZT | SME_FPMR | SME_SLEEPS,
};

/* The first one is the first thread. */
static struct spinner {
	struct sme_spin spin;
	uint32_t mode;
	int sme_vl, sve_vl;
	pthread_t thread;
} spinners[] = {
	{.mode = ALL, .sme_vl = 64, .sve_vl = 16},
	{.mode = STREAMS, .sme_vl = 16},
	{.mode = ALL, .sme_vl = 256 | VL_INHERIT, .sve_vl = 128},
	{.mode = ARRAY, .sme_vl = 32, .sve_vl = 32},
	{.mode = STREAMS, .sme_vl = 128},
	{.mode = SLEEPS, .sme_vl = 128},
	{.mode = SLEEPS, .sme_vl = 0},
	{.mode = LENGTH_ONLY, .sme_vl = 256 | VL_INHERIT},
	{.mode = LENGTH_ONLY | SME_SLEEPS, .sme_vl = 16},
};

static void spinner_run(struct spinner *own)
{
	int length;

	own->spin.mode = own->mode;
	sme_prepare(&own->spin, own->sme_vl, own->sve_vl,
		60 + (uint64_t)(own - spinners));
	length = prctl(PRCTL_SME_GET_VL, 0, 0, 0, 0);
	sme_spin(&own->spin, &own->spin.want, &own->spin.got);
	CHECK_INT(prctl(PRCTL_SME_GET_VL, 0, 0, 0, 0), length);
	sme_verify(&own->spin);
}

static void *spinner_body(void *arg)
{
	spinner_run(arg);
	return NULL;
}

/* The first thread spins, so another one does what it usually does. */
static void *conduct(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < COUNT_OF(spinners); i++)
		while (!spinners[i].spin.started)
			checkpoint_nap();
	checkpoint_here();
	for (size_t i = 0; i < COUNT_OF(spinners); i++)
		spinners[i].spin.stop = 1;
	return NULL;
}

int main(void)
{
	pthread_t conductor;

	if (!sme_exists())
		checkpoint_skip("this CPU or kernel has no SME");
	for (size_t i = 1; i < COUNT_OF(spinners); i++)
		spinners[i].thread = thread_start(spinner_body, &spinners[i]);
	conductor = thread_start(conduct, NULL);
	spinner_run(&spinners[0]);
	thread_join(conductor);
	for (size_t i = 1; i < COUNT_OF(spinners); i++)
		thread_join(spinners[i].thread);
	checkpoint_ok();
}
