/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/vec.h"
#include "kernel/scan.h"

/* Bit i of struct map.flags is the pair of letters i. */
static const char maps_letters[][2] = {
	{'r', 'd'},
	{'w', 'r'},
	{'e', 'x'},
	{'s', 'h'},
	{'m', 'r'},
	{'m', 'w'},
	{'m', 'e'},
	{'m', 's'},
	{'g', 'd'},
	{'p', 'f'},
	{'l', 'o'},
	{'i', 'o'},
	{'s', 'r'},
	{'r', 'r'},
	{'d', 'c'},
	{'d', 'e'},
	{'a', 'c'},
	{'n', 'r'},
	{'h', 't'},
	{'s', 'f'},
	{'a', 'r'},
	{'w', 'f'},
	{'d', 'd'},
	{'s', 'd'},
	{'m', 'm'},
	{'h', 'g'},
	{'n', 'h'},
	{'m', 'g'},
	{'b', 't'},
	{'m', 't'},
	{'u', 'm'},
	{'u', 'w'},
	{'u', 'i'},
	{'s', 's'},
	{'s', 'l'},
	{'d', 'p'},
	{'l', 'f'},
	{'g', 'u'},
};
enum { MAPS_LETTERS = sizeof(maps_letters) / sizeof(maps_letters[0]) };

/* What came of the last area so far. */
enum maps_detail { MAPS_HEAD, MAPS_SIZES, MAPS_WHOLE };

struct maps_reader {
	struct arena *arena;
	struct maps *maps;
	size_t first; /* index of the first area of this text */
	enum maps_detail detail;
	bool detailed; /* smaps, not maps */
};

static uint64_t maps_flag_of(char one, char two)
{
	for (int i = 0; i < MAPS_LETTERS; i++) {
		if (maps_letters[i][0] == one && maps_letters[i][1] == two)
			return 1ull << i;
	}
	return 0;
}

/* "rd ex mr mw me ": unknown letters are of newer kernels, passed over. */
static uint64_t maps_take_flags(const char *at, const char *end)
{
	uint64_t flags = 0;

	while (end - at >= 2) {
		if (*at == ' ') {
			at++;
			continue;
		}
		flags |= maps_flag_of(at[0], at[1]);
		at += 2;
	}
	return flags;
}

struct maps_size {
	const char *key;
	uint8_t length;
	bool add; /* several keys make one number */
	size_t offset;
};

#define SIZE(key, add, field)                                          \
	{                                                              \
		key ":", sizeof(key), add, offsetof(struct map, field) \
	}
static const struct maps_size maps_sizes[] = {
	SIZE("KernelPageSize", false, page_kb),
	SIZE("Rss", false, rss_kb),
	SIZE("Shared_Dirty", false, shared_dirty_kb),
	SIZE("Anonymous", false, anon_kb),
	SIZE("AnonHugePages", false, anon_huge_kb),
	SIZE("Shared_Hugetlb", true, hugetlb_kb),
	SIZE("Private_Hugetlb", true, hugetlb_kb),
	SIZE("Swap", false, swap_kb),
};
#undef SIZE

static bool maps_take_size(struct map *map, const char *line, size_t size)
{
	for (size_t i = 0; i < sizeof(maps_sizes) / sizeof(maps_sizes[0]);
		i++) {
		const struct maps_size *known = &maps_sizes[i];
		uint64_t kb, *into = (void *)((char *)map + known->offset);
		const char *at = line + known->length;

		if (*line != *known->key || size < known->length ||
			memcmp(line, known->key, known->length))
			continue;
		if (!scan_next_u64(&at, 10, &kb))
			return false;
		*into = known->add ? *into + kb : kb;
		return true;
	}
	return true;
}

static bool maps_take_detail(
	struct maps_reader *reader, const char *line, const char *end)
{
	static const char flags[] = "VmFlags:", pkey[] = "ProtectionKey:";
	size_t size = (size_t)(end - line);
	struct map *map;

