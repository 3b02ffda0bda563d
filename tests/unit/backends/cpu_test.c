/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "options/options.h"
#include "x86_64/cpu.h"

/* A host like an EPYC with AVX-512, as far as the tests look at it. */
static CpuinfoEntry *x86_new(struct arena *arena)
{
	CpuinfoEntry *entry = arena_new1(arena, CpuinfoEntry);
	CpuinfoX86Entry *x86 = arena_new1(arena, CpuinfoX86Entry);

	cpuinfo_entry__init(entry);
	cpuinfo_x86_entry__init(x86);
	x86->vendor_id = CPUINFO_X86_ENTRY__VENDOR__AMD;
	x86->capability_ver = 2;
	x86->n_capability = X86_64_CPU_WORDS_V2;
	x86->capability = arena_newn(arena, uint32_t, X86_64_CPU_WORDS_V2);
	x86->capability[CPU_1_EDX] = 0x178bfbff;
	x86->capability[CPU_1_ECX] = 0xfed83203;
	x86->capability[CPU_7_0_EBX] = 0xf1bf07a9;
	x86->capability[CPU_D_1_EAX] = 0xf;
	x86->model_id = arena_strdup(arena, "AMD EPYC");
	x86->has_xfeatures_mask = 1;
	x86->xfeatures_mask = 0x2e7;
	x86->has_xsave_size = 1;
	x86->xsave_size = 2440;
	x86->has_xsave_size_max = 1;
	x86->xsave_size_max = 2440;
	entry->n_x86_entry = 1;
	entry->x86_entry = arena_copy(arena, &x86, sizeof(x86));
	return entry;
}

static CpuinfoEntry *aarch64_new(struct arena *arena)
{
	CpuinfoEntry *entry = arena_new1(arena, CpuinfoEntry);
	StasisCpuinfoAarch64 *cpu = arena_new1(arena, StasisCpuinfoAarch64);
	static const uint32_t lengths[] = {16, 32};

	cpuinfo_entry__init(entry);
	stasis_cpuinfo_aarch64__init(cpu);
	cpu->hwcap = 0xfdffffff;
	cpu->hwcap2 = 0x3ffff;
	cpu->page_size = 4096;
	cpu->n_sve_vl = 2;
	cpu->sve_vl = arena_copy(arena, lengths, sizeof(lengths));
	entry->n_aarch64_entry = 1;
	entry->aarch64_entry = arena_copy(arena, &cpu, sizeof(cpu));
	return entry;
}

static CpuinfoEntry *ppc64le_new(
	struct arena *arena, uint64_t hwcap, uint64_t hwcap2)
{
	CpuinfoEntry *entry = arena_new1(arena, CpuinfoEntry);
	CpuinfoPpc64Entry *cpu = arena_new1(arena, CpuinfoPpc64Entry);

	cpuinfo_entry__init(entry);
	cpuinfo_ppc64_entry__init(cpu);
	cpu->endian = CPUINFO_PPC64_ENTRY__ENDIANNESS__LITTLEENDIAN;
	cpu->n_hwcap = 2;
	cpu->hwcap = arena_newn(arena, uint64_t, 2);
	cpu->hwcap[0] = hwcap;
	cpu->hwcap[1] = hwcap2;
	entry->n_ppc64_entry = 1;
	entry->ppc64_entry = arena_copy(arena, &cpu, sizeof(cpu));
	return entry;
}

static void accept_check(const struct backend *be, const CpuinfoEntry *image,
	const CpuinfoEntry *here, uint32_t cap, int want, const char *text)
{
	struct err err = {0};

	CHECK_INT(be->cpu_accept(image, here, cap, &err), want);
	CHECK_STR(err.text, text);
}

static int names_have(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names != NULL;
}

