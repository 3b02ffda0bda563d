/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "test.h"

/* Recorded on 6.18, some lines left out. */
#define FIRST                                                        \
	"562fe2871000-562fe2873000 r--p 00000000 fe:00 247134"       \
	"                     /usr/bin/cat\n"                        \
	"Size:                  8 kB\nKernelPageSize:        4 kB\n" \
	"MMUPageSize:           4 kB\nRss:                   8 kB\n" \
	"Pss:                   8 kB\nPss_Dirty:             0 kB\n" \
	"Shared_Clean:          4 kB\nShared_Dirty:          8 kB\n" \
	"Anonymous:             0 kB\nKSM:                   0 kB\n" \
	"AnonHugePages:         0 kB\nSwap:                  0 kB\n" \
	"SwapPss:               0 kB\nLocked:                0 kB\n" \
	"THPeligible:           0\nProtectionKey:         3\n"       \
	"VmFlags: rd mr mw me sd \n"
#define SECOND                                                       \
	"562fe2873000-562fe2878000 rwxs 00002000 fe:1f 247134"       \
	"                     /usr/bin/cat\n"                        \
	"Size:                 20 kB\nKernelPageSize:     2048 kB\n" \
	"Rss:                  16 kB\nAnonymous:            12 kB\n" \
	"AnonHugePages:      2048 kB\nShared_Hugetlb:      100 kB\n" \
	"Private_Hugetlb:      28 kB\nSwap:                 44 kB\n" \
	"VmFlags: rd wr ex sh mr mw me ms gd um uw zz ss gu \n"

static struct map only(const char *line)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct maps maps = {0};
	struct err err = {0};

	CHECK_INT(maps_parse_smaps(arena, line, &maps, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(maps.n, 1);
	return maps.n ? maps.at[0] : (struct map){0};
}

static void check_path(const char *line, const char *path, bool deleted)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct maps maps = {0};

	CHECK_INT(maps_parse_smaps(arena, line, &maps, ERR_UNREAD), 0);
	if (!CHECK_INT(maps.n, 1))
		return;
	CHECK_STR(maps.at[0].path, path);
	CHECK_INT(maps.at[0].deleted, deleted);
}

TEST(smaps_gives_areas_with_their_sizes_and_flags)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct maps maps = {0};
	const struct map *map;

	CHECK_INT(maps_parse_smaps(arena, FIRST SECOND, &maps, ERR_UNREAD), 0);
	if (!CHECK_INT(maps.n, 2))
		return;
	map = &maps.at[0];
	CHECK_INT(map->start, 0x562fe2871000);
	CHECK_INT(map->end, 0x562fe2873000);
	CHECK_INT(map->prot, PROT_READ);
	CHECK(!map->shared);
	CHECK_INT(map->pkey, 3);
	CHECK_INT(map->page_kb, 4);
	CHECK_INT(map->rss_kb, 8);
	CHECK_INT(map->shared_dirty_kb, 8);
	CHECK_INT(map->dev_major, 0xfe);
	CHECK_INT(map->dev_minor, 0);
	CHECK_INT(map->ino, 247134);
	CHECK_STR(map->path, "/usr/bin/cat");
	CHECK_INT(map->flags,
		MAP_VM_RD | MAP_VM_MR | MAP_VM_MW | MAP_VM_ME | MAP_VM_SD);
	map = &maps.at[1];
	CHECK_INT(map->prot, PROT_READ | PROT_WRITE | PROT_EXEC);
	CHECK(map->shared);
	CHECK_INT(map->offset, 0x2000);
	CHECK_INT(map->dev_minor, 0x1f);
	CHECK_INT(map->page_kb, 2048);
	CHECK_INT(map->anon_kb, 12);
	CHECK_INT(map->anon_huge_kb, 2048);
	CHECK_INT(map->hugetlb_kb, 128);
	CHECK_INT(map->swap_kb, 44);
	CHECK_INT(map->pkey, 0);
	CHECK(map->flags ==
		(MAP_VM_RD | MAP_VM_WR | MAP_VM_EX | MAP_VM_SH | MAP_VM_MR |
			MAP_VM_MW | MAP_VM_ME | MAP_VM_MS | MAP_VM_GD |
			MAP_VM_UM | MAP_VM_UW | MAP_VM_SS | MAP_VM_GU));
	CHECK(maps.at[0].path == map->path);
}

