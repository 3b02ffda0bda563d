/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options/options.h"
#include "x86_64/x86_64.h"

enum { CAPABILITY_VERSION = 2 };

bool x86_64_cpu_claims(const CpuinfoEntry *entry)
{
	return entry->n_x86_entry > 0;
}

static int vendor_of(
	const char *name, CpuinfoX86Entry__Vendor *ret, struct err *err)
{
	if (!strcmp(name, "GenuineIntel")) {
		*ret = CPUINFO_X86_ENTRY__VENDOR__INTEL;
		return 0;
	}
	if (!strcmp(name, "AuthenticAMD") || !strcmp(name, "HygonGenuine")) {
		*ret = CPUINFO_X86_ENTRY__VENDOR__AMD;
		return 0;
	}
	return err_set(err, ENOTSUP,
		"the CPU's vendor '%s' is none that a cpuinfo image can name",
		name);
}

int x86_64_cpu_describe(
	struct arena *arena, CpuinfoEntry **ret, struct err *err)
{
	CpuinfoEntry *entry = arena_new1(arena, CpuinfoEntry);
	CpuinfoX86Entry *x86 = arena_new1(arena, CpuinfoX86Entry);
	struct x86_64_cpu cpu;
	int error = x86_64_cpuid_read(&cpu, err);

	if (error < 0)
		return error;
	cpuinfo_entry__init(entry);
	cpuinfo_x86_entry__init(x86);
	error = vendor_of(cpu.vendor, &x86->vendor_id, err);
	if (error < 0)
		return error;
	x86->cpu_family = cpu.family;
	x86->model = cpu.model;
	x86->stepping = cpu.stepping;
	x86->capability_ver = CAPABILITY_VERSION;
	x86->n_capability = X86_64_CPU_WORDS_V2;
	x86->capability = arena_copy(
		arena, cpu.words, X86_64_CPU_WORDS_V2 * sizeof(cpu.words[0]));
	x86->model_id =
		cpu.model_id[0] ? arena_strdup(arena, cpu.model_id) : NULL;
	x86->has_xfeatures_mask = 1;
	x86->xfeatures_mask = cpu.xfeatures;
	x86->has_xsave_size = 1;
	x86->xsave_size = cpu.xsave_size;
	x86->has_xsave_size_max = 1;
	x86->xsave_size_max = cpu.xsave_size_max;
	entry->n_x86_entry = 1;
	entry->x86_entry = arena_copy(arena, &x86, sizeof(x86));
	entry->n_more = X86_64_CPU_WORDS - X86_64_CPU_WORDS_V2;
	entry->more = arena_copy(arena, cpu.words + X86_64_CPU_WORDS_V2,
		entry->n_more * sizeof(cpu.words[0]));
	*ret = entry;
	return 0;
}

static int entry_check(const CpuinfoEntry *entry, struct err *err)
{
	const CpuinfoX86Entry *x86;
	size_t words;

	if (entry->n_x86_entry != 1)
		return err_set(err, EINVAL,
			"the cpuinfo image describes %zu x86 CPUs, not one",
			entry->n_x86_entry);
	x86 = entry->x86_entry[0];
	if (x86->vendor_id != CPUINFO_X86_ENTRY__VENDOR__INTEL &&
		x86->vendor_id != CPUINFO_X86_ENTRY__VENDOR__AMD)
		return err_set(err, EINVAL,
			"the cpuinfo image names an unknown vendor %d",
			x86->vendor_id);
	if (x86->capability_ver != 1 && x86->capability_ver != 2)
		return err_set(err, EINVAL,
			"the cpuinfo image has an unknown version %" PRIu32,
			x86->capability_ver);
	words = x86->capability_ver == 1 ? X86_64_CPU_WORDS_V1
					 : X86_64_CPU_WORDS_V2;
	if (x86->n_capability != words)
		return err_set(err, EINVAL,
			"the cpuinfo image has %zu capability words, not %zu",
			x86->n_capability, words);
	return 0;
}

static const char *x86_64_cpu_name(const CpuinfoX86Entry *x86)
{
	if (x86->model_id && x86->model_id[0])
		return x86->model_id;
	return x86->vendor_id == CPUINFO_X86_ENTRY__VENDOR__INTEL ? "Intel"
								  : "AMD";
}

const char *x86_64_cpu_model(const CpuinfoEntry *entry)
{
	return entry->n_x86_entry ? x86_64_cpu_name(entry->x86_entry[0])
				  : "x86_64";
}

