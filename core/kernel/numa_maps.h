/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * numa_maps: the pages of its own that a process has, also those that smaps
 * leaves out.
 *
 * A kernel that moves pages to where they are used (CONFIG_NUMA_BALANCING)
 * marks a page to be watched as one without access. The smaps of 6.1 takes a
 * huge page of an area without access for such a one and does not count it,
 * though all its data is there. /proc/PID/numa_maps (numa_maps(5)) counts it,
 * and each kernel that can have the mark has this file.
 */
#ifndef STASIS_KERNEL_NUMA_MAPS_H
#define STASIS_KERNEL_NUMA_MAPS_H

#include <stdint.h>

#include "base/err.h"
#include "kernel/maps.h"
#include "kernel/proc.h"

/* Raises anon_kb of each area to what numa_maps tells. A kernel without NUMA
 * has no such file, and smaps counts all. */
int numa_maps_add(const struct proc *proc, struct maps *maps, struct err *err);

/* The same from a text as the file has it; page: bytes. */
void numa_maps_scan(const char *text, uint64_t page, struct maps *maps);

#endif
