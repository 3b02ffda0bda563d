/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats: what a run took and moved, in numbers.
 *
 * Times are microseconds, counts are pages. The names are those of the
 * entries of stats-dump and stats-restore, which other programs read; a run
 * fills only its own half. The counters are plain: worker threads count for
 * themselves and add up at the end.
 */
#ifndef STASIS_STATS_STATS_H
#define STASIS_STATS_STATS_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/err.h"

struct stats {
	/* dump */
	uint32_t freezing_time; /* until every task stood still */
	uint32_t frozen_time;	/* while they stood still */
	uint32_t memdump_time;	/* memory: from looking to done */
	uint32_t memwrite_time; /* of it: writing pages */
	uint32_t irmap_resolve; /* finding paths of watched files */
	uint64_t pages_scanned, pages_skipped_parent, pages_written;
	uint64_t pages_lazy;
	uint64_t page_pipes, page_pipe_bufs;
	uint64_t shpages_scanned, shpages_skipped_parent, shpages_written;

	/* restore */
	uint32_t forking_time; /* until the last task was born */
	uint32_t restore_time; /* until the tree was let go */
	uint64_t pages_compared, pages_skipped_cow, pages_restored;

	/* both; for people, not in the files */
	uint64_t tasks, threads;
};

enum stats_of { STATS_DUMP, STATS_RESTORE };

/* A stopwatch: start it, then add what has gone by since to a field. */
struct stats_clock {
	struct timespec start;
};

struct stats_clock stats_clock_start(void);
/* Microseconds since the start; at most UINT32_MAX. */
uint32_t stats_clock_read(const struct stats_clock *clock);
/* *field += what was read, without wrapping around. */
void stats_clock_add(const struct stats_clock *clock, uint32_t *field);

/* The whole file as bytes in memory from malloc, the caller's to free. */
int stats_pack(const struct stats *stats, enum stats_of of, uint8_t **ret_bytes,
	size_t *ret_size, struct err *err);
/* Write "stats-dump" or "stats-restore" into a directory (the work dir),
 * over an older one. */
int stats_write(int dir_fd, enum stats_of of, const struct stats *stats,
	struct err *err);
/* What was done, for people, in one line. */
void stats_print_summary(FILE *out, enum stats_of of, const struct stats *stats,
	uint64_t page_size);
/* The same numbers for people, one a line. */
void stats_print(FILE *out, enum stats_of of, const struct stats *stats);

#endif
