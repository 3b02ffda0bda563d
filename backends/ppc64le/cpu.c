/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ppc64le/ppc64le.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "cpu_bits.h"
#include "options/options.h"

enum { WORDS = 2 };

/* By bit of AT_HWCAP and AT_HWCAP2, as the dynamic loader calls them. */
static const char *const names_1[32] = {"ppcle", "true_le", [6] = "archpmu",
	"vsx", "arch_2_06", "power6x", "dfp", "pa6t", "arch_2_05", "ic_snoop",
	"smt", "booke", "cellbe", "power5+", "power5", "power4", "notb",
	"efpdouble", "efpsingle", "spe", "ucache", "4xxmac", "mmu", "fpu",
	"altivec", "ppc601", "ppc64", "ppc32"};

static const char *const names_2[32] = {[17] = "mma",
	"arch_3_1",
	"htm-no-suspend",
	"scv",
	"darn",
	"ieee128",
	"arch_3_00",
	"htm-nosc",
	"vcrypto",
	"tar",
	"isel",
	"ebb",
	"dscr",
	"htm",
	"arch_2_07"};

#define B(bit) (UINT64_C(1) << (bit))

/* The bits that other engines compare (true_le; htm, dscr, ebb, isel, tar,
 * vcrypto) and those that newer programs choose their code by. scv: libc
 * makes its system calls that way where it finds it. htm: older
 * ones began each call with tabort. where they found it. Moot is ebb, which
 * does nothing without an event of perf, and such events are not restored. */
static const struct cpu_word words[WORDS + 1] = {
	{"hwcap", names_1, 32,
		B(1) | B(7) | B(8) | B(10) | B(12) | B(26) | B(27) | B(28) |
			B(30)},
	{"hwcap2", names_2, 32,
		B(17) | B(18) | B(20) | B(21) | B(22) | B(23) | B(25) | B(26) |
			B(27) | B(28) | B(29) | B(30) | B(31),
		B(28)},
	{0},
};

/* What every image must have: ppc64, mmu, fpu and vsx; arch_2_07. */
static const uint64_t base[WORDS] = {B(30) | B(26) | B(27) | B(7), B(31)};

bool ppc64le_cpu_claims(const CpuinfoEntry *entry)
{
	return entry->n_ppc64_entry > 0;
}

int ppc64le_cpu_describe(
	struct arena *arena, CpuinfoEntry **ret, struct err *err)
{
	CpuinfoEntry *entry = arena_new1(arena, CpuinfoEntry);
	CpuinfoPpc64Entry *cpu = arena_new1(arena, CpuinfoPpc64Entry);

	if (backend_host()->core_mtype != CORE_ENTRY__MARCH__PPC64)
		return err_set(err, ENOTSUP, "this host is no ppc64le");
	cpuinfo_entry__init(entry);
	cpuinfo_ppc64_entry__init(cpu);
	cpu->endian = CPUINFO_PPC64_ENTRY__ENDIANNESS__LITTLEENDIAN;
	cpu->n_hwcap = WORDS;
	cpu->hwcap = arena_newn(arena, uint64_t, WORDS);
	cpu->hwcap[0] = getauxval(AT_HWCAP);
	cpu->hwcap[1] = getauxval(AT_HWCAP2);
	entry->n_ppc64_entry = 1;
	entry->ppc64_entry = arena_copy(arena, &cpu, sizeof(cpu));
	*ret = entry;
	return 0;
}

/* The message has no name of the model: its architecture tells. */
const char *ppc64le_cpu_model(const CpuinfoEntry *entry)
{
	uint64_t hwcap2;

	if (!entry->n_ppc64_entry || entry->ppc64_entry[0]->n_hwcap != WORDS)
		return "ppc64le";
	hwcap2 = entry->ppc64_entry[0]->hwcap[1];
	if (hwcap2 & B(18))
		return "POWER10 or later";
	if (hwcap2 & B(23))
		return "POWER9";
	return hwcap2 & B(31) ? "POWER8" : "ppc64le";
}

static int bits_load(
	const CpuinfoEntry *entry, struct cpu_bits *ret, struct err *err)
{
	const CpuinfoPpc64Entry *cpu;

	if (entry->n_ppc64_entry != 1)
		return err_set(err, EINVAL,
			"the cpuinfo image describes %zu ppc64 CPUs, not one",
			entry->n_ppc64_entry);
	cpu = entry->ppc64_entry[0];
	if (cpu->n_hwcap != WORDS)
		return err_set(err, EINVAL,
			"the cpuinfo image has %zu hwcap words, not %d",
			cpu->n_hwcap, WORDS);
	*ret = (struct cpu_bits){.words = words,
		.bits = {cpu->hwcap[0], cpu->hwcap[1]},
		.model = ppc64le_cpu_model(entry)};
	return 0;
}

static int base_check(const CpuinfoEntry *image, const CpuinfoEntry *here,
	const struct cpu_bits *bits, struct err *err)
{
	if (image->ppc64_entry[0]->endian != here->ppc64_entry[0]->endian)
		return err_set(err, ENOTSUP,
			"the image was made on a machine of the other byte "
			"order");
	for (unsigned int i = 0; i < WORDS; i++)
		if (base[i] & ~bits->bits[i])
			return err_set(err, EINVAL,
				"the cpuinfo image lacks %s, which every "
				"ppc64le has",
				words[i].names[__builtin_ctzll(
					base[i] & ~bits->bits[i])]);
	return 0;
}

int ppc64le_cpu_accept(const CpuinfoEntry *image, const CpuinfoEntry *here,
	uint32_t cap, struct err *err)
{
	static const uint64_t fpu[WORDS] = {
		B(7) | B(10) | B(27) | B(28), B(17) | B(22)};
	struct cpu_bits image_bits, here_bits;
	int error;

	if (!image->n_ppc64_entry || !here->n_ppc64_entry)
		return err_set(err, EINVAL,
			"the cpuinfo image is of another machine, not of "
			"ppc64le");
	error = bits_load(here, &here_bits, err);
	if (!error)
		error = bits_load(image, &image_bits, err);
	if (!error)
		error = base_check(image, here, &image_bits, err);
	if (!error)
		error = cpu_bits_require(&image_bits, &here_bits, base, err);
	if (!error && (cap & CPU_CAP_CODE))
		error = cpu_bits_require_code(&image_bits, &here_bits, err);
	if (!error && (cap & CPU_CAP_INS))
		error = cpu_bits_require(&image_bits, &here_bits, NULL, err);
	if (!error && (cap & CPU_CAP_FPU))
		error = cpu_bits_require(&image_bits, &here_bits, fpu, err);
	if (!error && (cap & CPU_CAP_CPU))
		error = cpu_bits_match(&image_bits, &here_bits, err);
	return error;
}

int ppc64le_cpu_features(struct arena *arena, const CpuinfoEntry *entry,
	const char *const **ret, struct err *err)
{
	struct cpu_bits bits;
	int error = bits_load(entry, &bits, err);

	if (error < 0)
		return error;
	*ret = cpu_bits_names(arena, &bits);
	return 0;
}