TEST(this_host_describes_itself_and_accepts_itself)
{
	struct arena *arena = arena_new();
	const struct backend *be = backend_host();
	CpuinfoEntry *entry = NULL;
	const char *const *names = NULL;
	struct err err = {0};

	CHECK_INT(be->cpu_describe(arena, &entry, &err), 0);
	CHECK_STR(err.text, "");
	REQUIRE(entry);
	CHECK(backend_by_cpuinfo(entry) == be);
	CHECK_INT(be->cpu_accept(entry, entry, CPU_CAP_ALL, &err), 0);
	CHECK_INT(be->cpu_features(arena, entry, &names, &err), 0);
	CHECK(names && names[0]);
	CHECK(be->cpu_model(entry)[0]);
	for (unsigned int i = 0; backends[i]; i++)
		if (backends[i] != be)
			CHECK_INT(
				backends[i]->cpu_describe(arena, &entry, &err),
				-ENOTSUP);
	arena_free(arena);
}

/* The kernel hides some features from its list, but invents none here. */
TEST(this_hosts_features_are_those_of_proc_cpuinfo)
{
	static const char *const asked[] = {"sse4_2", "avx", "avx2", "avx512f",
		"avx512vl", "bmi2", "rdrand", "f16c", "fma", "gfni", "vaes"};
	struct arena *arena = arena_new();
	CpuinfoEntry *entry = NULL;
	const char *const *names = NULL;
	char line[16384] = "", word[32];
	FILE *file = fopen("/proc/cpuinfo", "re");
	struct err err = {0};

	while (file && strncmp(line, "flags", 5) &&
		fgets(line, sizeof(line), file))
		;
	if (file)
		fclose(file);
	if (backend_host() != &backend_x86_64 || strncmp(line, "flags", 5)) {
		test_skip("another machine");
		arena_free(arena);
		return;
	}
	line[strcspn(line, "\n")] = ' ';
	CHECK_INT(backend_x86_64.cpu_describe(arena, &entry, &err), 0);
	CHECK_INT(backend_x86_64.cpu_features(arena, entry, &names, &err), 0);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		snprintf(word, sizeof(word), " %s ", asked[i]);
		CHECK_INT(names_have(names, asked[i]),
			strstr(line, word) != NULL);
	}
	arena_free(arena);
}

TEST(x86_instructions_that_are_missing_are_named)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = x86_new(arena), *here = x86_new(arena);
	CpuinfoX86Entry *x86 = here->x86_entry[0];

	accept_check(&backend_x86_64, image, here, CPU_CAP_ALL, 0, "");
	x86->model_id = arena_strdup(arena, "QEMU Haswell");
	x86->capability[CPU_7_0_EBX] &= 0x3fffffff;
	accept_check(&backend_x86_64, image, here, CPU_CAP_INS, -ENOTSUP,
		"the CPU (QEMU Haswell) lacks avx512bw, avx512vl; the image "
		"was made on one with them (AMD EPYC)");
	accept_check(&backend_x86_64, image, here, CPU_CAP_FPU, 0, "");
	accept_check(&backend_x86_64, image, here, 0, 0, "");
	/* The other way round all is well, but not the same. */
	accept_check(
		&backend_x86_64, here, image, CPU_CAP_INS | CPU_CAP_FPU, 0, "");
	accept_check(&backend_x86_64, here, image, CPU_CAP_CPU, -ENOTSUP,
		"the CPU (AMD EPYC) is not the same as the image's (QEMU "
		"Haswell): it lacks nothing, and has in addition avx512bw, "
		"avx512vl");
	arena_free(arena);
}

TEST(x86_extended_state_that_is_missing_is_named)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = x86_new(arena), *here = x86_new(arena);
	CpuinfoX86Entry *x86 = here->x86_entry[0];

	x86->xfeatures_mask = 7;
	x86->xsave_size = 832;
	accept_check(&backend_x86_64, image, here, CPU_CAP_FPU, -ENOTSUP,
		"the CPU (AMD EPYC) lacks the extended state of avx512 mask "
		"registers, avx512 upper halves (zmm0-15), avx512 registers "
		"zmm16-31, protection key rights (pkru), which the image's "
		"host (AMD EPYC) has");
	accept_check(&backend_x86_64, here, image, CPU_CAP_FPU, 0, "");
	accept_check(&backend_x86_64, here, image, CPU_CAP_CPU, -ENOTSUP,
		"the XSAVE area takes 2440 bytes, but 832 on the image's host");
	x86->has_xsave_size = 0;
	x86->has_xfeatures_mask = 0;
	accept_check(&backend_x86_64, here, image, CPU_CAP_ALL, 0, "");
	x86->capability[CPU_D_1_EAX] = 7;
	accept_check(&backend_x86_64, image, here, CPU_CAP_FPU, -ENOTSUP,
		"the CPU (AMD EPYC) lacks xsaves; the image was made on one "
		"with them (AMD EPYC)");
	arena_free(arena);
}