/* How many words an image tells; of more than are known here the first. */
static unsigned int words_told(const CpuinfoEntry *entry)
{
	size_t n = entry->x86_entry[0]->n_capability;

	if (n == X86_64_CPU_WORDS_V2)
		n += entry->n_more;
	return n < X86_64_CPU_WORDS ? (unsigned int)n : X86_64_CPU_WORDS;
}

static int bits_load(
	const CpuinfoEntry *entry, struct cpu_bits *ret, struct err *err)
{
	const CpuinfoX86Entry *x86;
	int error = entry_check(entry, err);

	if (error < 0)
		return error;
	x86 = entry->x86_entry[0];
	*ret = (struct cpu_bits){
		.words = x86_64_cpu_words, .model = x86_64_cpu_model(entry)};
	for (unsigned int i = 0; i < words_told(entry); i++)
		ret->bits[i] = i < x86->n_capability
				       ? x86->capability[i]
				       : entry->more[i - x86->n_capability];
	return 0;
}

/* What one of two does not tell is taken from the other. */
static int bits_load_both(const CpuinfoEntry *image, const CpuinfoEntry *here,
	struct cpu_bits *ret_image, struct cpu_bits *ret_here, struct err *err)
{
	int error = bits_load(here, ret_here, err);

	if (!error)
		error = bits_load(image, ret_image, err);
	for (unsigned int i = 0; i < X86_64_CPU_WORDS && !error; i++) {
		if (i >= words_told(image))
			ret_image->bits[i] = ret_here->bits[i];
		else if (i >= words_told(here))
			ret_here->bits[i] = ret_image->bits[i];
	}
	return error;
}

static void parts_name(uint64_t parts, char *names, size_t size)
{
	size_t used = 0;

	names[0] = '\0';
	for (; parts && used < size; parts &= parts - 1)
		used += (size_t)snprintf(names + used, size - used, "%s%s",
			used ? ", " : "",
			xsave_part_name((unsigned int)__builtin_ctzll(parts)));
}

/* Components of the extended state, by name. The two that cpuid.c leaves out
 * may be set by engines that do not. */
static int xfeatures_accept(const CpuinfoX86Entry *image,
	const CpuinfoX86Entry *here, struct err *err)
{
	const uint64_t implied = 1 << 1 | 1 << 3;
	uint64_t lacking;
	char names[400];

	if (!image->has_xfeatures_mask || !here->has_xfeatures_mask)
		return 0;
	lacking = image->xfeatures_mask & ~here->xfeatures_mask & ~implied;
	if (!lacking)
		return 0;
	parts_name(lacking, names, sizeof(names));
	return err_set(err, ENOTSUP,
		"the CPU (%s) lacks the extended state of %s, which the "
		"image's host (%s) has",
		x86_64_cpu_name(here), names, x86_64_cpu_name(image));
}

/* Where the last component that glibc saves ends, at most: AMD's are lower. */
static uint32_t saved_end(const CpuinfoX86Entry *x86)
{
	static const uint16_t ends[] = {
		[2] = 832, 1024, 1088, 1152, 1664, 2688};
	uint32_t end = 0;

	for (unsigned int bit = 2; bit < sizeof(ends) / sizeof(ends[0]); bit++)
		if (x86->xfeatures_mask >> bit & 1)
			end = ends[bit];
	if (x86->has_xsave_size && x86->xsave_size < end)
		end = x86->xsave_size;
	return end;
}

/*
 * The dynamic loader saves registers to areas whose size it took from cpuid
 * at its start. Where it found xsavec, a new CPU's components stay out of
 * them as long as nobody uses those. With plain xsave the CPU writes every
 * component that it has and that glibc's constant mask lets pass (2 to 7),
 * used or not, and so beyond the end of the area.
 */
static int xsave_areas_accept(const struct cpu_bits *image_bits,
	const CpuinfoX86Entry *image, const CpuinfoX86Entry *here,
	struct err *err)
{
	const uint64_t saved = 0xfc;
	uint64_t more = here->xfeatures_mask & ~image->xfeatures_mask & saved;
	uint32_t room = image->has_xsave_size ? image->xsave_size : 0;
	char names[400];

