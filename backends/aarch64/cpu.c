/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aarch64/aarch64.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/vec.h"
#include "cpu_bits.h"
#include "options/options.h"

enum {
	AUXV_HWCAP3 = 29,
	PRCTL_SVE_SET_VL = 50,
	PRCTL_SVE_GET_VL = 51,
	PRCTL_SME_SET_VL = 63,
	PRCTL_SME_GET_VL = 64,
	VL_MASK = 0xffff,
	VL_INHERIT = 1 << 17,
	VL_MAX = 256,
	VL_STEP = 16,
	WORDS = 3,
};

/* The names of /proc/cpuinfo, by bit of AT_HWCAP. */
static const char *const names_1[64] = {"fp", "asimd", "evtstrm", "aes",
	"pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp", "cpuid",
	"asimdrdm", "jscvt", "fcma", "lrcpc", "dcpop", "sha3", "sm3", "sm4",
	"asimddp", "sha512", "sve", "asimdfhm", "dit", "uscat", "ilrcpc",
	"flagm", "ssbs", "sb", "paca", "pacg", "gcs", "cmpbr", "fprcvt",
	"f8mm8", "f8mm4", "svef16mm", "sveeltperm", "sveaes2", "svebfscale",
	"sve2p2", "sme2p2", "smesbitperm", "smeaes", "smesfexpa", "smestmop",
	"smesmop4"};

static const char *const names_2[64] = {"dcpodp", "sve2", "sveaes", "svepmull",
	"svebitperm", "svesha3", "svesm4", "flagm2", "frint", "svei8mm",
	"svef32mm", "svef64mm", "svebf16", "i8mm", "bf16", "dgh", "rng", "bti",
	"mte", "ecv", "afp", "rpres", "mte3", "sme", "smei16i64", "smef64f64",
	"smei8i32", "smef16f32", "smeb16f32", "smef32f32", "smefa64", "wfxt",
	"ebf16", "sveebf16", "cssc", "rprfm", "sve2p1", "sme2", "sme2p1",
	"smei16i32", "smebi32i32", "smeb16b16", "smef16f16", "mops", "hbc",
	"sveb16b16", "lrcpc3", "lse128", "fpmr", "lut", "faminmax", "f8cvt",
	"f8fma", "f8dp4", "f8dp2", "f8e4m3", "f8e5m2", "smelutv2", "smef8f16",
	"smef8f32", "smesf8fma", "smesf8dp4", "smesf8dp2", "poe"};

static const char *const names_3[64] = {"mtefar", "mtestoreonly", "lsfe"};

#define B(bit) (UINT64_C(1) << (bit))

/* evtstrm and ssbs are no instructions; the address-signing and branch-target
 * ones do nothing on a CPU that lacks them. paca and pacg stay: addresses that
 * are signed already do not go through such a CPU. Moot are: gcs (code asks
 * chkfeat each time, and a stack in use is seen as such), ecv (for the vdso,
 * which is the kernel's), rprfm (a hint), mtefar and mtestoreonly (ways to
 * report). */
static const struct cpu_word words[WORDS + 1] = {
	{"hwcap", names_1, 64, ~(B(2) | B(28)), B(32)},
	{"hwcap2", names_2, 64, ~(B(15) | B(17)), B(19) | B(35)},
	{"hwcap3", names_3, 64, ~UINT64_C(0), B(0) | B(1)},
	{0},
};

bool aarch64_cpu_claims(const CpuinfoEntry *entry)
{
	return entry->n_aarch64_entry > 0;
}

struct lengths {
	uint32_t *at;
	size_t n, room;
};

struct names {
	const char **at;
	size_t n, room;
};

/* A length that cannot be had is answered by the next smaller one. */
static void lengths_probe(
	struct arena *arena, int set, int get, struct lengths *ret)
{
	int before = prctl(get, 0, 0, 0, 0);

	if (before < 0)
		return;
	for (int vl = VL_STEP; vl <= VL_MAX; vl += VL_STEP)
		if ((prctl(set, vl, 0, 0, 0) & VL_MASK) == vl)
			*vec_push(arena, ret) = (uint32_t)vl;
	prctl(set, before & (VL_MASK | VL_INHERIT), 0, 0, 0);
}

/* By implementer (bits 24 to 31 of MIDR) and part (bits 4 to 15). */
static const struct {
	uint16_t implementer, part;
	const char *name;
} models[] = {
	{0x41, 0xd03, "Cortex-A53"},
	{0x41, 0xd07, "Cortex-A57"},
	{0x41, 0xd08, "Cortex-A72"},
	{0x41, 0xd0b, "Cortex-A76"},
	{0x41, 0xd0c, "Neoverse-N1"},
	{0x41, 0xd40, "Neoverse-V1"},
	{0x41, 0xd49, "Neoverse-N2"},
	{0x41, 0xd4f, "Neoverse-V2"},
	{0x46, 0x001, "A64FX"},
	{0x48, 0xd01, "Kunpeng-920"},
	{0xc0, 0xac3, "Ampere-1"},
};