	if (reader->maps->n == reader->first || reader->detail == MAPS_WHOLE)
		return false;
	map = &reader->maps->at[reader->maps->n - 1];
	reader->detail = MAPS_SIZES;
	reader->detailed = true;
	if (*line == 'V' && size >= sizeof(flags) - 1 &&
		!memcmp(line, flags, sizeof(flags) - 1)) {
		map->flags = maps_take_flags(line + sizeof(flags) - 1, end);
		reader->detail = MAPS_WHOLE;
		return true;
	}
	if (size >= sizeof(pkey) - 1 && !memcmp(line, pkey, sizeof(pkey) - 1)) {
		const char *at = line + sizeof(pkey) - 1;
		uint64_t key;

		if (!scan_next_u64(&at, 10, &key))
			return false;
		map->pkey = (int)key;
		return true;
	}
	return maps_take_size(map, line, size);
}

static bool maps_take_prot(const char **at, struct map *map)
{
	const char *p = *at;

	for (int i = 0; i < 4; i++) {
		if (p[i] != "rwxs"[i] && p[i] != "---p"[i])
			return false;
	}
	map->prot = (p[0] == 'r' ? PROT_READ : 0u) |
		    (p[1] == 'w' ? PROT_WRITE : 0u) |
		    (p[2] == 'x' ? PROT_EXEC : 0u);
	map->shared = p[3] == 's';
	*at += 4;
	return scan_char(at, ' ');
}

/* The same file mostly follows itself: its path is stored once. */
static void maps_take_path(struct maps_reader *reader, struct map *map,
	const char *at, const char *end)
{
	static const char deleted[] = " (deleted)";
	const size_t tail = sizeof(deleted) - 1;
	const struct map *last =
		reader->maps->n > reader->first
			? &reader->maps->at[reader->maps->n - 1]
			: NULL;
	size_t size = (size_t)(end - at);
	char *path, *to;

	if (size > tail && map->ino && !memcmp(end - tail, deleted, tail)) {
		map->deleted = true;
		size -= tail;
		end -= tail;
	}
	if (last && strlen(last->path) == size &&
		!memcmp(last->path, at, size)) {
		map->path = last->path;
		return;
	}
	map->path = path = to = arena_copy(reader->arena, at, size + 1);
	while (at < end) {
		bool newline = end - at >= 4 && !memcmp(at, "\\012", 4);

		*to++ = newline ? '\n' : *at;
		at += newline ? 4 : 1;
	}
	*to = '\0';
}

static bool maps_take_head(
	struct maps_reader *reader, const char *line, const char *end)
{
	struct map map = {0};
	uint64_t major, minor;
	const char *at = line;

	if (reader->detailed && reader->maps->n > reader->first &&
		reader->detail != MAPS_WHOLE)
		return false;
	if (!scan_u64(&at, 16, &map.start) || !scan_char(&at, '-') ||
		!scan_u64(&at, 16, &map.end) || map.end <= map.start ||
		!scan_char(&at, ' ') || end - at < 5 ||
		!maps_take_prot(&at, &map) || !scan_u64(&at, 16, &map.offset) ||
		!scan_char(&at, ' ') || !scan_u64(&at, 16, &major) ||
		!scan_char(&at, ':') || !scan_u64(&at, 16, &minor) ||
		!scan_char(&at, ' ') || !scan_u64(&at, 10, &map.ino) ||
		at > end)
		return false;
	map.dev_major = (uint32_t)major;
	map.dev_minor = (uint32_t)minor;
	/* The path begins at a fixed column, behind blanks; a path may not
	 * begin with one (it is absolute, or a name in brackets). */
	scan_blanks(&at);
	maps_take_path(reader, &map, at, end);
	reader->detail = MAPS_HEAD;
	*vec_push(reader->arena, reader->maps) = map;
	return true;
}

