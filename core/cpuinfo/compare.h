/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compare: which host's processes can run on which other host, for any
 * number of cpuinfo images, of any machine, on any machine.
 *
 * The baseline of a machine is what all its hosts have in common: what
 * programs may use that are to run on each of them.
 */
#ifndef STASIS_CPUINFO_COMPARE_H
#define STASIS_CPUINFO_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

#include "backend.h"

struct cpu_host {
	const char *name; /* the path as given */
	const CpuinfoEntry *entry;
	const struct backend *be;
	const char *const *features; /* ended by NULL */
};

/* May the processes of one host go on at another? */
struct cpu_verdict {
	bool can;
	const char *reason;	  /* a sentence; NULL: it can */
	const char *const *lacks; /* features, ended by NULL */
};

struct cpu_comparison {
	uint32_t cap; /* what was looked at: CPU_CAP_* */
	struct cpu_host *hosts;
	size_t n;
	struct cpu_verdict *verdicts; /* [from * n + to] */
	bool all_can;
};

/* paths: files, or directories with a cpuinfo.img or a dump. A single one is
 * compared with this host. */
int compare_hosts(struct arena *arena, const char *const *paths, size_t n,
	uint32_t cap, struct cpu_comparison *ret, struct err *err);
/* What all hosts of that machine have; NULL-ended. */
const char *const *compare_baseline(struct arena *arena,
	const struct cpu_comparison *comparison, const struct backend *be);

void compare_print_text(struct arena *arena,
	const struct cpu_comparison *comparison, FILE *out);
void compare_print_json(struct arena *arena,
	const struct cpu_comparison *comparison, FILE *out);

#endif
