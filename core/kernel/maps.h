/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * maps: the memory areas of a process, as /proc/PID/smaps lists them.
 *
 * Ascending and without overlap. The parser is pure. Reading goes through a
 * fixed buffer, so that 10,000 areas cost no more memory than their structs.
 */
#ifndef STASIS_KERNEL_MAPS_H
#define STASIS_KERNEL_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kernel/proc.h"

/* The letters of "VmFlags:". */
enum {
	MAP_VM_RD = 1u << 0,  /* readable */
	MAP_VM_WR = 1u << 1,  /* writable */
	MAP_VM_EX = 1u << 2,  /* executable */
	MAP_VM_SH = 1u << 3,  /* shared */
	MAP_VM_MR = 1u << 4,  /* may be made readable */
	MAP_VM_MW = 1u << 5,  /* may be made writable */
	MAP_VM_ME = 1u << 6,  /* may be made executable */
	MAP_VM_MS = 1u << 7,  /* may share */
	MAP_VM_GD = 1u << 8,  /* grows down */
	MAP_VM_PF = 1u << 9,  /* bare page frames */
	MAP_VM_LO = 1u << 10, /* locked */
	MAP_VM_IO = 1u << 11, /* device memory */
	MAP_VM_SR = 1u << 12, /* sequential read advised */
	MAP_VM_RR = 1u << 13, /* random read advised */
	MAP_VM_DC = 1u << 14, /* not copied on fork */
	MAP_VM_DE = 1u << 15, /* not expanded by mremap */
	MAP_VM_AC = 1u << 16, /* accounted */
	MAP_VM_NR = 1u << 17, /* no swap reserved */
	MAP_VM_HT = 1u << 18, /* hugetlb */
	MAP_VM_SF = 1u << 19, /* synchronous faults (DAX) */
	MAP_VM_AR = 1u << 20, /* the machine's own */
	MAP_VM_WF = 1u << 21, /* wiped on fork */
	MAP_VM_DD = 1u << 22, /* not dumped into cores */
	MAP_VM_SD = 1u << 23, /* soft dirty */
	MAP_VM_MM = 1u << 24, /* mixed map */
	MAP_VM_HG = 1u << 25, /* huge pages advised */
	MAP_VM_NH = 1u << 26, /* huge pages refused */
	MAP_VM_MG = 1u << 27, /* mergeable */
	MAP_VM_BT = 1u << 28, /* arm64 BTI */
	MAP_VM_MT = 1u << 29, /* arm64 MTE */
	MAP_VM_UM = 1u << 30, /* userfaultfd: missing */
};
#define MAP_VM_UW (1ull << 31) /* userfaultfd: write protect */
#define MAP_VM_UI (1ull << 32) /* userfaultfd: minor */
#define MAP_VM_SS (1ull << 33) /* shadow stack */
#define MAP_VM_SL (1ull << 34) /* sealed */
#define MAP_VM_DP (1ull << 35) /* droppable */
#define MAP_VM_LF (1ull << 36) /* locked on fault */
#define MAP_VM_GU (1ull << 37) /* may hold guard regions */

struct map {
	uint64_t start, end; /* end is the first byte behind */
	uint64_t offset;     /* bytes into the file; 0 when anonymous */
	uint64_t ino;	     /* 0: anonymous or special */
	uint64_t flags;	     /* MAP_VM_* */
	/* The path without " (deleted)", "[stack]", "[anon:name]", "" ... A
	 * newline is decoded; the kernel does not escape backslashes, so a
	 * file really named "\012" looks like one: compare dev and ino. */
	const char *path;
	uint32_t dev_major, dev_minor;
	uint32_t prot;	  /* PROT_READ | PROT_WRITE | PROT_EXEC */
	int pkey;	  /* protection key; 0 where there are none */
	bool shared;	  /* MAP_SHARED */
	bool deleted;	  /* the path ended in " (deleted)" */
	bool tracked;	  /* watched for writes by us: not told by the kernel */
	uint64_t page_kb; /* KernelPageSize: 4, or of huge pages */
	uint64_t rss_kb, anon_kb, swap_kb, anon_huge_kb, hugetlb_kb;
	uint64_t shared_dirty_kb; /* of a private area: copy-on-write */
};

struct maps {
	struct map *at;
	size_t n, room;
};

/* Text of /proc/PID/smaps, or of /proc/PID/maps (then all but the first
 * line of each area stays 0). Appends to ret. */
int maps_parse_smaps(struct arena *arena, const char *text, struct maps *ret,
	struct err *err);
/* A kernel thread and a zombie have no areas. */
int maps_read(struct arena *arena, const struct proc *proc, struct maps *ret,
	struct err *err);
/* The same from /proc/PID/maps: several times faster, no flags and sizes. */
int maps_read_plain(struct arena *arena, const struct proc *proc,
	struct maps *ret, struct err *err);

/* Is an area of our own fixed by mseal (6.10)? The kernel may do so with its
 * vdso (CONFIG_MSEAL_SYSTEM_MAPPINGS, 6.15). */
bool maps_own_is_sealed(const struct map *map);

/* The area that holds an address; NULL: a hole. */
const struct map *maps_find(const struct maps *maps, uint64_t addr);

#endif