/* All whole lines of size bytes; how many bytes they were, or -EINVAL. */
static ssize_t maps_take_lines(struct maps_reader *reader, const char *text,
	size_t size, struct err *err)
{
	const char *line = text, *stop = text + size, *end;

	while (line < stop &&
		(end = memchr(line, '\n', (size_t)(stop - line)))) {
		/* Details begin with a capital, areas with a hex digit. */
		bool ok = *line >= 'A' && *line <= 'Z'
				  ? maps_take_detail(reader, line, end)
				  : maps_take_head(reader, line, end);

		if (!ok)
			return err_set(err, EINVAL,
				"area %zu has an odd line '%.*s'",
				reader->maps->n - reader->first,
				(int)(end - line > 200 ? 200 : end - line),
				line);
		line = end + 1;
	}
	return line - text;
}

static int maps_finish(
	const struct maps_reader *reader, size_t left, struct err *err)
{
	if (left)
		return err_set(err, EINVAL, "the text ends inside a line");
	if (reader->detailed && reader->detail != MAPS_WHOLE)
		return err_set(err, EINVAL,
			"the text ends before the VmFlags of its last area");
	return 0;
}

int maps_parse_smaps(struct arena *arena, const char *text, struct maps *ret,
	struct err *err)
{
	struct maps maps = *ret;
	struct maps_reader reader = {
		.arena = arena, .maps = &maps, .first = ret->n};
	size_t size = strlen(text);
	ssize_t used = maps_take_lines(&reader, text, size, err);
	int r;

	if (used < 0)
		return (int)used;
	r = maps_finish(&reader, size - (size_t)used, err);
	if (r)
		return r;
	*ret = maps;
	return 0;
}

/* The kernel gives about a page a read; a line is shorter than that times
 * four (a path of escaped newlines). */
static int maps_read_fd(struct maps_reader *reader, int fd, struct err *err)
{
	char text[65536];
	size_t size = 0;
	ssize_t n, used;

	for (;;) {
		n = read(fd, text + size, sizeof(text) - 1 - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "reading");
		if (n == 0)
			return maps_finish(reader, size, err);
		size += (size_t)n;
		text[size] = '\0';
		used = maps_take_lines(reader, text, size, err);
		if (used < 0)
			return (int)used;
		size -= (size_t)used;
		memmove(text, text + used, size);
		if (size == sizeof(text) - 1)
			return err_set(err, EINVAL, "a line has no end");
	}
}

static int maps_read_file(struct arena *arena, const struct proc *proc,
	const char *name, struct maps *ret, struct err *err)
{
	struct maps maps = *ret;
	struct maps_reader reader = {
		.arena = arena, .maps = &maps, .first = ret->n};
	_cleanup_fd_ int fd = -1;
	int r = proc_open_file(proc, 0, name, O_RDONLY, &fd, err);

	/* A zombie: an empty file, or (newer kernels) none to open. */
	if (r == -ESRCH && !proc_check_alive(proc, ERR_UNREAD))
		return 0;
	if (r)
		return r;
	r = maps_read_fd(&reader, fd, err);
	if (r) {
		err_wrap(err, "/proc/%d/%s", proc->pid, name);
		return r;
	}
	*ret = maps;
	return 0;
}

int maps_read(struct arena *arena, const struct proc *proc, struct maps *ret,
	struct err *err)
{
	return maps_read_file(arena, proc, "smaps", ret, err);
}

int maps_read_plain(struct arena *arena, const struct proc *proc,
	struct maps *ret, struct err *err)
{
	return maps_read_file(arena, proc, "maps", ret, err);
}

bool maps_own_is_sealed(const struct map *map)
{
	void *at = (void *)(uintptr_t)map->start;
	size_t size = (size_t)(map->end - map->start);

	/* Changes nothing, and is refused all the same. */
	return mremap(at, size, size, 0) == MAP_FAILED && errno == EPERM;
}

const struct map *maps_find(const struct maps *maps, uint64_t addr)
{
	size_t low = 0, high = maps->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (maps->at[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == maps->n || maps->at[low].start > addr)
		return NULL;
	return &maps->at[low];
}
