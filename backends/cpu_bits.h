/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu_bits: words of CPU feature bits, compared and named.
 *
 * A machine describes its words once: a name for each bit (those of
 * /proc/cpuinfo), and which bits stand for instructions that a program may
 * have chosen to use. Some of these are there because other engines compare
 * them, but code that was chosen by them runs without: hints that other CPUs
 * skip, promises of speed, what only the kernel may execute. Hypervisors and
 * kernels like to hide them. Bits without a name are spelled "word.bit".
 */
#ifndef STASIS_CPU_BITS_H
#define STASIS_CPU_BITS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { CPU_WORDS_MAX = 24 };

struct cpu_word {
	const char *label;
	const char *const *names; /* one for each bit; NULL: none has one */
	unsigned int bits;	  /* 32 or 64 */
	uint64_t ins;		  /* the bits that are instructions */
	uint64_t moot;		  /* of these: code runs without */
};

/* The CPU of one host, made of a cpuinfo message by its backend. */
struct cpu_bits {
	const struct cpu_word *words; /* label NULL ends them */
	uint64_t bits[CPU_WORDS_MAX];
	const char *model;
};

/* Every bit of image in a word's mask (NULL: its ins) is in here, too. */
int cpu_bits_require(const struct cpu_bits *image, const struct cpu_bits *here,
	const uint64_t *masks, struct err *err);
/* The same for the instructions that are not moot. */
int cpu_bits_require_code(const struct cpu_bits *image,
	const struct cpu_bits *here, struct err *err);
/* All words are the same. */
int cpu_bits_match(const struct cpu_bits *image, const struct cpu_bits *here,
	struct err *err);
/* Names of instructions, ended by NULL. */
const char *const *cpu_bits_names(
	struct arena *arena, const struct cpu_bits *cpu);

#endif
