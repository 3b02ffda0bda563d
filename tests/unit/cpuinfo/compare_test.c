/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts of all machines, made up, written to files, read and compared. */
#include "cpuinfo/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "cpuinfo/cpuinfo.h"
#include "options/options.h"
#include "test.h"

/* A directory with files that the test names, and nothing left at the end. */
struct lab {
	struct arena *arena;
	char dir[32];
	int fd;
};

static void lab_open(struct lab *lab)
{
	*lab = (struct lab){.arena = arena_new(), .dir = "/tmp/cpuinfo-XXXXXX"};
	if (!mkdtemp(lab->dir))
		abort();
	lab->fd = open(lab->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void lab_close(struct lab *lab)
{
	static const char *const names[] = {"cpuinfo.img", "stasis.img",
		"nehalem", "haswell", "skylake", "a57", "n1", "power8",
		"power9", "power10", "bad", NULL};

	for (size_t i = 0; names[i]; i++)
		unlinkat(lab->fd, names[i], 0);
	close(lab->fd);
	rmdir(lab->dir);
	arena_free(lab->arena);
}

/* Written as cpuinfo.img, then called as the test likes. */
static const char *lab_put(
	struct lab *lab, const char *name, const CpuinfoEntry *entry)
{
	struct err err = {0};

	CHECK_INT(image_write_alone(
			  lab->fd, IMAGE_CPUINFO, 0, &entry->base, &err),
		0);
	CHECK_STR(err.text, "");
	CHECK_INT(renameat(lab->fd, "cpuinfo.img", lab->fd, name), 0);
	return arena_printf(lab->arena, "%s/%s", lab->dir, name);
}

enum { WORDS = 19, WORD_1_EDX = 0, WORD_1_ECX = 4, WORD_7_EBX = 9 };

static const char *x86_put(struct lab *lab, const char *name, uint32_t ecx,
	uint32_t ebx, uint64_t xfeatures)
{
	CpuinfoEntry entry = CPUINFO_ENTRY__INIT;
	CpuinfoX86Entry x86 = CPUINFO_X86_ENTRY__INIT;
	CpuinfoX86Entry *list[] = {&x86};
	uint32_t words[WORDS] = {[WORD_1_EDX] = 0x178bfbff,
		[WORD_1_ECX] = ecx,
		[WORD_7_EBX] = ebx};

	x86.vendor_id = CPUINFO_X86_ENTRY__VENDOR__INTEL;
	x86.capability_ver = 2;
	x86.n_capability = WORDS;
	x86.capability = words;
	x86.model_id = arena_strdup(lab->arena, name);
	x86.has_xfeatures_mask = 1;
	x86.xfeatures_mask = xfeatures;
	entry.n_x86_entry = 1;
	entry.x86_entry = list;
	return lab_put(lab, name, &entry);
}

static const char *nehalem_put(struct lab *lab)
{
	return x86_put(lab, "nehalem", 0x00982201, 0, 0);
}

static const char *haswell_put(struct lab *lab)
{
	return x86_put(lab, "haswell", 0x7fd8320b, 0x000007a9, 5);
}

static const char *skylake_put(struct lab *lab)
{
	return x86_put(lab, "skylake", 0x7fd8320b, 0xd18f07a9, 0x2e5);
}

static const char *arm_put(struct lab *lab, const char *name, uint64_t hwcap,
	uint32_t page_size, size_t lengths)
{
	CpuinfoEntry entry = CPUINFO_ENTRY__INIT;
	StasisCpuinfoAarch64 cpu = STASIS_CPUINFO_AARCH64__INIT;
	StasisCpuinfoAarch64 *list[] = {&cpu};
	uint32_t vl[] = {16, 32, 64};

	cpu.hwcap = hwcap;
	cpu.page_size = page_size;
	cpu.n_sve_vl = lengths;
	cpu.sve_vl = vl;
	entry.n_aarch64_entry = 1;
	entry.aarch64_entry = list;
	return lab_put(lab, name, &entry);
}

static const char *power_put(struct lab *lab, const char *name, uint64_t hwcap2)
{
	CpuinfoEntry entry = CPUINFO_ENTRY__INIT;
	CpuinfoPpc64Entry cpu = CPUINFO_PPC64_ENTRY__INIT;
	CpuinfoPpc64Entry *list[] = {&cpu};
	uint64_t words[] = {0xdc0065c2, hwcap2};

	cpu.endian = CPUINFO_PPC64_ENTRY__ENDIANNESS__LITTLEENDIAN;
	cpu.n_hwcap = 2;
	cpu.hwcap = words;
	entry.n_ppc64_entry = 1;
	entry.ppc64_entry = list;
	return lab_put(lab, name, &entry);
}

static struct cpu_comparison lab_compare(
	struct lab *lab, const char *const *paths, size_t n, uint32_t cap)
{
	struct cpu_comparison comparison = {0};
	struct err err = {0};

	CHECK_INT(
		compare_hosts(lab->arena, paths, n, cap, &comparison, &err), 0);
	CHECK_STR(err.text, "");
	return comparison;
}

/* Row by row: y can, n cannot. */
static void matrix_check(const struct cpu_comparison *c, const char *want)
{
	char got[65] = "";

	for (size_t i = 0; i < c->n * c->n && i < 64; i++)
		got[i] = c->verdicts[i].can ? 'y' : 'n';
	CHECK_STR(got, want);
}

TEST(x86_hosts_of_three_ages_do_not_go_downwards)
{
	struct lab lab;
	struct cpu_comparison c;
	const char *paths[3];

	lab_open(&lab);
	paths[0] = nehalem_put(&lab);
	paths[1] = haswell_put(&lab);
	paths[2] = skylake_put(&lab);
	c = lab_compare(&lab, paths, 3, CPU_CAP_DEFAULT);
	matrix_check(&c, "yyynynnny");
	CHECK(!c.all_can);
	CHECK_STR(c.verdicts[2 * 3 + 1].reason,
		"the CPU (haswell) lacks avx512f, avx512dq, rdseed, adx, "
		"clflushopt, clwb, avx512cd, avx512bw, avx512vl; the image was "
		"made "
		"on one with them (skylake)");
	CHECK_STR(c.verdicts[2 * 3 + 1].lacks[0], "avx512f");
	/* Nothing is lacking, but there is too much to save for xsave. */
	CHECK(c.verdicts[1 * 3 + 2].lacks[0] == NULL);
	CHECK(strstr(c.verdicts[1 * 3 + 2].reason, "without xsavec (haswell)"));
	CHECK(c.verdicts[0 * 3 + 2].reason == NULL);
	c = lab_compare(&lab, paths, 3, CPU_CAP_INS);
	matrix_check(&c, "yyynyynny");
	/* Only what registers can hold: for another reason. */
	c = lab_compare(&lab, paths, 3, CPU_CAP_FPU);
	matrix_check(&c, "yyynynnny");
	CHECK(strstr(c.verdicts[2 * 3 + 1].reason, "avx512 mask registers"));
	c = lab_compare(&lab, paths, 3, CPU_CAP_CPU);
	matrix_check(&c, "ynnnynnny");
	lab_close(&lab);
}

TEST(aarch64_hosts_differ_by_features_lengths_and_pages)
{
	struct lab lab;
	struct cpu_comparison c;
	const char *paths[3];

	lab_open(&lab);
	paths[0] = arm_put(&lab, "a57", 0x8ff, 4096, 0);
	paths[1] = arm_put(&lab, "n1", 0x5119fff, 4096, 2);
	paths[2] = arm_put(&lab, "bad", 0x5119fff, 65536, 3);
	c = lab_compare(&lab, paths, 3, CPU_CAP_DEFAULT);
	matrix_check(&c, "yynnynnny");
	CHECK(strstr(c.verdicts[1 * 3 + 0].reason, "lacks atomics, fphp"));
	CHECK(strstr(c.verdicts[1 * 3 + 2].reason, "pages have 65536 bytes"));
	CHECK(!strcmp(c.verdicts[2 * 3 + 1].lacks[0], "sve512"));
	lab_close(&lab);
}

TEST(ppc64le_hosts_go_upwards_only)
{
	struct lab lab;
	struct cpu_comparison c;
	const char *paths[3];

	lab_open(&lab);
	paths[0] = power_put(&lab, "power8", 0xbe000000);
	paths[1] = power_put(&lab, "power9", 0xbef00000);
	paths[2] = power_put(&lab, "power10", 0xbef60000);
	c = lab_compare(&lab, paths, 3, CPU_CAP_DEFAULT);
	matrix_check(&c, "yyynyynny");
	CHECK_STR(c.hosts[1].be->cpu_model(c.hosts[1].entry), "POWER9");
	CHECK(strstr(c.verdicts[2 * 3 + 0].reason, "mma, arch_3_1, scv"));
	lab_close(&lab);
}

TEST(machines_do_not_mix_and_each_has_its_baseline)
{
	struct lab lab;
	struct cpu_comparison c;
	const char *const *names;
	const char *paths[4];
	size_t n = 0;

	lab_open(&lab);
	paths[0] = haswell_put(&lab);
	paths[1] = power_put(&lab, "power8", 0xbe000000);
	paths[2] = nehalem_put(&lab);
	paths[3] = arm_put(&lab, "a57", 0x8ff, 4096, 0);
	c = lab_compare(&lab, paths, 4, CPU_CAP_DEFAULT);
	matrix_check(&c, "ynnnnynnynynnnny");
	CHECK_STR(c.verdicts[0 * 4 + 1].reason, "ppc64le is not x86_64");
	names = compare_baseline(lab.arena, &c, c.hosts[0].be);
	for (; names[n]; n++)
		CHECK(strcmp(names[n], "avx") && strcmp(names[n], "avx2"));
	CHECK(n > 5);
	names = compare_baseline(lab.arena, &c, c.hosts[3].be);
	CHECK_STR(names[0], "fp");
	lab_close(&lab);
}

static char *lab_print(struct lab *lab, const struct cpu_comparison *c,
	void (*print)(struct arena *, const struct cpu_comparison *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(lab->arena, c, out);
	fclose(out);
	return text;
}

TEST(the_matrix_is_shown_to_people_and_to_programs)
{
	struct lab lab;
	struct cpu_comparison c;
	const char *paths[3];
	char *text;

	lab_open(&lab);
	paths[0] = nehalem_put(&lab);
	paths[1] = haswell_put(&lab);
	paths[2] = power_put(&lab, "power8", 0xbe000000);
	c = lab_compare(&lab, paths, 3, CPU_CAP_DEFAULT);
	text = lab_print(&lab, &c, compare_print_text);
	CHECK(strstr(text, "    1    . yes   -\n"
			   "    2   no   .   -\n"
			   "    3    -   -   .\n"));
	CHECK(strstr(text, "  2 on 1\n    the CPU (nehalem) lacks "));
	CHECK(strstr(text, "what all 2 x86_64 hosts have in common\n    fpu "));
	CHECK(strstr(text, "what the 1 ppc64le host has in common\n"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		CHECK(strlen(line) < 80);
	free(text);
	text = lab_print(&lab, &c, compare_print_json);
	CHECK(strstr(text, "\"all_can\": false"));
	CHECK(strstr(text, "\"from\": 0,\n      \"to\": 1,\n      \"can\": "
			   "true,\n      \"reason\": null"));
	free(text);
	lab_close(&lab);
}

TEST(a_single_image_is_compared_with_this_host)
{
	struct lab lab;
	struct cpu_comparison c;
	struct err err = {0};
	const char *path;

	lab_open(&lab);
	CHECK_INT(cpuinfo_write(lab.arena, lab.fd, &err), 0);
	CHECK_STR(err.text, "");
	path = lab.dir;
	c = lab_compare(&lab, &path, 1, CPU_CAP_ALL);
	CHECK_INT(c.n, 2);
	CHECK_STR(c.hosts[1].name, "this host");
	matrix_check(&c, "yyyy");
	CHECK(c.all_can);
	CHECK_INT(
		cpuinfo_check(lab.arena, lab.fd, CPU_CAP_ALL, NULL, NULL, &err),
		0);
	lab_close(&lab);
}

TEST(a_directory_with_a_dump_tells_the_cpu_of_its_host)
{
	struct lab lab;
	struct cpu_comparison c;
	struct image_set *set = NULL;
	struct image_facts facts = {.machine = "x86_64", .no_sync = true};
	struct err err = {0};
	CpuinfoEntry *entry = NULL;
	const char *path;

	lab_open(&lab);
	path = lab.dir;
	CHECK_INT(cpuinfo_describe(lab.arena, &entry, &err), 0);
	facts.cpuinfo = entry;
	CHECK_INT(image_set_create(lab.arena, lab.fd, &set, &err), 0);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
	image_set_close(set);
	CHECK_INT(faccessat(lab.fd, "cpuinfo.img", F_OK, 0), -1);
	c = lab_compare(&lab, &path, 1, CPU_CAP_ALL | CPU_CAP_CODE);
	matrix_check(&c, "yyyy");
	CHECK_INT(c.hosts[0].entry->n_more, entry->n_more);
	/* Strict checks want the file that all engines know. */
	CHECK_INT(
		cpuinfo_check(lab.arena, lab.fd, CPU_CAP_ALL, NULL, NULL, &err),
		-ENOENT);
	CHECK_INT(cpuinfo_write(lab.arena, lab.fd, &err), 0);
	c = lab_compare(&lab, &path, 1, CPU_CAP_ALL);
	CHECK_INT(c.hosts[0].entry->n_more, 0);
	lab_close(&lab);
}

static void bad_check(
	struct lab *lab, const char *path, int code, const char *says)
{
	struct cpu_comparison c;
	struct err err = {0};

	CHECK_INT(compare_hosts(lab->arena, &path, 1, 0, &c, &err), -code);
	if (!CHECK(strstr(err.text, says) != NULL))
		CHECK_STR(err.text, says);
}

TEST(what_is_no_cpuinfo_image_is_refused_by_name)
{
	struct lab lab;
	const char *path;
	struct err err;
	char *bytes;
	size_t size;

	lab_open(&lab);
	bad_check(&lab, "/nowhere", ENOENT, "'/nowhere': opening it");
	bad_check(&lab, lab.dir, ENOENT, "/cpuinfo.img': opening it");
	bad_check(&lab, "/dev/zero", EBADMSG, "it is no cpuinfo.img");
	path = haswell_put(&lab);
	CHECK_INT(io_read_file(lab.arena, lab.fd, "haswell", &bytes, &size), 0);
	for (size_t cut = 0; cut < size; cut++) {
		CHECK_INT(truncate(path, (off_t)(size - cut - 1)), 0);
		CHECK(compare_hosts(lab.arena, &path, 1, 0,
			      &(struct cpu_comparison){0}, &err) < 0);
	}
	CHECK_INT(truncate(path, 0), 0);
	bad_check(&lab, path, EBADMSG, "damaged at byte 0: it is cut off");
	lab_close(&lab);
}

TEST(a_message_that_contradicts_itself_is_refused)
{
	CpuinfoEntry entry = CPUINFO_ENTRY__INIT;
	CpuinfoPpc64Entry cpu = CPUINFO_PPC64_ENTRY__INIT;
	CpuinfoS390Entry other = CPUINFO_S390_ENTRY__INIT;
	CpuinfoPpc64Entry *list[] = {&cpu};
	CpuinfoS390Entry *others[] = {&other};
	uint64_t words[] = {0xdc0065c2, 0xbe000000, 1};
	struct lab lab;

	lab_open(&lab);
	bad_check(&lab, lab_put(&lab, "bad", &entry), ENOTSUP,
		"no CPU of a machine that is known here");
	entry.n_s390_entry = 1;
	entry.s390_entry = others;
	bad_check(&lab, lab_put(&lab, "bad", &entry), ENOTSUP,
		"no CPU of a machine that is known here");
	entry.n_ppc64_entry = 1;
	entry.ppc64_entry = list;
	cpu.n_hwcap = 3;
	cpu.hwcap = words;
	bad_check(&lab, lab_put(&lab, "bad", &entry), EINVAL,
		"the cpuinfo image has 3 hwcap words, not 2");
	lab_close(&lab);
}

TEST(a_model_that_is_no_text_is_shown_as_text)
{
	struct lab lab;
	struct cpu_comparison c;
	const char *path;

	lab_open(&lab);
	path = x86_put(&lab, "bad\x1b[2J\xc1", 0x00982201, 0, 0);
	c = lab_compare(&lab, (const char *const[]){path, path}, 2, 0);
	CHECK_STR(c.hosts[0].be->cpu_model(c.hosts[0].entry), "bad?[2J?");
	unlink(path);
	lab_close(&lab);
}

TEST(an_image_of_another_machine_is_refused_here)
{
	const char *here = backend_host()->name, *other = "ppc64le";
	struct lab lab;
	struct err err = {0};
	char wanted[128];

	lab_open(&lab);
	if (!strcmp(here, other)) {
		other = "aarch64";
		arm_put(&lab, "cpuinfo.img", 0x8ff, 4096, 0);
	} else {
		power_put(&lab, "cpuinfo.img", 0xbe000000);
	}
	CHECK_INT(
		cpuinfo_check(lab.arena, lab.fd, CPU_CAP_ALL, NULL, NULL, &err),
		-ENOTSUP);
	snprintf(wanted, sizeof(wanted),
		"the image was made on %s, this machine is %s", other, here);
	CHECK_STR(err.text, wanted);
	lab_close(&lab);
}