/* The identification register of the first CPU, for people. */
static char *model_read(struct arena *arena)
{
	char line[64] = "";
	FILE *file = fopen("/sys/devices/system/cpu/cpu0/regs/identification/"
			   "midr_el1",
		"re");
	unsigned long midr;

	if (!file)
		return NULL;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	midr = strtoul(line, NULL, 16);
	if (!midr)
		return NULL;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (models[i].implementer == (midr >> 24 & 0xff) &&
			models[i].part == (midr >> 4 & 0xfff))
			return arena_printf(
				arena, "%s (MIDR %#lx)", models[i].name, midr);
	return arena_printf(arena, "MIDR %#lx", midr);
}

/* Both registers may be read by every program. */
static void caches_read(StasisCpuinfoAarch64 *cpu)
{
#ifdef __aarch64__
	uint64_t dczid;

	__asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
	__asm__ volatile("mrs %0, ctr_el0" : "=r"(cpu->ctr));
	cpu->dczid = (uint32_t)dczid;
	cpu->has_dczid = cpu->has_ctr = 1;
#else
	(void)cpu;
#endif
}

int aarch64_cpu_describe(
	struct arena *arena, CpuinfoEntry **ret, struct err *err)
{
	CpuinfoEntry *entry = arena_new1(arena, CpuinfoEntry);
	StasisCpuinfoAarch64 *cpu = arena_new1(arena, StasisCpuinfoAarch64);
	struct lengths sve = {0}, sme = {0};

	if (backend_host()->core_mtype != CORE_ENTRY__MARCH__AARCH64)
		return err_set(err, ENOTSUP, "this host is no aarch64");
	cpuinfo_entry__init(entry);
	stasis_cpuinfo_aarch64__init(cpu);
	cpu->hwcap = getauxval(AT_HWCAP);
	cpu->hwcap2 = getauxval(AT_HWCAP2);
	cpu->has_hwcap3 = 1;
	cpu->hwcap3 = getauxval(AUXV_HWCAP3);
	cpu->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	lengths_probe(arena, PRCTL_SVE_SET_VL, PRCTL_SVE_GET_VL, &sve);
	lengths_probe(arena, PRCTL_SME_SET_VL, PRCTL_SME_GET_VL, &sme);
	cpu->n_sve_vl = sve.n;
	cpu->sve_vl = sve.at;
	cpu->n_sme_vl = sme.n;
	cpu->sme_vl = sme.at;
	cpu->model = model_read(arena);
	caches_read(cpu);
	entry->n_aarch64_entry = 1;
	entry->aarch64_entry = arena_copy(arena, &cpu, sizeof(cpu));
	*ret = entry;
	return 0;
}

const char *aarch64_cpu_model(const CpuinfoEntry *entry)
{
	if (!entry->n_aarch64_entry || !entry->aarch64_entry[0]->model)
		return "aarch64";
	return entry->aarch64_entry[0]->model;
}

static int bits_load(
	const CpuinfoEntry *entry, struct cpu_bits *ret, struct err *err)
{
	const StasisCpuinfoAarch64 *cpu;

	if (entry->n_aarch64_entry != 1)
		return err_set(err, EINVAL,
			"the cpuinfo image describes %zu aarch64 CPUs, not one",
			entry->n_aarch64_entry);
	cpu = entry->aarch64_entry[0];
	*ret = (struct cpu_bits){.words = words,
		.bits = {cpu->hwcap, cpu->hwcap2, cpu->hwcap3},
		.model = aarch64_cpu_model(entry)};
	return 0;
}

static int lengths_accept(const char *name, const uint32_t *image, size_t n,
	const uint32_t *here, size_t here_n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < here_n && here[k] != image[i])
			k++;
		if (k == here_n)
			return err_set(err, ENOTSUP,
				"the CPU lacks %s vectors of %" PRIu32
				" bytes, which the image's host has",
				name, image[i]);
	}
	return 0;
}

static int vectors_accept(const StasisCpuinfoAarch64 *image,
	const StasisCpuinfoAarch64 *here, struct err *err)
{
	int error = lengths_accept("sve", image->sve_vl, image->n_sve_vl,
		here->sve_vl, here->n_sve_vl, err);

	if (error < 0)
		return error;
	return lengths_accept("sme", image->sme_vl, image->n_sme_vl,
		here->sme_vl, here->n_sme_vl, err);
}

/*
 * memset of glibc is picked by how much one dc zva clears, and clears too
 * much, or traps, where that is another size or forbidden.
 */
