/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/place.h"
#include "base/shown.h"
#include "proto/stats.pb-c.h"

/* Every service file of the image format begins with the first word. */
enum { MAGIC_SERVICE = 0x55105940, MAGIC_STATS = 0x57093306 };

struct stats_clock stats_clock_start(void)
{
	struct stats_clock clock;

	clock_gettime(CLOCK_MONOTONIC, &clock.start);
	return clock;
}

uint32_t stats_clock_read(const struct stats_clock *clock)
{
	struct timespec now;
	int64_t usec;

	clock_gettime(CLOCK_MONOTONIC, &now);
	usec = (int64_t)(now.tv_sec - clock->start.tv_sec) * 1000000 +
	       (now.tv_nsec - clock->start.tv_nsec) / 1000;
	if (usec < 0)
		return 0;
	return usec > UINT32_MAX ? UINT32_MAX : (uint32_t)usec;
}

void stats_clock_add(const struct stats_clock *clock, uint32_t *field)
{
	uint32_t more = stats_clock_read(clock);

	*field = *field > UINT32_MAX - more ? UINT32_MAX : *field + more;
}

static DumpStatsEntry stats_dump_entry(const struct stats *s)
{
	DumpStatsEntry e = DUMP_STATS_ENTRY__INIT;

	e.freezing_time = s->freezing_time;
	e.frozen_time = s->frozen_time;
	e.memdump_time = s->memdump_time;
	e.memwrite_time = s->memwrite_time;
	e.has_irmap_resolve = s->irmap_resolve != 0;
	e.irmap_resolve = s->irmap_resolve;
	e.pages_scanned = s->pages_scanned;
	e.pages_skipped_parent = s->pages_skipped_parent;
	e.pages_written = s->pages_written;
	e.pages_lazy = s->pages_lazy;
	e.has_page_pipes = e.has_page_pipe_bufs = true;
	e.page_pipes = s->page_pipes;
	e.page_pipe_bufs = s->page_pipe_bufs;
	e.has_shpages_scanned = e.has_shpages_skipped_parent = true;
	e.has_shpages_written = true;
	e.shpages_scanned = s->shpages_scanned;
	e.shpages_skipped_parent = s->shpages_skipped_parent;
	e.shpages_written = s->shpages_written;
	return e;
}

static RestoreStatsEntry stats_restore_entry(const struct stats *s)
{
	RestoreStatsEntry e = RESTORE_STATS_ENTRY__INIT;

	e.pages_compared = s->pages_compared;
	e.pages_skipped_cow = s->pages_skipped_cow;
	e.forking_time = s->forking_time;
	e.restore_time = s->restore_time;
	e.has_pages_restored = true;
	e.pages_restored = s->pages_restored;
	return e;
}

int stats_pack(const struct stats *stats, enum stats_of of, uint8_t **ret_bytes,
	size_t *ret_size, struct err *err)
{
	DumpStatsEntry dump = stats_dump_entry(stats);
	RestoreStatsEntry restore = stats_restore_entry(stats);
	StatsEntry entry = STATS_ENTRY__INIT;
	uint32_t head[3] = {MAGIC_SERVICE, MAGIC_STATS, 0};
	uint8_t *bytes;
	size_t size;

	if (of == STATS_DUMP)
		entry.dump = &dump;
	else
		entry.restore = &restore;
	size = stats_entry__get_packed_size(&entry);
	head[2] = (uint32_t)size;
	bytes = malloc(sizeof(head) + size);
	if (!bytes)
		return err_errno(err, "packing the statistics");
	memcpy(bytes, head, sizeof(head));
	stats_entry__pack(&entry, bytes + sizeof(head));
	*ret_bytes = bytes;
	*ret_size = sizeof(head) + size;
	return 0;
}

