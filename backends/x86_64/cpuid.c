/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/cpu.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>

struct cpuid {
	uint32_t a, b, c, d;
};

/* Zero for a leaf that the CPU does not have. */
static struct cpuid leaf(uint32_t number, uint32_t sub)
{
	struct cpuid id = {0};

	__get_cpuid_count(number, sub, &id.a, &id.b, &id.c, &id.d);
	return id;
}

static void version_read(struct x86_64_cpu *cpu)
{
	struct cpuid id = leaf(1, 0);

	cpu->family = id.a >> 8 & 0xf;
	cpu->model = id.a >> 4 & 0xf;
	cpu->stepping = id.a & 0xf;
	if (cpu->family == 0xf)
		cpu->family += id.a >> 20 & 0xff;
	if (cpu->family >= 6)
		cpu->model += (id.a >> 16 & 0xf) << 4;
}

static void vendor_read(struct x86_64_cpu *cpu)
{
	struct cpuid id = leaf(0, 0);
	uint32_t name[12];
	const char *text = (const char *)name;
	size_t size = sizeof(name);

	memcpy(cpu->vendor, &id.b, 4);
	memcpy(cpu->vendor + 4, &id.d, 4);
	memcpy(cpu->vendor + 8, &id.c, 4);
	for (uint32_t i = 0; i < 3; i++) {
		id = leaf(0x80000002 + i, 0);
		memcpy(name + 4 * i, &id, sizeof(id));
	}
	/* Some CPUs have blanks in front. */
	while (size && *text == ' ') {
		text++;
		size--;
	}
	memcpy(cpu->model_id, text, size);
}

static void words_read(struct x86_64_cpu *cpu)
{
	uint32_t *words = cpu->words;

	words[CPU_1_EDX] = leaf(1, 0).d;
	words[CPU_1_ECX] = leaf(1, 0).c;
	words[CPU_6_EAX] = leaf(6, 0).a;
	words[CPU_7_0_EBX] = leaf(7, 0).b;
	words[CPU_7_0_ECX] = leaf(7, 0).c;
	words[CPU_7_0_EDX] = leaf(7, 0).d;
	words[CPU_D_1_EAX] = leaf(0xd, 1).a;
	words[CPU_F_0_EDX] = leaf(0xf, 0).d;
	/* Sub-leaf 1 exists where the last-level cache is monitored. */
	if (words[CPU_F_0_EDX] & 2)
		words[CPU_F_1_EDX] = leaf(0xf, 1).d;
	words[CPU_80000001_ECX] = leaf(0x80000001, 0).c;
	words[CPU_80000001_EDX] = leaf(0x80000001, 0).d;
	words[CPU_80000007_EBX] = leaf(0x80000007, 0).b;
	words[CPU_80000008_EBX] = leaf(0x80000008, 0).b;
	words[CPU_8000000A_EDX] = leaf(0x8000000a, 0).d;
}

/* What Linux adds and takes away by knowledge of the models. */
static void words_adjust(struct x86_64_cpu *cpu)
{
	enum { REP_GOOD = 1 << 16, NOPL = 1 << 20, CPUID = 1 << 25 };
	bool intel = !strcmp(cpu->vendor, "GenuineIntel");

	cpu->words[CPU_LINUX_1] = CPUID | NOPL;
	if (intel && cpu->family == 6)
		cpu->words[CPU_LINUX_1] |= REP_GOOD;
	if (intel && cpu->family == 15)
		cpu->words[CPU_7_0_EBX] &= ~(uint32_t)(1 << 9);
	if (!intel && cpu->family >= 0xf)
		cpu->words[CPU_LINUX_1] |= REP_GOOD;
	if (!intel)
		cpu->words[CPU_1_EDX] &= ~(UINT32_C(1) << 31);
	if (__get_cpuid_max(0, NULL) < 0xd)
		cpu->words[CPU_1_ECX] &= ~(UINT32_C(1) << 26);
}

/* The components of user state whose instructions the CPU has, too. Left out
 * are sse (1), which every x86_64 has, and the bound registers (3), which come
 * with their configuration (4): CRIU 4.2 means to leave out hardware duty
 * cycling, takes its number for a mask, and refuses images that have them. */
static uint64_t xfeatures_read(const struct x86_64_cpu *cpu)
{
	static const struct {
		uint8_t component, word, bit;
	} needs[] = {
		{0, CPU_1_EDX, 0},
		{2, CPU_1_ECX, 28},
		{4, CPU_7_0_EBX, 14},
		{5, CPU_7_0_EBX, 16},
		{6, CPU_7_0_EBX, 16},
		{7, CPU_7_0_EBX, 16},
		{9, CPU_7_0_ECX, 3},
	};
	struct cpuid id = leaf(0xd, 0);
	uint64_t have = id.a | (uint64_t)id.d << 32, known = 0;

	for (unsigned int i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (cpu->words[needs[i].word] >> needs[i].bit & 1)
			known |= UINT64_C(1) << needs[i].component;
	return have & known;
}

int x86_64_cpuid_read(struct x86_64_cpu *ret, struct err *err)
{
	struct x86_64_cpu cpu = {0};

	(void)err;
	vendor_read(&cpu);
	version_read(&cpu);
	words_read(&cpu);
	words_adjust(&cpu);
	if (cpu.words[CPU_1_ECX] >> 26 & 1) {
		cpu.xfeatures = xfeatures_read(&cpu);
		cpu.xsave_size = leaf(0xd, 0).b;
		cpu.xsave_size_max = leaf(0xd, 0).c;
	}
	*ret = cpu;
	return 0;
}

#else

int x86_64_cpuid_read(struct x86_64_cpu *ret, struct err *err)
{
	(void)ret;
	return err_set(err, ENOTSUP, "this host is no x86_64");
}

#endif
