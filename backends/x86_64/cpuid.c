/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/cpu.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/auxv.h>

struct cpuid {
	uint32_t a, b, c, d;
};

/* CPUID takes microseconds in a virtual machine: each leaf is read once. */
struct reader {
	uint32_t max, max_extended; /* the last leaf of both ranges */
};

static struct cpuid leaf_ask(uint32_t number, uint32_t sub)
{
	struct cpuid id;

	__cpuid_count(number, sub, id.a, id.b, id.c, id.d);
	return id;
}

/* Zero for a leaf that the CPU does not have. */
static struct cpuid leaf(
	const struct reader *reader, uint32_t number, uint32_t sub)
{
	uint32_t max = number < 0x80000000 ? reader->max : reader->max_extended;

	return number > max ? (struct cpuid){0} : leaf_ask(number, sub);
}

static struct reader reader_open(struct x86_64_cpu *cpu)
{
	struct cpuid first = leaf_ask(0, 0);

	memcpy(cpu->vendor, &first.b, 4);
	memcpy(cpu->vendor + 4, &first.d, 4);
	memcpy(cpu->vendor + 8, &first.c, 4);
	return (struct reader){first.a, leaf_ask(0x80000000, 0).a};
}

static void version_read(uint32_t signature, struct x86_64_cpu *cpu)
{
	cpu->family = signature >> 8 & 0xf;
	cpu->model = signature >> 4 & 0xf;
	cpu->stepping = signature & 0xf;
	if (cpu->family == 0xf)
		cpu->family += signature >> 20 & 0xff;
	if (cpu->family >= 6)
		cpu->model += (signature >> 16 & 0xf) << 4;
}

static void name_read(const struct reader *reader, struct x86_64_cpu *cpu)
{
	uint32_t name[12];
	const char *text = (const char *)name;
	size_t size = sizeof(name);
	struct cpuid id;

	for (uint32_t i = 0; i < 3; i++) {
		id = leaf(reader, 0x80000002 + i, 0);
		memcpy(name + 4 * i, &id, sizeof(id));
	}
	/* Some CPUs have blanks in front. */
	while (size && *text == ' ') {
		text++;
		size--;
	}
	memcpy(cpu->model_id, text, size);
}

static void basic_read(const struct reader *reader, struct x86_64_cpu *cpu)
{
	uint32_t *words = cpu->words;
	struct cpuid id = leaf(reader, 1, 0);

	version_read(id.a, cpu);
	words[CPU_1_EDX] = id.d;
	words[CPU_1_ECX] = id.c;
	words[CPU_6_EAX] = leaf(reader, 6, 0).a;
	id = leaf(reader, 7, 0);
	words[CPU_7_0_EBX] = id.b;
	words[CPU_7_0_ECX] = id.c;
	words[CPU_7_0_EDX] = id.d;
	if (id.a) /* the last sub-leaf */
		id = leaf(reader, 7, 1);
	else
		id = (struct cpuid){0};
	words[CPU_7_1_EAX] = id.a;
	words[CPU_7_1_EDX] = id.d;
	words[CPU_D_1_EAX] = leaf(reader, 0xd, 1).a;
	words[CPU_F_0_EDX] = leaf(reader, 0xf, 0).d;
	/* Sub-leaf 1 exists where the last-level cache is monitored. */
	if (words[CPU_F_0_EDX] & 2)
		words[CPU_F_1_EDX] = leaf(reader, 0xf, 1).d;
}

static void extended_read(const struct reader *reader, struct x86_64_cpu *cpu)
{
	struct cpuid id = leaf(reader, 0x80000001, 0);

	cpu->words[CPU_80000001_ECX] = id.c;
	cpu->words[CPU_80000001_EDX] = id.d;
	cpu->words[CPU_80000007_EBX] = leaf(reader, 0x80000007, 0).b;
	cpu->words[CPU_80000008_EBX] = leaf(reader, 0x80000008, 0).b;
	cpu->words[CPU_8000000A_EDX] = leaf(reader, 0x8000000a, 0).d;
}

