/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/vec.h"

/* ioctl PAGEMAP_SCAN of 6.7, for older headers. */
enum {
	SCAN_WRITTEN = 1 << 1,
	SCAN_FILE = 1 << 2,
	SCAN_PRESENT = 1 << 3,
	SCAN_SWAPPED = 1 << 4,
	SCAN_PFNZERO = 1 << 5,
	SCAN_HUGE = 1 << 6,
	SCAN_SOFT_DIRTY = 1 << 7,
	SCAN_GUARD = 1 << 8, /* 6.15 */
	SCAN_ROOM = 1024,
};

struct scan_region {
	uint64_t start, end, categories;
};

struct scan_args {
	uint64_t size, flags;
	uint64_t start, end, walk_end;
	uint64_t vec, vec_len, max_pages;
	uint64_t inverted, all_of, any_of, say;
};
#define PAGEMAP_IOCTL_SCAN _IOWR('f', 16, struct scan_args)

static const struct {
	uint32_t category, flag;
} scan_names[] = {
	{SCAN_PRESENT, PAGEMAP_PRESENT},
	{SCAN_SWAPPED, PAGEMAP_SWAPPED},
	{SCAN_FILE, PAGEMAP_FILE},
	{SCAN_PFNZERO, PAGEMAP_PFNZERO},
	{SCAN_SOFT_DIRTY, PAGEMAP_SOFT_DIRTY},
	{SCAN_GUARD, PAGEMAP_GUARD},
	{SCAN_HUGE, PAGEMAP_HUGE},
	{SCAN_WRITTEN, PAGEMAP_WRITTEN},
};

/* Words of /proc/PID/pagemap. */
#define WORD_PFN ((1ull << 55) - 1)
#define WORD_SOFT_DIRTY (1ull << 55)
#define WORD_EXCLUSIVE (1ull << 56) /* mapped once */
#define WORD_WP (1ull << 57)
#define WORD_GUARD (1ull << 58) /* 6.15 */
#define WORD_FILE (1ull << 61)
#define WORD_SWAPPED (1ull << 62)
#define WORD_PRESENT (1ull << 63)

/* Of a swapped page: which swap file. Behind the few that there are come
 * migrating and poisoned pages. */
#define WORD_SWAP_TYPE 0x1full

enum {
	SWAP_TYPES_SURE = 16,
	KPAGEFLAGS_ANON = 12, /* bit of /proc/kpageflags */
	/* Not worth counting where nearly all pages are there. */
	COUNT_PAGES_MIN = 4096,
	COUNT_SPARSE = 4,
};

static uint32_t scan_flags(uint64_t categories)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(scan_names) / sizeof(scan_names[0]); i++)
		if (categories & scan_names[i].category)
			flags |= scan_names[i].flag;
	/* A guard is kept like a swapped page, and older kernels say so. */
	if (flags & PAGEMAP_GUARD)
		flags &= ~(uint32_t)PAGEMAP_SWAPPED;
	return flags;
}

uint32_t pagemap_word_flags(uint64_t word, uint64_t zero_pfn)
{
	uint32_t flags = 0;

	if (word & WORD_GUARD)
		return PAGEMAP_GUARD;
	if (!(word & (WORD_PRESENT | WORD_SWAPPED)))
		return 0;
	flags = word & WORD_PRESENT ? PAGEMAP_PRESENT : PAGEMAP_SWAPPED;
	if (word & WORD_FILE)
		flags |= PAGEMAP_FILE;
	if (word & WORD_SOFT_DIRTY)
		flags |= PAGEMAP_SOFT_DIRTY;
	if (!(word & WORD_WP))
		flags |= PAGEMAP_WRITTEN;
	if (word & WORD_PRESENT && zero_pfn && (word & WORD_PFN) == zero_pfn)
		flags |= PAGEMAP_PFNZERO;
	return flags;
}

/* A page that was only read is the zero page. Frames are hidden (0) from
 * readers without CAP_SYS_ADMIN. */