/* CRIU 4.2 never writes these two, and refuses images that have them. */
TEST(sse_and_bound_registers_are_neither_written_nor_asked_for)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = x86_new(arena), *here = x86_new(arena);
	CpuinfoEntry *real = NULL;
	struct err err = {0};

	image->x86_entry[0]->xfeatures_mask = 0x2ef;
	here->x86_entry[0]->xfeatures_mask = 0x2e5;
	accept_check(&backend_x86_64, image, here, CPU_CAP_ALL, 0, "");
	accept_check(&backend_x86_64, here, image, CPU_CAP_ALL, 0, "");
	if (backend_host() == &backend_x86_64) {
		CHECK_INT(backend_x86_64.cpu_describe(arena, &real, &err), 0);
		CHECK(!(real->x86_entry[0]->xfeatures_mask & 0xa));
	}
	arena_free(arena);
}

TEST(areas_of_programs_without_xsavec_are_not_overrun)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *old = x86_new(arena), *new = x86_new(arena);

	/* Haswell has no xsavec, and neither AVX-512 nor MPX. */
	old->x86_entry[0]->capability[CPU_D_1_EAX] = 1;
	old->x86_entry[0]->xfeatures_mask = 5;
	old->x86_entry[0]->xsave_size = 832;
	accept_check(&backend_x86_64, old, new, CPU_CAP_FPU, -ENOTSUP,
		"programs of a CPU without xsavec (AMD EPYC) keep areas that "
		"are too small for what xsave writes on this one (AMD EPYC), "
		"which has avx512 mask registers, avx512 upper halves "
		"(zmm0-15), avx512 registers zmm16-31");
	accept_check(&backend_x86_64, old, new, CPU_CAP_CODE, -ENOTSUP,
		"programs of a CPU without xsavec (AMD EPYC) keep areas that "
		"are too small for what xsave writes on this one (AMD EPYC), "
		"which has avx512 mask registers, avx512 upper halves "
		"(zmm0-15), avx512 registers zmm16-31");
	accept_check(&backend_x86_64, old, new, CPU_CAP_INS, 0, "");
	/* Protection keys lie at the end, so that their owners have room. */
	old->x86_entry[0]->xfeatures_mask = 0x205;
	old->x86_entry[0]->xsave_size = 2440;
	accept_check(&backend_x86_64, old, new, CPU_CAP_FPU, 0, "");
	old->x86_entry[0]->xfeatures_mask = 5;
	old->x86_entry[0]->xsave_size = 832;
	/* glibc never saves pkru. */
	new->x86_entry[0]->xfeatures_mask = 0x205;
	accept_check(&backend_x86_64, old, new, CPU_CAP_FPU, 0, "");
	new->x86_entry[0]->xfeatures_mask = 0x2e5;
	old->x86_entry[0]->capability[CPU_D_1_EAX] = 3;
	accept_check(&backend_x86_64, old, new, CPU_CAP_FPU, 0, "");
	/* Before xsave there was fxsave, which never grows. */
	old->x86_entry[0]->capability[CPU_D_1_EAX] = 0;
	old->x86_entry[0]->xfeatures_mask = 0;
	accept_check(&backend_x86_64, old, new, CPU_CAP_FPU, 0, "");
	arena_free(arena);
}

