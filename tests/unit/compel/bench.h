/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench: a folder in which the compilers of the machines make objects, and the
 * compel tool is run on them.
 */
#ifndef STASIS_TEST_BENCH_H
#define STASIS_TEST_BENCH_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compel/host/command.h"
#include "test.h"

struct bench_machine {
	const char *name, *prefix;
};

enum { BENCH_X86_64, BENCH_AARCH64, BENCH_PPC64LE, BENCH_MACHINES };

static const struct bench_machine bench_machines[BENCH_MACHINES] = {
	{"x86_64", "x86_64-linux-gnu-"},
	{"aarch64", "aarch64-linux-gnu-"},
	{"ppc64le", "powerpc64le-linux-gnu-"},
};

#if defined(__aarch64__)
static const struct bench_machine *const bench_here = &bench_machines[1];
#elif defined(__powerpc64__)
static const struct bench_machine *const bench_here = &bench_machines[2];
#else
static const struct bench_machine *const bench_here = &bench_machines[0];
#endif

static const char *bench_prefix(const struct bench_machine *machine)
{
	return machine == bench_here ? "" : machine->prefix;
}

#define BENCH_FLAGS                                             \
	"-O2 -ffreestanding -fno-builtin -fno-stack-protector " \
	"-fPIC -fvisibility=hidden -ffunction-sections "        \
	"-fno-asynchronous-unwind-tables -fno-optimize-sibling-calls"

/* A directory of its own, and what the last command said. */
struct bench {
	char dir[64];
	char out[65536];
	char complaint[4096];
	int status;
};

static struct bench *bench_new(void)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	strcpy(bench->dir, "/tmp/compel-test-XXXXXX");
	if (!mkdtemp(bench->dir))
		abort();
	return bench;
}

static void bench_freep(struct bench **bench)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", (*bench)->dir);
	CHECK_INT(system(command), 0);
	free(*bench);
}
#define _cleanup_bench_ __attribute__((cleanup(bench_freep)))

static bool bench_has(const struct bench_machine *machine)
{
	char command[128];

	snprintf(command, sizeof(command),
		"command -v %sgcc >/dev/null && command -v %sld >/dev/null",
		bench_prefix(machine), bench_prefix(machine));
	return !system(command);
}

/* The machine behind this one (NULL: the first) that has a compiler. */
static const struct bench_machine *bench_next(
	const struct bench_machine *machine)
{
	const struct bench_machine *end = bench_machines + BENCH_MACHINES;

	for (machine = machine ? machine + 1 : bench_machines; machine < end;
		machine++)
		if (bench_has(machine))
			return machine;
	return NULL;
}

static inline bool bench_has_here(void)
{
	bool has = bench_has(bench_here);

	if (!has)
		test_skip("no gcc here to make objects with");
	return has;
}

static void bench_path(
	const struct bench *bench, const char *name, char ret[128])
{
	snprintf(ret, 128, "%s/%s", bench->dir, name);
}

static void bench_write(
	const struct bench *bench, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	bench_path(bench, name, path);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

/* A command line of the compiler or linker, run in the directory. */
static bool bench_run(const struct bench *bench,
	const struct bench_machine *machine, const char *rest)
{
	char command[1024];

	snprintf(command, sizeof(command), "cd %s && %s%s", bench->dir,
		bench_prefix(machine), rest);
	return CHECK_INT(system(command), 0);
}

static bool bench_compile(const struct bench *bench,
	const struct bench_machine *machine, const char *source)
{
	bench_write(bench, "in.c", source);
	return bench_run(
		bench, machine, "gcc " BENCH_FLAGS " -c in.c -o in.elf");
}

/* compel WORDS, in the directory; words are split at spaces. */
static int bench_compel(struct bench *bench, const char *words)
{
	char line[512], *argv[16] = {(char[]){"compel"}}, *save = NULL;
	FILE *out = fmemopen(bench->out, sizeof(bench->out), "w");
	FILE *complaints =
		fmemopen(bench->complaint, sizeof(bench->complaint), "w");
	int argc = 1, back = open(".", O_RDONLY | O_CLOEXEC);

	*bench->out = *bench->complaint = 0;
	snprintf(line, sizeof(line), "%s", words);
	for (char *word = strtok_r(line, " ", &save); word;
		word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	CHECK_INT(chdir(bench->dir), 0);
	bench->status = command_run(argc, argv, out, complaints);
	CHECK_INT(fchdir(back), 0);
	close(back);
	fclose(out);
	fclose(complaints);
	return bench->status;
}

/* Refused with exactly one sentence, in which all three words stand. */
static void bench_check_refused(struct bench *bench, const char *words,
	const char *a, const char *b, const char *c)
{
	const char *newline;

	CHECK_INT(bench_compel(bench, words), 1);
	CHECK_STR(bench->out, "");
	newline = strchr(bench->complaint, '\n');
	if (!CHECK(newline && strstr(bench->complaint, a) &&
		    strstr(bench->complaint, b) && strstr(bench->complaint, c)))
		printf("# %s\n# wanted: %s, %s, %s\n", bench->complaint, a, b,
			c);
}

#endif