static int clearing_accept(const StasisCpuinfoAarch64 *image,
	const StasisCpuinfoAarch64 *here, struct err *err)
{
	const uint32_t size = 15, forbidden = 1 << 4;

	if (!image->has_dczid || !here->has_dczid || image->dczid & forbidden ||
		image->dczid == here->dczid)
		return 0;
	if (here->dczid & forbidden)
		return err_set(err, ENOTSUP,
			"the CPU lacks dc zva, which the image's host has");
	return err_set(err, ENOTSUP,
		"dc zva clears %u bytes, but %u on the image's host",
		4u << (here->dczid & size), 4u << (image->dczid & size));
}

/*
 * What programs remember of the caches (libgcc, for one) when they make new
 * code known: by steps of the smallest line, and not at all for instructions
 * or data where the CPU sees to it itself.
 */
static int caches_accept(const StasisCpuinfoAarch64 *image,
	const StasisCpuinfoAarch64 *here, struct err *err)
{
	static const struct {
		uint8_t shift;
		const char *name;
	} lines[] = {{0, "instruction"}, {16, "data"}};
	const uint64_t coherent = B(28) | B(29); /* IDC, DIC */

	if (!image->has_ctr || !here->has_ctr)
		return 0;
	if (image->ctr & ~here->ctr & coherent)
		return err_set(err, ENOTSUP,
			"the CPU's caches have to be told of new code (CTR "
			"%#" PRIx64 "), which the image's host did by itself "
			"(%#" PRIx64 ")",
			here->ctr, image->ctr);
	for (unsigned int i = 0; i < 2; i++)
		if ((here->ctr >> lines[i].shift & 15) <
			(image->ctr >> lines[i].shift & 15))
			return err_set(err, ENOTSUP,
				"lines of the %s cache have %u bytes, but %u "
				"on the image's host",
				lines[i].name,
				4u << (here->ctr >> lines[i].shift & 15),
				4u << (image->ctr >> lines[i].shift & 15));
	return 0;
}

static int code_accept(const struct cpu_bits *image_bits,
	const struct cpu_bits *here_bits, const StasisCpuinfoAarch64 *image,
	const StasisCpuinfoAarch64 *here, struct err *err)
{
	int error = cpu_bits_require_code(image_bits, here_bits, err);

	if (!error)
		error = clearing_accept(image, here, err);
	return error ?: caches_accept(image, here, err);
}

int aarch64_cpu_accept(const CpuinfoEntry *image, const CpuinfoEntry *here,
	uint32_t cap, struct err *err)
{
	struct cpu_bits image_bits, here_bits;
	const StasisCpuinfoAarch64 *a, *b;
	int error;

	if (!image->n_aarch64_entry || !here->n_aarch64_entry)
		return err_set(err, EINVAL,
			"the cpuinfo image is of another machine, not of "
			"aarch64");
	error = bits_load(here, &here_bits, err);
	if (!error)
		error = bits_load(image, &image_bits, err);
	if (error < 0)
		return error;
	a = image->aarch64_entry[0];
	b = here->aarch64_entry[0];
	if (a->page_size != b->page_size)
		return err_set(err, ENOTSUP,
			"pages have %" PRIu32 " bytes, but %" PRIu32
			" on the image's host",
			b->page_size, a->page_size);
	if (cap & (CPU_CAP_CODE | CPU_CAP_INS))
		error = code_accept(&image_bits, &here_bits, a, b, err);
	if (!error && (cap & CPU_CAP_INS))
		error = cpu_bits_require(&image_bits, &here_bits, NULL, err);
	if (!error && (cap & CPU_CAP_FPU))
		error = vectors_accept(a, b, err);
	if (!error && (cap & CPU_CAP_CPU))
		error = cpu_bits_match(&image_bits, &here_bits, err);
	if (!error && (cap & CPU_CAP_CPU))
		error = vectors_accept(b, a, err);
	return error;
}

/* Vector lengths in bits, as QEMU calls them: "sve256". */
static void lengths_name(struct arena *arena, const char *what,
	const uint32_t *at, size_t n, struct names *ret)
{
	for (size_t i = 0; i < n; i++)
		*vec_push(arena, ret) =
			arena_printf(arena, "%s%u", what, at[i] * 8);
}

int aarch64_cpu_features(struct arena *arena, const CpuinfoEntry *entry,
	const char *const **ret, struct err *err)
{
	const StasisCpuinfoAarch64 *cpu;
	struct names names = {0};
	struct cpu_bits bits;
	int error = bits_load(entry, &bits, err);

	if (error < 0)
		return error;
	cpu = entry->aarch64_entry[0];
	for (const char *const *name = cpu_bits_names(arena, &bits); *name;
		name++)
		*vec_push(arena, &names) = *name;
	lengths_name(arena, "sve", cpu->sve_vl, cpu->n_sve_vl, &names);
	lengths_name(arena, "sme", cpu->sme_vl, cpu->n_sme_vl, &names);
	*vec_push(arena, &names) = NULL;
	*ret = names.at;
	return 0;
}