	if (!image->has_xfeatures_mask || !image->xfeatures_mask ||
		!here->has_xfeatures_mask || !more ||
		image_bits->bits[CPU_D_1_EAX] & 1 << 1 ||
		saved_end(here) <= room)
		return 0;
	parts_name(more, names, sizeof(names));
	return err_set(err, ENOTSUP,
		"programs of a CPU without xsavec (%s) keep areas that are too "
		"small for what xsave writes on this one (%s), which has %s",
		x86_64_cpu_name(image), x86_64_cpu_name(here), names);
}

/*
 * What code can have been chosen by. Where transactions are switched off for
 * good (after TAA and its kin), xbegin goes straight to its way out: code that
 * was chosen by rtm goes on.
 */
static int code_accept(const struct cpu_bits *image,
	const struct cpu_bits *here, const CpuinfoX86Entry *image_x86,
	const CpuinfoX86Entry *here_x86, struct err *err)
{
	const uint64_t rtm = 1 << 11, rtm_always_abort = 1 << 11;
	struct cpu_bits able = *here;
	int error;

	if (able.bits[CPU_7_0_EDX] & rtm_always_abort)
		able.bits[CPU_7_0_EBX] |= rtm;
	error = cpu_bits_require_code(image, &able, err);
	return error ?: xsave_areas_accept(image, image_x86, here_x86, err);
}

static int fpu_accept(const struct cpu_bits *image, const struct cpu_bits *here,
	const CpuinfoX86Entry *image_x86, const CpuinfoX86Entry *here_x86,
	struct err *err)
{
	static const uint64_t masks[CPU_WORDS_MAX] = {
		[CPU_1_EDX] = 1 << 0 | 1 << 24, /* fpu, fxsr */
		[CPU_1_ECX] = 1 << 27,		/* osxsave */
		[CPU_D_1_EAX] = 1 << 3,		/* xsaves */
	};
	int error = cpu_bits_require(image, here, masks, err);

	if (error < 0)
		return error;
	error = xfeatures_accept(image_x86, here_x86, err);
	return error ?: xsave_areas_accept(image, image_x86, here_x86, err);
}

/*
 * Sizes of the XSAVE area as such matter only here: registers are placed
 * component by component, wherever this host has them. A program that took
 * the size from cpuid for areas of its own is what the strict level is for.
 */
static int sizes_match(const CpuinfoX86Entry *image,
	const CpuinfoX86Entry *here, struct err *err)
{
	if (image->has_xsave_size && here->has_xsave_size &&
		image->xsave_size != here->xsave_size)
		return err_set(err, ENOTSUP,
			"the XSAVE area takes %" PRIu32 " bytes, but %" PRIu32
			" on the image's host",
			here->xsave_size, image->xsave_size);
	if (image->has_xsave_size_max && here->has_xsave_size_max &&
		image->xsave_size_max != here->xsave_size_max)
		return err_set(err, ENOTSUP,
			"the largest XSAVE area takes %" PRIu32
			" bytes, but %" PRIu32 " on the image's host",
			here->xsave_size_max, image->xsave_size_max);
	return 0;
}

int x86_64_cpu_accept(const CpuinfoEntry *image, const CpuinfoEntry *here,
	uint32_t cap, struct err *err)
{
	const CpuinfoX86Entry *from, *to;
	struct cpu_bits from_bits, to_bits;
	int error;

	if (!image->n_x86_entry || !here->n_x86_entry)
		return err_set(err, EINVAL,
			"the cpuinfo image is of another machine, not of "
			"x86_64");
	error = bits_load_both(image, here, &from_bits, &to_bits, err);
	from = image->x86_entry[0];
	to = here->x86_entry[0];
	if (!error && (cap & CPU_CAP_CODE))
		error = code_accept(&from_bits, &to_bits, from, to, err);
	if (!error && (cap & CPU_CAP_INS))
		error = cpu_bits_require(&from_bits, &to_bits, NULL, err);
	if (!error && (cap & CPU_CAP_FPU))
		error = fpu_accept(&from_bits, &to_bits, from, to, err);
	if (!error && (cap & CPU_CAP_CPU))
		error = cpu_bits_match(&from_bits, &to_bits, err);
	if (!error && (cap & CPU_CAP_CPU))
		error = sizes_match(from, to, err);
	return error;
}

int x86_64_cpu_features(struct arena *arena, const CpuinfoEntry *entry,
	const char *const **ret, struct err *err)
{
	struct cpu_bits bits;
	int error = bits_load(entry, &bits, err);

	if (error < 0)
		return error;
	*ret = cpu_bits_names(arena, &bits);
	return 0;
}