static uint64_t zero_pfn_find(size_t page_size)
{
	_cleanup_fd_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	volatile char *page;
	uint64_t word = 0;
	off_t at;

	page = mmap(
		NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 0;
	(void)*page;
	at = (off_t)((uintptr_t)page / page_size * sizeof(word));
	if (fd < 0 || io_pread_exact(fd, &word, sizeof(word), at))
		word = 0;
	munmap((void *)(uintptr_t)page, page_size);
	return word & WORD_PRESENT ? word & WORD_PFN : 0;
}

static int scan_try(int fd, struct scan_args *args)
{
	int n;

	do {
		n = ioctl(fd, PAGEMAP_IOCTL_SCAN, args);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static struct scan_args scan_args(
	const struct pagemap *pagemap, uint64_t start, uint64_t end)
{
	uint64_t guard = pagemap->guard ? SCAN_GUARD : 0;

	return (struct scan_args){
		.size = sizeof(struct scan_args),
		.start = start,
		.end = end,
		.any_of = SCAN_PRESENT | SCAN_SWAPPED | guard,
		.say = SCAN_WRITTEN | SCAN_FILE | SCAN_PRESENT | SCAN_SWAPPED |
		       SCAN_PFNZERO | SCAN_HUGE | SCAN_SOFT_DIRTY | guard,
	};
}

/* Both answers come from scans of an empty range. */
static void scan_probe(struct pagemap *pagemap)
{
	struct scan_args args;

	pagemap->guard = true;
	args = scan_args(pagemap, 0, 0);
	pagemap->scan = !scan_try(pagemap->fd, &args);
	if (pagemap->scan)
		return;
	pagemap->guard = false;
	args = scan_args(pagemap, 0, 0);
	pagemap->scan = !scan_try(pagemap->fd, &args);
}

void pagemap_prefer_words(struct pagemap *pagemap)
{
	pagemap->scan = false;
	pagemap->zero_pfn = zero_pfn_find(pagemap->page_size);
}

int pagemap_open(const struct proc *proc, struct pagemap *ret, struct err *err)
{
	struct pagemap pagemap = {.pid = proc->pid, .fd = -1, .kpageflags = -1};
	int r = proc_open_file(proc, 0, "pagemap", O_RDONLY, &pagemap.fd, err);

	if (r)
		return r;
	pagemap.page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	scan_probe(&pagemap);
	if (!pagemap.scan)
		pagemap_prefer_words(&pagemap);
	*ret = pagemap;
	return 0;
}

void pagemap_close(struct pagemap *pagemap)
{
	if (pagemap->fd >= 0)
		close(pagemap->fd);
	if (pagemap->kpageflags >= 0)
		close(pagemap->kpageflags);
	pagemap->fd = pagemap->kpageflags = -1;
}

static void regions_add(struct arena *arena, struct pagemap_regions *regions,
	uint64_t start, uint64_t end, uint32_t flags)
{
	struct pagemap_region *last =
		regions->n ? &regions->at[regions->n - 1] : NULL;

	if (!flags)
		return;
	if (last && last->end == start && last->flags == flags) {
		last->end = end;
		return;
	}
	*vec_push(arena, regions) = (struct pagemap_region){
		.start = start, .end = end, .flags = flags};
}

/* The words of n pages. There are none any more when the process has no memory
 * any more. */
static int words_read(const struct pagemap *pagemap, uint64_t addr,
	uint64_t *words, uint64_t n, struct err *err)
{
	int r = io_pread_exact(pagemap->fd, words, (size_t)n * sizeof(*words),
		(off_t)(addr / pagemap->page_size * sizeof(*words)));

	if (!r)
		return 0;
	return err_code(err, r == -EIO ? -ESRCH : r,
		"reading the words for the pages of process %d from %#llx",
		pagemap->pid, (unsigned long long)addr);
}

static int pagemap_scan_ioctl(struct arena *arena, struct pagemap *pagemap,
	uint64_t start, uint64_t end, struct pagemap_regions *ret,
	struct err *err)
{
	struct scan_region found[SCAN_ROOM];
	struct scan_args args = scan_args(pagemap, start, end);
	uint64_t word;
	int n;

	args.vec = (uintptr_t)found;
	args.vec_len = SCAN_ROOM;
	while (args.start < end) {
		n = scan_try(pagemap->fd, &args);
		if (n < 0)
			return err_code(err, n,
				"scanning the pages of process %d from %#llx "
				"to %#llx",
				pagemap->pid, (unsigned long long)args.start,
				(unsigned long long)end);
		/* With room for more than the kernel's own buffer (512 on
		 * x86_64) 6.18 may put regions behind walk_end, and finds
		 * them again from there. */
		for (int i = 0; i < n && found[i].start < args.walk_end; i++)
			regions_add(arena, ret, found[i].start,
				found[i].end < args.walk_end ? found[i].end
							     : args.walk_end,
				scan_flags(found[i].categories));
		if (args.walk_end <= args.start)
			return err_set(err, EPROTO,
				"scanning the pages of process %d does not get "
				"on at %#llx",
				pagemap->pid, (unsigned long long)args.start);
		args.start = args.walk_end;
	}
	/* To the scan of 6.12 a process that is gone has no pages. */
	return words_read(pagemap, start, &word, 1, err);
}

/* Is it surely one of the pages that smaps counts? The zero page is none, nor
 * is the huge one, which looks like any other: of a page that is mapped more
 * than once its frame is asked. */
static bool word_is_own(struct pagemap *pagemap, uint64_t word)
{
	uint64_t flags, frame = word & WORD_PFN;

	if (word & WORD_SWAPPED)
		return (word & WORD_SWAP_TYPE) < SWAP_TYPES_SURE;
	if (!(word & WORD_PRESENT) || word & WORD_FILE)
		return false;
	if (word & WORD_EXCLUSIVE)
		return true;
	if (!frame || frame == pagemap->zero_pfn)
		return false;
	if (pagemap->kpageflags < 0)
		pagemap->kpageflags =
			open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	return pagemap->kpageflags >= 0 &&
	       !io_pread_exact(pagemap->kpageflags, &flags, sizeof(flags),
		       (off_t)(frame * sizeof(flags))) &&
	       flags & 1ull << KPAGEFLAGS_ANON;
}

/* Until so many pages are found that are surely own ones. */
static int pagemap_scan_words(struct arena *arena, struct pagemap *pagemap,
	uint64_t start, uint64_t end, uint64_t own, struct pagemap_regions *ret,
	struct err *err)
{
	uint64_t words[4096];
	uint64_t page = pagemap->page_size, at = start;
	bool count = own != UINT64_MAX;

	while (at < end && own) {
		uint64_t n = (end - at) / page;
		int r;

		if (n > sizeof(words) / sizeof(words[0]))
			n = sizeof(words) / sizeof(words[0]);
		r = words_read(pagemap, at, words, n, err);
		if (r)
			return r;
		for (uint64_t i = 0; i < n && own; i++, at += page) {
			/* Nearly all, where only much is reserved. */
			if (!words[i])
				continue;
			regions_add(arena, ret, at, at + page,
				pagemap_word_flags(
					words[i], pagemap->zero_pfn));
			own -= count && word_is_own(pagemap, words[i]);
		}
	}
	return 0;
}

int pagemap_scan(struct arena *arena, struct pagemap *pagemap, uint64_t start,
	uint64_t end, struct pagemap_regions *ret, struct err *err)
{
	if ((start | end) % pagemap->page_size || end < start)
		return err_set(err, EINVAL,
			"scanning process %d: %#llx to %#llx are no pages",
			pagemap->pid, (unsigned long long)start,
			(unsigned long long)end);
	if (pagemap->scan)
		return pagemap_scan_ioctl(arena, pagemap, start, end, ret, err);
	return pagemap_scan_words(
		arena, pagemap, start, end, UINT64_MAX, ret, err);
}

/* Cuts regions at the borders of areas; what lies in none is left out. */
static void regions_split(struct arena *arena,
	const struct pagemap_regions *whole, const struct map *maps, size_t n,
	struct pagemap_regions *ret)
{
	size_t m = 0;

	for (size_t i = 0; i < whole->n; i++) {
		const struct pagemap_region *region = &whole->at[i];

		while (m < n && maps[m].end <= region->start)
			m++;
		for (size_t k = m; k < n && maps[k].start < region->end; k++)
			*vec_push(arena, ret) = (struct pagemap_region){
				.start = region->start > maps[k].start
						 ? region->start
						 : maps[k].start,
				.end = region->end < maps[k].end ? region->end
								 : maps[k].end,
				.flags = region->flags,
			};
	}
}

/* Memory of no file, and none of the kernel's own areas. */
static bool map_is_plain(const struct map *map)
{
	return !map->ino && (!map->path[0] || !strcmp(map->path, "[heap]") ||
				    !strncmp(map->path, "[stack", 6) ||
				    !strncmp(map->path, "[anon:", 6));
}

uint64_t pagemap_own(const struct pagemap *pagemap, const struct map *map)
{
	uint64_t kb = pagemap->page_size >> 10, pages, own;

	if (map->flags & MAP_VM_HT || map->hugetlb_kb ||
		(!map->ino && !map_is_plain(map)))
		return UINT64_MAX;
	pages = (map->end - map->start) / pagemap->page_size;
	own = (map->anon_kb + map->swap_kb) / kb;
	if (!own)
		return 0;
	/* A huge page of a file may look like one of ours. */
	if (map->ino || pages < COUNT_PAGES_MIN || pages / COUNT_SPARSE < own)
		return UINT64_MAX;
	return own;
}

/* Area by area: holes cost time. */
static int maps_scan_words(struct arena *arena, struct pagemap *pagemap,
	const struct map *maps, size_t n, const uint64_t *own,
	struct pagemap_regions *ret, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = pagemap_scan_words(arena, pagemap, maps[i].start,
			maps[i].end, own ? own[i] : UINT64_MAX, ret, err);
	return r;
}

int pagemap_scan_maps(struct arena *arena, struct pagemap *pagemap,
	const struct map *maps, size_t n, const uint64_t *own,
	struct pagemap_regions *ret, struct err *err)
{
	struct pagemap_regions whole = {0};
	int r;

	/* [vsyscall] of x86 lies in the kernel's half: no pages to ask for. */
	while (n && maps[n - 1].end > INT64_MAX)
		n--;
	if (!n)
		return 0;
	if (pagemap->scan)
		r = pagemap_scan(arena, pagemap, maps[0].start, maps[n - 1].end,
			&whole, err);
	else
		r = maps_scan_words(arena, pagemap, maps, n, own, &whole, err);
	if (r)
		return r;
	regions_split(arena, &whole, maps, n, ret);
	return 0;
}

int pagemap_clear_soft_dirty(const struct proc *proc, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int r = proc_open_file(proc, 0, "clear_refs", O_WRONLY, &fd, err);

	if (r)
		return r;
	r = io_write_all(fd, "4", 1);
	if (r)
		return err_code(err, r,
			"clearing the soft-dirty marks of process %d",
			proc->pid);
	return 0;
}