TEST(code_of_x86_minds_only_what_it_can_have_chosen_by)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = x86_new(arena), *here = x86_new(arena);
	CpuinfoX86Entry *x86 = here->x86_entry[0];

	/* Hidden by hypervisors: monitor, hle, erms, mpx. */
	image->x86_entry[0]->capability[CPU_1_ECX] |= 1 << 3;
	image->x86_entry[0]->capability[CPU_7_0_EBX] |= 1 << 4 | 1 << 14;
	x86->capability[CPU_7_0_EBX] &= ~(uint32_t)(1 << 9);
	accept_check(&backend_x86_64, image, here, CPU_CAP_CODE, 0, "");
	accept_check(&backend_x86_64, image, here, CPU_CAP_INS, -ENOTSUP,
		"the CPU (AMD EPYC) lacks monitor, hle, erms, mpx; the image "
		"was made on one with them (AMD EPYC)");
	/* Protection keys in use are seen in registers. */
	x86->xfeatures_mask = 0xe7;
	accept_check(&backend_x86_64, image, here, CPU_CAP_CODE, 0, "");
	/* Transactions that always abort are as good. */
	image->x86_entry[0]->capability[CPU_7_0_EBX] |= 1 << 11;
	accept_check(&backend_x86_64, image, here, CPU_CAP_CODE, -ENOTSUP,
		"the CPU (AMD EPYC) lacks rtm; the image was made on one with "
		"them (AMD EPYC)");
	x86->capability[CPU_7_0_EDX] |= 1 << 11;
	accept_check(&backend_x86_64, image, here, CPU_CAP_CODE, 0, "");
	x86->capability[CPU_1_ECX] &= ~(UINT32_C(1) << 23);
	accept_check(&backend_x86_64, image, here, CPU_CAP_CODE, -ENOTSUP,
		"the CPU (AMD EPYC) lacks popcnt; the image was made on one "
		"with them (AMD EPYC)");
	arena_free(arena);
}

TEST(words_that_only_one_of_two_images_has_do_not_count)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *plain = x86_new(arena), *whole = x86_new(arena);
	CpuinfoEntry *less = x86_new(arena);
	uint32_t more[] = {1 << 4 | 1 << 5, 1 << 19, 77}, fewer[] = {1 << 4, 0};

	whole->n_more = 3; /* one that is not known yet */
	whole->more = more;
	less->n_more = 2;
	less->more = fewer;
	accept_check(&backend_x86_64, whole, plain, CPU_CAP_ALL | CPU_CAP_CODE,
		0, "");
	accept_check(&backend_x86_64, plain, whole, CPU_CAP_ALL | CPU_CAP_CODE,
		0, "");
	accept_check(&backend_x86_64, whole, less, CPU_CAP_CODE, -ENOTSUP,
		"the CPU (AMD EPYC) lacks avx512_bf16, avx10; the image was "
		"made on one with them (AMD EPYC)");
	accept_check(&backend_x86_64, less, whole, CPU_CAP_CODE, 0, "");
	arena_free(arena);
}

TEST(x86_images_of_version_1_are_read)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = x86_new(arena), *here = x86_new(arena);
	CpuinfoX86Entry *x86 = image->x86_entry[0];

	x86->capability_ver = 1;
	accept_check(&backend_x86_64, image, here, CPU_CAP_ALL, -EINVAL,
		"the cpuinfo image has 19 capability words, not 12");
	x86->n_capability = 12;
	here->x86_entry[0]->capability[CPU_7_0_EDX] = 0xffffffff;
	accept_check(&backend_x86_64, image, here, CPU_CAP_ALL, 0, "");
	arena_free(arena);
}

TEST(damaged_x86_images_are_refused)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = x86_new(arena), *here = x86_new(arena);
	CpuinfoX86Entry *x86 = image->x86_entry[0];

	x86->n_capability = 18;
	accept_check(&backend_x86_64, image, here, 0, -EINVAL,
		"the cpuinfo image has 18 capability words, not 19");
	x86->n_capability = 19;
	x86->capability_ver = 3;
	accept_check(&backend_x86_64, image, here, 0, -EINVAL,
		"the cpuinfo image has an unknown version 3");
	x86->vendor_id = CPUINFO_X86_ENTRY__VENDOR__UNKNOWN;
	accept_check(&backend_x86_64, image, here, 0, -EINVAL,
		"the cpuinfo image names an unknown vendor 0");
	image->n_x86_entry = 2;
	accept_check(&backend_x86_64, image, here, 0, -EINVAL,
		"the cpuinfo image describes 2 x86 CPUs, not one");
	arena_free(arena);
}