/* What Linux adds and takes away by knowledge of the models. */
static void words_adjust(const struct reader *reader, struct x86_64_cpu *cpu)
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
	if (reader->max < 0xd)
		cpu->words[CPU_1_ECX] &= ~(UINT32_C(1) << 26);
}

/* The components of the extended state that the kernel has switched on. */
static uint64_t xcr0_get(const struct x86_64_cpu *cpu)
{
	uint32_t low = 0, high = 0;

	if (cpu->words[CPU_1_ECX] >> 27 & 1)
		__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

/* Instructions that the kernel has not switched on (nofsgsbase), or whose
 * registers (clearcpuid=avx512f, noxsave), cannot be executed, whatever CPUID
 * tells. */
static void words_disable(struct x86_64_cpu *cpu)
{
	static const struct {
		uint32_t components, word, bits;
	} rules[] = {
		{0x6, CPU_1_ECX, 1u << 12 | 1u << 28 | 1u << 29},
		{0x6, CPU_80000001_ECX, 1u << 11 | 1u << 16},
		{0x6, CPU_7_0_EBX, 1u << 5},
		{0x6, CPU_7_0_ECX, 1u << 9 | 1u << 10},
		{0x6, CPU_7_1_EAX, 7u | 1u << 4 | 1u << 23},
		{0x6, CPU_7_1_EDX, 3u << 4 | 1u << 10},
		{0xe6, CPU_7_0_EBX, 3u << 16 | 1u << 21 | 7u << 26 | 3u << 30},
		{0xe6, CPU_7_0_ECX, 1u << 1 | 1u << 6 | 3u << 11 | 1u << 14},
		{0xe6, CPU_7_0_EDX, 3u << 2 | 1u << 8 | 1u << 23},
		{0xe6, CPU_7_1_EAX, 1u << 5},
		{0xe6, CPU_7_1_EDX, 1u << 19},
		{0x60000, CPU_7_0_EDX, 1u << 22 | 3u << 24},
		{0x60000, CPU_7_1_EAX, 1u << 21},
		{0x60000, CPU_7_1_EDX, 1u << 8},
		{0x80000, CPU_7_1_EDX, 1u << 21},
	};
	const unsigned long fsgsbase = 1 << 1; /* of AT_HWCAP2, since 5.9 */
	uint64_t on = xcr0_get(cpu);

	if (!(getauxval(AT_HWCAP2) & fsgsbase))
		cpu->words[CPU_7_0_EBX] &= ~UINT32_C(1);
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].components & ~on)
			cpu->words[rules[i].word] &= ~rules[i].bits;
}

/* The components of user state whose instructions the CPU has, too. Left out
 * are sse (1), which every x86_64 has, and the bound registers (3), which come
 * with their configuration (4): CRIU 4.2 means to leave out hardware duty
 * cycling, takes its number for a mask, and refuses images that have them. */
static uint64_t xfeatures_of(const struct x86_64_cpu *cpu, struct cpuid id)
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
	uint64_t have = id.a | (uint64_t)id.d << 32, known = 0;

	for (unsigned int i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (cpu->words[needs[i].word] >> needs[i].bit & 1)
			known |= UINT64_C(1) << needs[i].component;
	return have & known;
}

int x86_64_cpuid_read(struct x86_64_cpu *ret, struct err *err)
{
	struct x86_64_cpu cpu = {0};
	struct reader reader = reader_open(&cpu);
	struct cpuid areas;

	(void)err;
	name_read(&reader, &cpu);
	basic_read(&reader, &cpu);
	extended_read(&reader, &cpu);
	words_adjust(&reader, &cpu);
	words_disable(&cpu);
	if (cpu.words[CPU_1_ECX] >> 26 & 1) {
		areas = leaf(&reader, 0xd, 0);
		cpu.xfeatures = xfeatures_of(&cpu, areas);
		cpu.xsave_size = areas.b;
		cpu.xsave_size_max = areas.c;
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
