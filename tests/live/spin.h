/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spin: a thread that spins with known values in its registers, and is looked
 * at after the checkpoint.
 *
 * Each machine has its loops in programs/<machine>/: assembly that is called
 * with the address of a struct spin, loads its registers from `want`, sets
 * `started`, spins until `stop` is not 0, and stores its registers in `got`.
 */
#ifndef STASIS_TESTS_SPIN_H
#define STASIS_TESTS_SPIN_H

#include "checkpoint.h"

enum { SPIN_WORDS = 1280 };

/* Where the loops find things, for assembly. */
#define SPIN_STARTED "0"
#define SPIN_STOP "4"
#define SPIN_OWN "8" /* one word, of which the loop may make what it wants */
#define SPIN_WANT "64"
#define SPIN_GOT "10304"

struct spin {
	volatile uint32_t started, stop;
	uint64_t own[7];
	uint64_t want[SPIN_WORDS], got[SPIN_WORDS];
};

_Static_assert(offsetof(struct spin, stop) == 4, "SPIN_STOP");
_Static_assert(offsetof(struct spin, want) == 64, "SPIN_WANT");
_Static_assert(offsetof(struct spin, got) == 10304, "SPIN_GOT");

/* A loop, and how many words of `want` it loads. */
struct spin_loop {
	void (*run)(struct spin *spin);
	size_t words;
	/* Puts those words right that cannot have any value. */
	void (*settle)(uint64_t *want);
};

extern struct spin spin;
__attribute__((aligned(64))) struct spin spin;

static void *spin_thread(void *arg)
{
	const struct spin_loop *loop = arg;

	loop->run(&spin);
	return NULL;
}

static inline pthread_t spin_start(const struct spin_loop *loop, uint64_t seed)
{
	pthread_t thread;

	for (size_t i = 0; i < loop->words; i++)
		spin.want[i] = mem_word(seed, i);
	if (loop->settle)
		loop->settle(spin.want);
	thread = thread_start(spin_thread, (void *)(uintptr_t)loop);
	while (!spin.started)
		checkpoint_nap();
	return thread;
}

static inline void spin_verify(const struct spin_loop *loop, pthread_t thread)
{
	spin.stop = 1;
	thread_join(thread);
	for (size_t i = 0; i < loop->words; i++)
		if (spin.got[i] != spin.want[i])
			FAIL("word %zu of the registers is 0x%llx, not 0x%llx",
				i, (unsigned long long)spin.got[i],
				(unsigned long long)spin.want[i]);
}

/* A whole test. */
__attribute__((noreturn)) static inline void spin_show(
	const struct spin_loop *loop)
{
	pthread_t thread = spin_start(loop, 7);

	checkpoint_here();
	spin_verify(loop, thread);
	checkpoint_ok();
}

#endif