TEST(cpus_of_different_machines_do_not_go_together)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *entries[3] = {x86_new(arena), aarch64_new(arena),
		ppc64le_new(arena, 0xdc0065c2, 0xbef00000)};
	CpuinfoEntry *empty = arena_new1(arena, CpuinfoEntry);
	struct err err = {0};

	cpuinfo_entry__init(empty);
	CHECK(backend_by_cpuinfo(empty) == NULL);
	for (unsigned int i = 0; i < 3; i++) {
		const struct backend *be = backends[i];

		CHECK(backend_by_cpuinfo(entries[i]) == be);
		CHECK_INT(be->cpu_accept(
				  entries[i], entries[i], CPU_CAP_ALL, &err),
			0);
		CHECK_INT(be->cpu_accept(
				  entries[(i + 1) % 3], entries[i], 0, &err),
			-EINVAL);
		CHECK_INT(be->cpu_accept(empty, entries[i], 0, &err), -EINVAL);
		CHECK(strstr(err.text, be->name) != NULL);
	}
	arena_free(arena);
}

TEST(aarch64_features_lengths_and_pages_are_compared)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = aarch64_new(arena), *here = aarch64_new(arena);
	StasisCpuinfoAarch64 *cpu = here->aarch64_entry[0];
	const struct backend *be = &backend_aarch64;

	cpu->n_sve_vl = 1;
	accept_check(be, image, here, CPU_CAP_FPU, -ENOTSUP,
		"the CPU lacks sve vectors of 32 bytes, which the image's host "
		"has");
	accept_check(be, image, here, CPU_CAP_INS, 0, "");
	accept_check(be, here, image, CPU_CAP_FPU, 0, "");
	accept_check(be, here, image, CPU_CAP_CPU, -ENOTSUP,
		"the CPU lacks sve vectors of 32 bytes, which the image's host "
		"has");
	cpu->hwcap = 0x119fff;
	cpu->hwcap2 = 0x3ffff;
	cpu->model = arena_strdup(arena, "cortex-a76");
	accept_check(be, image, here, CPU_CAP_INS, -ENOTSUP,
		"the CPU (cortex-a76) lacks jscvt, fcma, sha3, sm3, sm4, "
		"sha512, sve, asimdfhm, dit, ilrcpc, flagm, sb, paca, "
		"pacg; the image was made on one with them (aarch64)");
	cpu->page_size = 65536;
	accept_check(be, image, here, 0, -ENOTSUP,
		"pages have 65536 bytes, but 4096 on the image's host");
	image->n_aarch64_entry = 2;
	accept_check(be, image, here, 0, -EINVAL,
		"the cpuinfo image describes 2 aarch64 CPUs, not one");
	arena_free(arena);
}

