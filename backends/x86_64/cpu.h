/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu: the feature words of an x86 cpuinfo image, and what is in them. */
#ifndef STASIS_X86_64_CPU_H
#define STASIS_X86_64_CPU_H

#include "cpu_bits.h"

enum x86_64_cpu_word {
	CPU_1_EDX,
	CPU_80000001_EDX,
	CPU_80860001_EDX,
	CPU_LINUX_1, /* bits that Linux makes up */
	CPU_1_ECX,
	CPU_C0000001_EDX,
	CPU_80000001_ECX,
	CPU_LINUX_2,
	CPU_LINUX_3,
	CPU_7_0_EBX,
	CPU_D_1_EAX,
	CPU_7_0_ECX,
	CPU_F_1_EDX,
	CPU_80000008_EBX,
	CPU_6_EAX,
	CPU_8000000A_EDX,
	CPU_F_0_EDX,
	CPU_80000007_EBX,
	CPU_7_0_EDX,
	/* From here on: words that cpuinfo images have no place for. */
	CPU_7_1_EAX,
	CPU_7_1_EDX,
	X86_64_CPU_WORDS,
	/* Images of capability version 1 and 2 end here. */
	X86_64_CPU_WORDS_V1 = CPU_F_1_EDX,
	X86_64_CPU_WORDS_V2 = CPU_7_1_EAX,
};

extern const struct cpu_word x86_64_cpu_words[];

/* What cpuid said of the host; filled by cpuid.c. */
struct x86_64_cpu {
	char vendor[13];
	char model_id[52];
	uint32_t family, model, stepping;
	uint32_t words[X86_64_CPU_WORDS];
	uint64_t xfeatures;
	uint32_t xsave_size, xsave_size_max;
};

/* ENOTSUP unless this runs on x86_64. */
int x86_64_cpuid_read(struct x86_64_cpu *ret, struct err *err);

#endif