/* By rename: what had the name before is not written to. */
static int bytes_place(int dir_fd, const char *name, const void *bytes,
	size_t size, struct err *err)
{
	char draft[PLACE_NAME];
	_cleanup_fd_ int fd = place_new_file(dir_fd, 0644, draft);
	int code;

	if (fd < 0)
		return err_code(
			err, fd, "creating '%s' in the work directory", name);
	code = place_check_name(dir_fd, name, fd, err);
	if (!code && (code = io_write_all(fd, bytes, size)))
		err_code(err, code, "writing '%s'", name);
	if (!code && renameat(dir_fd, draft, dir_fd, name))
		code = err_errno(err, "naming '%s'", name);
	if (code)
		place_remove(dir_fd, draft, fd);
	return code;
}

int stats_write(int dir_fd, enum stats_of of, const struct stats *stats,
	struct err *err)
{
	const char *name = of == STATS_DUMP ? "stats-dump" : "stats-restore";
	uint8_t *bytes;
	size_t size;
	int code;

	code = stats_pack(stats, of, &bytes, &size, err);
	if (code)
		return code;
	code = bytes_place(dir_fd, name, bytes, size, err);
	free(bytes);
	return code;
}

static void stats_print_time(FILE *out, const char *what, uint32_t usec)
{
	shown_print(out, "%s: %" PRIu32 " us\n", what, usec);
}

static void stats_print_count(FILE *out, const char *what, uint64_t n)
{
	shown_print(out, "%s: %" PRIu64 " (0x%" PRIx64 ")\n", what, n, n);
}

static void stats_print_dump(FILE *out, const struct stats *s)
{
	shown_print(out, "Displaying dump stats:\n");
	stats_print_time(out, "Freezing time", s->freezing_time);
	stats_print_time(out, "Frozen time", s->frozen_time);
	stats_print_time(out, "Memory dump time", s->memdump_time);
	stats_print_time(out, "Memory write time", s->memwrite_time);
	if (s->irmap_resolve)
		stats_print_time(out, "IRMAP resolve time", s->irmap_resolve);
	stats_print_count(out, "Memory pages scanned", s->pages_scanned);
	stats_print_count(out, "Memory pages skipped from parent",
		s->pages_skipped_parent);
	stats_print_count(out, "Memory pages written", s->pages_written);
	stats_print_count(out, "Lazy memory pages", s->pages_lazy);
	stats_print_count(
		out, "Shared memory pages scanned", s->shpages_scanned);
	stats_print_count(out, "Shared memory pages skipped from parent",
		s->shpages_skipped_parent);
	stats_print_count(
		out, "Shared memory pages written", s->shpages_written);
}

void stats_print(FILE *out, enum stats_of of, const struct stats *stats)
{
	if (of == STATS_DUMP) {
		stats_print_dump(out, stats);
		return;
	}
	shown_print(out, "Displaying restore stats:\n");
	stats_print_count(out, "Pages compared", stats->pages_compared);
	stats_print_count(out, "Pages skipped COW", stats->pages_skipped_cow);
	stats_print_count(out, "Pages restored", stats->pages_restored);
	stats_print_time(out, "Restore time", stats->restore_time);
	stats_print_time(out, "Forking time", stats->forking_time);
}

static void count_print(FILE *out, uint64_t n, const char *what)
{
	shown_print(out, "%llu %s%s", (unsigned long long)n, what,
		n == 1 ? "" : "s");
}

void stats_print_summary(FILE *out, enum stats_of of, const struct stats *stats,
	uint64_t page_size)
{
	bool dump = of == STATS_DUMP;
	uint64_t pages = dump ? stats->pages_written + stats->shpages_written
			      : stats->pages_restored;
	uint32_t us = dump ? stats->frozen_time : stats->restore_time;

	fputs(dump ? "dumped " : "restored ", out);
	count_print(out, stats->tasks, "task");
	fputs(" with ", out);
	count_print(out, stats->threads, "thread");
	shown_print(out, ", %llu bytes of memory, %s %u.%u ms\n",
		(unsigned long long)(pages * page_size),
		dump ? "frozen for" : "in", us / 1000, us / 100 % 10);
}