TEST(every_flag_has_its_letters)
{
	static const char letters[] =
		"rd wr ex sh mr mw me ms gd pf lo io sr rr dc de ac nr ht sf "
		"ar wf dd sd mm hg nh mg bt mt um uw ui ss sl dp lf gu";
	_cleanup_arena_ struct arena *arena = arena_new();
	uint64_t all = 0;

	for (size_t at = 0; at < sizeof(letters); at += 3) {
		struct map map = only(arena_printf(arena,
			"1000-2000 r--p 00000000 00:00 0 \n"
			"Rss: 4 kB\nVmFlags: %.2s \n",
			letters + at));

		CHECK_INT(__builtin_popcountll(map.flags), 1);
		CHECK(map.flags == 1ull << at / 3);
		all |= map.flags;
	}
	CHECK(all == (MAP_VM_GU << 1) - 1);
}

TEST(paths_are_taken_whole_and_decoded)
{
#define AT "7f0000000000-7f0000001000 r-xp 00000000 08:01 55     "
	check_path(AT "/a b/c  d\n", "/a b/c  d", false);
	check_path(AT "/tmp/x (deleted)\n", "/tmp/x", true);
	check_path(AT "/tmp/x (deleted) (deleted)\n", "/tmp/x (deleted)", true);
	check_path(AT "/tmp/two\\012lines\\012\n", "/tmp/two\nlines\n", false);
	check_path(AT "/tmp/a\\b\\01\n", "/tmp/a\\b\\01", false);
	check_path(AT "/memfd:x y (deleted)\n", "/memfd:x y", true);
	check_path(AT "/SYSV00000000 (deleted)\n", "/SYSV00000000", true);
#undef AT
#define AT "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 "
	check_path(AT "\n", "", false);
	check_path(AT "                  [stack]\n", "[stack]", false);
	check_path(
		AT "      [anon:a (deleted)]\n", "[anon:a (deleted)]", false);
	check_path(AT "  [anon_shmem:n (deleted)\n", "[anon_shmem:n (deleted)",
		false);
#undef AT
}

TEST(addresses_may_use_all_64_bits)
{
	struct map map = only("ffffffffff600000-ffffffffff601000 --xp "
			      "00000000 00:00 0                  [vsyscall]\n");

	CHECK(map.start == 0xffffffffff600000);
	CHECK(map.end == 0xffffffffff601000);
	CHECK_INT(map.prot, PROT_EXEC);
}

TEST(plain_maps_are_areas_without_flags)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct maps maps = {0};

	CHECK_INT(maps_parse_smaps(arena,
			  "1000-2000 r--p 00000000 00:00 0 \n"
			  "2000-3000 rw-p 00000000 00:00 0 [heap]\n",
			  &maps, ERR_UNREAD),
		0);
	CHECK_INT(maps.n, 2);
	CHECK_INT(maps.at[1].flags, 0);
	CHECK_STR(maps.at[0].path, "");
	CHECK_STR(maps.at[1].path, "[heap]");
	CHECK_INT(maps_parse_smaps(arena, "", &maps, ERR_UNREAD), 0);
	CHECK_INT(maps.n, 2);
}

TEST(smaps_cut_short_anywhere_but_between_areas_is_refused)
{
	static const char whole[] = FIRST SECOND;
	_cleanup_arena_ struct arena *arena = arena_new();
	char text[sizeof(whole)];
	/* The first line alone is a whole text of maps. */
	size_t line = (size_t)(strchr(whole, '\n') - whole) + 1;

	for (size_t size = 1; size < sizeof(whole) - 1; size++) {
		struct maps maps = {0};
		int expected =
			size == line || size == sizeof(FIRST) - 1 ? 0 : -EINVAL;

		memcpy(text, whole, size);
		text[size] = '\0';
		CHECK_INT(maps_parse_smaps(arena, text, &maps, ERR_UNREAD),
			expected);
		CHECK_INT(maps.n, expected ? 0 : 1);
	}
}

TEST(odd_lines_are_refused_and_shown)
{
	static const char *const odd[] = {
		"zzz\n",
		"1000-1000 r--p 00000000 00:00 0 \n",
		"2000-1000 r--p 00000000 00:00 0 \n",
		"1000 r--p 00000000 00:00 0 \n",
		"1000-2000 r-qp 00000000 00:00 0 \n",
		"1000-2000 r-- 00000000 00:00 0 \n",
		"1000-2000 r--p 00000000 0000 0 \n",
		"11112222333344445-2000 r--p 00000000 00:00 0 \n",
		"1000-2000 r--p 00000000 00:00\n0 \n",
		"Rss: 4 kB\n",
		FIRST "Rss: 4 kB\n",
		"1000-2000 r--p 00000000 00:00 0 \nRss: x kB\n",
	};
	_cleanup_arena_ struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct maps maps = {0};
		struct err err = {0};

		CHECK_INT(
			maps_parse_smaps(arena, odd[i], &maps, &err), -EINVAL);
		CHECK(strstr(err.text, "odd line"));
	}
}

