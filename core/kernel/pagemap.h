/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pagemap: which pages of a process exist, and what they are.
 *
 * One fd a process. With PAGEMAP_SCAN (6.7) the kernel walks a range over
 * any number of areas and holes in one call; without it the words of
 * /proc/PID/pagemap are read, area by area. Both give the same regions:
 * ascending, neighbours with equal flags joined, pages that are neither
 * present nor swapped nor guards left out.
 */
#ifndef STASIS_KERNEL_PAGEMAP_H
#define STASIS_KERNEL_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kernel/maps.h"
#include "kernel/proc.h"

enum {
	PAGEMAP_PRESENT = 1 << 0,
	PAGEMAP_SWAPPED = 1 << 1,
	PAGEMAP_FILE = 1 << 2,	  /* of a file or shared memory */
	PAGEMAP_PFNZERO = 1 << 3, /* the zero page: reads as zeros */
	/* Written since clear_refs 4. Kernels without it say nothing here:
	 * ask FEATURE_SOFT_DIRTY. */
	PAGEMAP_SOFT_DIRTY = 1 << 4,
	PAGEMAP_GUARD = 1 << 5,	  /* MADV_GUARD_INSTALL (said since 6.15) */
	PAGEMAP_HUGE = 1 << 6,	  /* scan only */
	PAGEMAP_WRITTEN = 1 << 7, /* since UFFDIO_WRITEPROTECT */
};

struct pagemap_region {
	uint64_t start, end;
	uint32_t flags;
};
struct pagemap_regions {
	struct pagemap_region *at;
	size_t n, room;
};

struct pagemap {
	pid_t pid;
	int fd;		   /* -1: not open */
	bool scan;	   /* PAGEMAP_SCAN works; cleared when refused */
	bool guard;	   /* it knows guards; cleared when refused */
	uint64_t zero_pfn; /* words: frame of the zero page; 0: hidden */
	uint64_t page_size;
	int kpageflags; /* words: -1: not open */
};
#define PAGEMAP_CLOSED ((struct pagemap){.fd = -1, .kpageflags = -1})

int pagemap_open(const struct proc *proc, struct pagemap *ret, struct err *err);
void pagemap_close(struct pagemap *pagemap);
#define _cleanup_pagemap_ __attribute__((cleanup(pagemap_close)))

/* Gives up the scan: for kernels whose scan is not to be trusted, and for
 * tests of the other way. */
void pagemap_prefer_words(struct pagemap *pagemap);

/* Appends the regions of [start, end), page-aligned. Meant for one area when
 * scan is false (holes cost time then). */
int pagemap_scan(struct arena *arena, struct pagemap *pagemap, uint64_t start,
	uint64_t end, struct pagemap_regions *ret, struct err *err);
/* Appends the regions of ascending areas: one call for many areas; no region
 * crosses the border of an area. own: NULL, or for each area how many pages it
 * has that no file has (pagemap_own). Then words are read until these are
 * found, and other pages may be left out. */
int pagemap_scan_maps(struct arena *arena, struct pagemap *pagemap,
	const struct map *maps, size_t n, const uint64_t *own,
	struct pagemap_regions *ret, struct err *err);

/* So many pages of an area are in memory or swap and no file's, by smaps and
 * numa_maps of a stopped process; UINT64_MAX: these do not count all of them.
 * Kernels with guards (6.13) count none of these. */
uint64_t pagemap_own(const struct pagemap *pagemap, const struct map *map);

/* Pure: flags of one word of /proc/PID/pagemap, 0 for no page. */
uint32_t pagemap_word_flags(uint64_t word, uint64_t zero_pfn);

/* Forgets what was written (clear_refs 4): dirty tracking starts anew. */
int pagemap_clear_soft_dirty(const struct proc *proc, struct err *err);

#endif
