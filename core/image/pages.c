/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/fd.h"
#include "proto/memory.pb-c.h"

static int map_damaged(enum image_type type, uint64_t id, uint64_t vaddr,
	const char *what, struct err *err)
{
	char name[IMAGE_NAME_MAX];

	image_name(name, type, id);
	return err_set(err, EBADMSG,
		"%s is damaged at address 0x%" PRIx64 ": %s", name, vaddr,
		what);
}

/* Old writers have no flags, or only in_parent. */
static uint32_t entry_flags(const PagemapEntry *entry)
{
	if (entry->has_flags)
		return entry->flags;
	if (entry->has_in_parent && entry->in_parent)
		return PAGES_PARENT;
	return PAGES_PRESENT;
}

/* What is wrong with a run that comes after another; NULL: nothing. */
static const char *run_wrong(const struct pages_map *map,
	const struct pages_run *run, const struct pages_run *before)
{
	uint64_t bytes, end;

	if (run->vaddr % map->page_size)
		return "it is not at the beginning of a page";
	if (__builtin_mul_overflow(run->nr_pages, map->page_size, &bytes) ||
		__builtin_add_overflow(run->vaddr, bytes, &end))
		return "it has too many pages";
	if (before &&
		run->vaddr < before->vaddr + before->nr_pages * map->page_size)
		return "it overlaps with the run before it";
	return NULL;
}

static int map_fill(struct pages_map *map, enum image_type type, uint64_t id,
	const struct image_list *list, struct err *err)
{
	const PagemapEntry *entry;
	struct pages_run *run;
	const char *wrong;

	for (size_t i = 1; i < list->n; i++) {
		entry = (const PagemapEntry *)list->at[i].msg;
		run = &map->runs[map->n];
		run->vaddr = entry->vaddr;
		run->nr_pages = entry->has_nr_pages ? entry->nr_pages
						    : entry->compat_nr_pages;
		run->flags = entry_flags(entry);
		run->offset = map->stored * map->page_size;
		wrong = run_wrong(map, run, map->n ? run - 1 : NULL);
		if (wrong)
			return map_damaged(type, id, run->vaddr, wrong, err);
		/* Runs do not overlap: this sum stays below 2^64 bytes. */
		if (run->flags & PAGES_PRESENT)
			map->stored += run->nr_pages;
		map->n += run->nr_pages > 0;
	}
	return 0;
}

static int map_check_file(
	struct image_set *set, const struct pages_map *map, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	uint64_t size = 0;
	int code;

	if (!map->stored)
		return 0;
	code = image_raw_open(set, IMAGE_PAGES, map->pages_id, &fd, &size, err);
	if (code < 0)
		return code;
	if (size / map->page_size >= map->stored)
		return 0;
	err_set(err, EBADMSG,
		"pages-%u.img is cut off: it has %" PRIu64
		" pages, its map speaks of %" PRIu64,
		map->pages_id, size / map->page_size, map->stored);
	return err_hint(err, "copy the image directory again, or dump again");
}

int pages_load(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t page_size, struct pages_map *ret_map, struct err *err)
{
	struct pages_map map = {.page_size = page_size};
	struct image_list list = {0};
	int code;

	code = image_load(set, type, id, &list, err);
	if (code < 0)
		return code;
	if (list.n) {
		map.pages_id = ((const PagemapHead *)list.at[0].msg)->pages_id;
		map.runs = arena_newn(
			image_set_arena(set), struct pages_run, list.n);
		code = map_fill(&map, type, id, &list, err)
			       ?: map_check_file(set, &map, err);
		if (code < 0)
			return code;
	}
	*ret_map = map;
	return 0;
}

const struct pages_run *pages_find(const struct pages_map *map, uint64_t vaddr)
{
	size_t low = 0, high = map->n, middle;
	const struct pages_run *run;

	while (low < high) {
		middle = low + (high - low) / 2;
		run = &map->runs[middle];
		if (vaddr < run->vaddr)
			high = middle;
		else if (vaddr - run->vaddr >= run->nr_pages * map->page_size)
			low = middle + 1;
		else
			return run;
	}
	return NULL;
}

int pages_writer_open(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t pages_id, uint32_t page_size, struct pages_writer *ret_writer,
	struct err *err)
{
	PagemapHead head = PAGEMAP_HEAD__INIT;
	int code;

	head.pages_id = pages_id;
	code = image_append(set, type, id, &head.base, NULL, 0, err);
	if (code < 0)
		return code;
	*ret_writer = (struct pages_writer){
		.set = set, .type = type, .id = id, .page_size = page_size};
	return 0;
}

/* Both counts are written: readers before CRIU 4.2 know the small one only. */
static int last_write(struct pages_writer *writer, struct err *err)
{
	PagemapEntry entry = PAGEMAP_ENTRY__INIT;
	const struct pages_run *last = &writer->last;

	if (!last->nr_pages)
		return 0;
	entry.vaddr = last->vaddr;
	entry.compat_nr_pages =
		last->nr_pages < UINT32_MAX ? (uint32_t)last->nr_pages : 0;
	entry.has_nr_pages = true;
	entry.nr_pages = last->nr_pages;
	entry.has_flags = true;
	entry.flags = last->flags;
	return image_append(writer->set, writer->type, writer->id, &entry.base,
		NULL, 0, err);
}

int pages_writer_append(struct pages_writer *writer, uint64_t vaddr,
	uint64_t nr_pages, uint32_t flags, struct err *err)
{
	struct pages_run *last = &writer->last;
	uint64_t end = last->vaddr + last->nr_pages * writer->page_size;
	int code;

	if (!nr_pages)
		return 0;
	if (last->nr_pages && vaddr < end)
		return map_damaged(writer->type, writer->id, vaddr,
			"runs are written out of order", err);
	if (last->nr_pages && vaddr == end && flags == last->flags) {
		last->nr_pages += nr_pages;
		return 0;
	}
	code = last_write(writer, err);
	if (code < 0)
		return code;
	*last = (struct pages_run){vaddr, nr_pages, flags, 0};
	return 0;
}

int pages_writer_close(struct pages_writer *writer, struct err *err)
{
	int ret = last_write(writer, err);

	writer->last.nr_pages = 0;
	return ret;
}