TEST(an_address_is_found_in_its_area_or_in_none)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct maps maps = {0};

	CHECK(!maps_find(&maps, 0));
	CHECK_INT(maps_parse_smaps(arena,
			  "1000-2000 r--p 00000000 00:00 0 \n"
			  "2000-3000 rw-p 00000000 00:00 0 \n"
			  "5000-9000 rw-p 00000000 00:00 0 \n",
			  &maps, ERR_UNREAD),
		0);
	CHECK(!maps_find(&maps, 0xfff));
	CHECK(maps_find(&maps, 0x1000) == &maps.at[0]);
	CHECK(maps_find(&maps, 0x1fff) == &maps.at[0]);
	CHECK(maps_find(&maps, 0x2000) == &maps.at[1]);
	CHECK(!maps_find(&maps, 0x3000));
	CHECK(maps_find(&maps, 0x8fff) == &maps.at[2]);
	CHECK(!maps_find(&maps, 0x9000));
}

TEST(our_own_areas_are_as_we_made_them)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	char path[] = "/tmp/stasis maps\nXXXXXX";
	struct maps maps = {0}, plain = {0};
	struct err err = {0};
	const struct map *map;
	struct stat st;
	int fd = mkstemp(path);
	char *page;

	REQUIRE(fd >= 0 && !ftruncate(fd, 65536) && !fstat(fd, &st));
	page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unlink(path);
	madvise(page, 65536, MADV_DONTDUMP);
	page[0] = 1;
	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	CHECK_INT(maps_read(arena, &self, &maps, &err), 0);
	CHECK_STR(err.text, "");
	map = maps_find(&maps, (uintptr_t)page);
	if (CHECK(map)) {
		CHECK_INT(map->start, (uintptr_t)page);
		CHECK_INT(map->end - map->start, 65536);
		CHECK(map->shared && map->deleted);
		CHECK_STR(map->path, path);
		CHECK_INT(map->ino, st.st_ino);
		CHECK(map->rss_kb >= 4);
		CHECK(map->flags & MAP_VM_DD && map->flags & MAP_VM_SH);
	}
	CHECK_INT(maps_read_plain(arena, &self, &plain, &err), 0);
	map = maps_find(&plain, (uintptr_t)page);
	CHECK(map && !map->flags && map->deleted);
	munmap(page, 65536);
	close(fd);
}

enum { AREAS = 10000 };

static void hold_areas(int ready, void *arg)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	(void)arg;
	for (int i = 0; i < AREAS; i++) {
		int prot = i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
		char *page = mmap(
			NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (page == MAP_FAILED)
			_exit(1);
		if (!(i % 2))
			page[0] = 1;
	}
	child_sleep(ready, NULL);
}

/* Of this process alone, with what the kernel does for it. */
static int64_t cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

/* How long the kernel needs to tell them. */
static int64_t smaps_us(struct arena *arena, const struct proc *proc)
{
	int64_t start = cpu_us();
	char *text;

	CHECK_INT(proc_read_file(
			  arena, proc, 0, "smaps", &text, NULL, ERR_UNREAD),
		0);
	return cpu_us() - start;
}

/* Generous, for this runs under sanitizers and on emulated CPUs. */
TEST(ten_thousand_areas_are_read_in_little_more_than_the_kernel_needs)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_child_ pid_t pid = child_start(hold_areas, NULL);
	struct maps maps = {0};
	struct err err = {0};
	int64_t start, took;

	REQUIRE(!proc_open(pid, &proc, ERR_UNREAD));
	start = cpu_us();
	CHECK_INT(maps_read(arena, &proc, &maps, &err), 0);
	took = cpu_us() - start;
	CHECK_STR(err.text, "");
	CHECK(maps.n >= AREAS);
	CHECK(took < 5 * smaps_us(arena, &proc) + 500000);
}

TEST(a_zombie_has_no_areas)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_child_ pid_t pid = fork();
	struct maps maps = {0};
	siginfo_t info;

	if (!pid)
		_exit(0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	REQUIRE(!proc_open(pid, &proc, ERR_UNREAD));
	CHECK_INT(maps_read(arena, &proc, &maps, ERR_UNREAD), 0);
	CHECK_INT(maps.n, 0);
}

TEST(a_sealed_area_of_our_own_is_known)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *at =
		mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct map map = {.start = (uintptr_t)at, .end = (uintptr_t)at + size};

	REQUIRE(at != MAP_FAILED);
	CHECK(!maps_own_is_sealed(&map));
	if (syscall(462, at, size, 0)) { /* mseal, the same number everywhere */
		test_skip("there is no mseal before Linux 6.10");
		return;
	}
	CHECK(maps_own_is_sealed(&map));
}