/* memset is chosen by the one, and what makes code known by the other. */
TEST(caches_that_aarch64_programs_remember_are_compared)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *image = aarch64_new(arena), *here = aarch64_new(arena);
	StasisCpuinfoAarch64 *from = image->aarch64_entry[0];
	StasisCpuinfoAarch64 *to = here->aarch64_entry[0];
	const struct backend *be = &backend_aarch64;

	from->dczid = 4;
	from->has_dczid = 1;
	from->ctr = 0xb444c004;
	from->has_ctr = 1;
	accept_check(be, image, here, CPU_CAP_CODE, 0, "");
	*to = *from;
	accept_check(be, image, here, CPU_CAP_CODE | CPU_CAP_ALL, 0, "");
	to->dczid = 6;
	accept_check(be, image, here, CPU_CAP_CODE, -ENOTSUP,
		"dc zva clears 256 bytes, but 64 on the image's host");
	to->dczid = 20;
	accept_check(be, image, here, CPU_CAP_CODE, -ENOTSUP,
		"the CPU lacks dc zva, which the image's host has");
	accept_check(be, here, image, CPU_CAP_CODE, 0, "");
	to->dczid = 4;
	to->ctr = 0x8444c004;
	accept_check(be, image, here, CPU_CAP_CODE, -ENOTSUP,
		"the CPU's caches have to be told of new code (CTR "
		"0x8444c004), "
		"which the image's host did by itself (0xb444c004)");
	accept_check(be, here, image, CPU_CAP_CODE, 0, "");
	to->ctr = 0xb443c004;
	accept_check(be, image, here, CPU_CAP_CODE, -ENOTSUP,
		"lines of the data cache have 32 bytes, but 64 on the image's "
		"host");
	accept_check(be, here, image, CPU_CAP_CODE, 0, "");
	accept_check(be, image, here, CPU_CAP_FPU, 0, "");
	arena_free(arena);
}

TEST(power_generations_go_up_but_not_down)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *p8 = ppc64le_new(arena, 0xdc0065c2, 0xbe000000);
	CpuinfoEntry *p9 = ppc64le_new(arena, 0xdc0065c2, 0xbef00000);
	CpuinfoEntry *p10 = ppc64le_new(arena, 0xdc0065c2, 0xbef60000);
	const struct backend *be = &backend_ppc64le;

	accept_check(be, p8, p9, CPU_CAP_DEFAULT, 0, "");
	accept_check(be, p9, p10, CPU_CAP_DEFAULT, 0, "");
	accept_check(be, p9, p8, CPU_CAP_DEFAULT, -ENOTSUP,
		"the CPU (POWER8) lacks scv, darn, ieee128, arch_3_00; the "
		"image was made on one with them (POWER9)");
	accept_check(be, p10, p9, CPU_CAP_INS, -ENOTSUP,
		"the CPU (POWER9) lacks mma, arch_3_1; the image was made on "
		"one with them (POWER10 or later)");
	accept_check(be, p9, p8, 0, 0, "");
	accept_check(be, p9, p8, CPU_CAP_CODE, -ENOTSUP,
		"the CPU (POWER8) lacks scv, darn, ieee128, arch_3_00; the "
		"image was made on one with them (POWER9)");
	/* Event-based branches need an event, which no image has. */
	p8->ppc64_entry[0]->hwcap[1] &= ~(UINT64_C(1) << 28);
	p8->ppc64_entry[0]->hwcap[1] |=
		p9->ppc64_entry[0]->hwcap[1] & ~(UINT64_C(1) << 28);
	accept_check(be, p9, p8, CPU_CAP_CODE, 0, "");
	accept_check(be, p9, p8, CPU_CAP_INS, -ENOTSUP,
		"the CPU (POWER9) lacks ebb; the image was made on one with "
		"them (POWER9)");
	arena_free(arena);
}

TEST(damaged_ppc64le_images_are_refused)
{
	struct arena *arena = arena_new();
	CpuinfoEntry *here = ppc64le_new(arena, 0xdc0065c2, 0xbef00000);
	CpuinfoEntry *image = ppc64le_new(arena, 0xdc006542, 0xbef00000);
	CpuinfoPpc64Entry *cpu = image->ppc64_entry[0];
	const struct backend *be = &backend_ppc64le;

	accept_check(be, image, here, 0, -EINVAL,
		"the cpuinfo image lacks vsx, which every ppc64le has");
	cpu->hwcap[0] = 0xdc0065c2;
	cpu->endian = CPUINFO_PPC64_ENTRY__ENDIANNESS__BIGENDIAN;
	accept_check(be, image, here, 0, -ENOTSUP,
		"the image was made on a machine of the other byte order");
	cpu->n_hwcap = 1;
	accept_check(be, image, here, 0, -EINVAL,
		"the cpuinfo image has 1 hwcap words, not 2");
	arena_free(arena);
}
