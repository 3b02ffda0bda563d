/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/stats.pb-c.h"
#include "stats/progress.h"
#include "stats/stats.h"
#include "test.h"

static StatsEntry *stats_unpack(const uint8_t *bytes, size_t size)
{
	uint32_t head[3];

	if (!CHECK(size > sizeof(head)))
		return NULL;
	memcpy(head, bytes, sizeof(head));
	CHECK_INT(head[0], 0x55105940);
	CHECK_INT(head[1], 0x57093306);
	CHECK_INT(head[2], size - sizeof(head));
	return stats_entry__unpack(NULL, head[2], bytes + sizeof(head));
}

TEST(a_dump_file_holds_the_dump_half)
{
	struct stats stats = {
		.frozen_time = 7, .pages_written = 8, .pages_restored = 9};
	struct err err = {0};
	StatsEntry *entry;
	uint8_t *bytes;
	size_t size;

	REQUIRE(!stats_pack(&stats, STATS_DUMP, &bytes, &size, &err));
	entry = stats_unpack(bytes, size);
	free(bytes);
	REQUIRE(entry != NULL);
	CHECK(entry->dump && !entry->restore);
	CHECK_INT(entry->dump->frozen_time, 7);
	CHECK_INT(entry->dump->pages_written, 8);
	stats_entry__free_unpacked(entry, NULL);
}

TEST(a_restore_file_holds_the_restore_half)
{
	struct stats stats = {.restore_time = 5, .pages_restored = 9};
	struct err err = {0};
	StatsEntry *entry;
	uint8_t *bytes;
	size_t size;

	REQUIRE(!stats_pack(&stats, STATS_RESTORE, &bytes, &size, &err));
	entry = stats_unpack(bytes, size);
	free(bytes);
	REQUIRE(entry != NULL);
	CHECK(!entry->dump && entry->restore);
	CHECK_INT(entry->restore->restore_time, 5);
	CHECK_INT(entry->restore->pages_restored, 9);
	stats_entry__free_unpacked(entry, NULL);
}

TEST(the_file_is_named_after_the_run)
{
	char path[] = "/tmp/stasis-stats-XXXXXX";
	struct stats stats = {0};
	struct err err = {0};
	struct stat st;
	int dir;

	REQUIRE(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(stats_write(dir, STATS_DUMP, &stats, &err), 0);
	CHECK_INT(fstatat(dir, "stats-dump", &st, 0), 0);
	CHECK_INT(unlinkat(dir, "stats-dump", 0), 0);
	rmdir(path);
	CHECK_INT(stats_write(dir, STATS_DUMP, &stats, &err), -ENOENT);
	close(dir);
}

TEST(a_stopwatch_does_not_wrap_around)
{
	struct stats_clock clock = stats_clock_start();
	uint32_t field = UINT32_MAX;

	clock.start.tv_sec -= 1;
	CHECK(stats_clock_read(&clock) >= 1000000);
	stats_clock_add(&clock, &field);
	CHECK_INT(field, UINT32_MAX);
	clock.start.tv_sec -= 100000;
	CHECK_INT(stats_clock_read(&clock), UINT32_MAX);
}

TEST(progress_tells_how_far_and_how_fast)
{
	struct progress p = {.fd = -1,
		.what = "dumping memory",
		.total = 200ull << 20,
		.done = 50ull << 20};
	char text[100];

	progress_text(&p, 500000, text, sizeof(text));
	CHECK_STR(text, "dumping memory:  25%  50 of 200 MiB, 100 MiB/s");
}

TEST(progress_is_silent_without_a_terminal)
{
	struct progress p;
	char byte;
	int ends[2];

	REQUIRE(!pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	progress_begin(&p, ends[1], "x", 1ull << 40);
	CHECK_INT(p.fd, -1);
	progress_add(&p, 1ull << 39);
	progress_end(&p);
	CHECK_INT(p.done, 1ull << 39);
	CHECK_INT(read(ends[0], &byte, 1), -1);
	close(ends[0]);
	close(ends[1]);
}
