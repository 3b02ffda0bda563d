/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/dedup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/vec.h"
#include "pages/source.h"

/* Bytes [from, from + size) of a pages file. */
struct hole {
	uint64_t from, size;
};

/* One set of the chain, and what is to be taken out of it. */
struct level {
	struct image_set *set;
	VEC(struct dedup_file *) files;
};

struct dedup_file {
	uint32_t pages_id;
	VEC(struct hole) holes;
};

struct dedup {
	struct arena *arena;
	uint32_t page_size;
	VEC(struct level) levels; /* [0]: the newest set */
	struct dedup_result result;
};

static int levels_open(struct dedup *dedup, int dir, struct err *err)
{
	enum { DEPTH_MAX = 1000 };
	struct image_set *set = NULL;
	int code = image_set_open_small(dedup->arena, dir, &set, err);

	while (!code && set) {
		if (dedup->levels.n > DEPTH_MAX)
			return err_set(err, ELOOP,
				"the image directories are parents of each "
				"other");
		*vec_push(dedup->arena, &dedup->levels) =
			(struct level){.set = set};
		code = image_set_open_parent(set, &set, err);
	}
	return code;
}

static struct dedup_file *file_of(
	struct dedup *dedup, struct level *level, uint32_t pages_id)
{
	struct dedup_file *file;

	for (size_t i = 0; i < level->files.n; i++)
		if (level->files.at[i]->pages_id == pages_id)
			return level->files.at[i];
	file = arena_new1(dedup->arena, struct dedup_file);
	file->pages_id = pages_id;
	*vec_push(dedup->arena, &level->files) = file;
	return file;
}

static void hole_add(struct dedup *dedup, struct dedup_file *file,
	uint64_t from, uint64_t size)
{
	struct hole *last =
		file->holes.n ? &file->holes.at[file->holes.n - 1] : NULL;

	dedup->result.pages += size / dedup->page_size;
	if (last && last->from + last->size == from)
		last->size += size;
	else
		*vec_push(dedup->arena, &file->holes) =
			(struct hole){from, size};
}

/* --- what newer sets have ------------------------------------------------- */

/* Ranges of addresses, ascending. */
struct range {
	uint64_t start, end;
};
typedef VEC(struct range) ranges;

static void range_push(struct arena *arena, ranges *all, struct range range)
{
	struct range *last = all->n ? &all->at[all->n - 1] : NULL;

	if (last && range.start <= last->end)
		last->end = range.end > last->end ? range.end : last->end;
	else
		*vec_push(arena, all) = range;
}

/* What is PRESENT in a map comes to what newer ones have. */
static ranges ranges_join(
	struct dedup *dedup, const ranges *newer, const struct pages_map *map)
{
	ranges all = {0};
	size_t n = 0, r = 0;
	struct range run;

	while (n < newer->n || r < map->n) {
		if (r < map->n && !(map->runs[r].flags & PAGES_PRESENT)) {
			r++;
			continue;
		}
		if (r < map->n)
			run = (struct range){map->runs[r].vaddr,
				map->runs[r].vaddr + map->runs[r].nr_pages *
							     dedup->page_size};
		if (r == map->n ||
			(n < newer->n && newer->at[n].start < run.start)) {
			range_push(dedup->arena, &all, newer->at[n++]);
		} else {
			range_push(dedup->arena, &all, run);
			r++;
		}
	}
	return all;
}

static void run_cut(struct dedup *dedup, struct dedup_file *file,
	const struct pages_run *run, const ranges *newer, size_t *at)
{
	uint64_t end = run->vaddr + run->nr_pages * dedup->page_size;
	uint64_t from, to;

	while (*at < newer->n && newer->at[*at].end <= run->vaddr)
		++*at;
	for (size_t i = *at; i < newer->n && newer->at[i].start < end; i++) {
		from = newer->at[i].start > run->vaddr ? newer->at[i].start
						       : run->vaddr;
		to = newer->at[i].end < end ? newer->at[i].end : end;
		hole_add(dedup, file, run->offset + (from - run->vaddr),
			to - from);
	}
}

static bool is_pagemap(enum image_type type)
{
	return type == IMAGE_PAGEMAP || type == IMAGE_PAGEMAP_SHMEM;
}

/* One object through all sets. */
static int object_dedup(
	void *of, enum image_type type, uint64_t id, struct err *err)
{
	struct dedup *dedup = of;
	struct pages_map map;
	struct level *level;
	ranges newer = {0};
	size_t at;
	int code = 0;

	for (size_t i = 0; i < dedup->levels.n && is_pagemap(type) && !code;
		i++) {
		level = &dedup->levels.at[i];
		map = (struct pages_map){0};
		code = pages_load(
			level->set, type, id, dedup->page_size, &map, err);
		at = 0;
		for (size_t r = 0; i && r < map.n && !code; r++)
			if (map.runs[r].flags & PAGES_PRESENT && newer.n)
				run_cut(dedup,
					file_of(dedup, level, map.pages_id),
					&map.runs[r], &newer, &at);
		newer = ranges_join(dedup, &newer, &map);
	}
	return code;
}

/* --- what a restore has read ---------------------------------------------- */

static int object_spend(
	void *of, enum image_type type, uint64_t id, struct err *err)
{
	struct dedup *dedup = of;
	const struct source_piece *piece;
	const struct source_file *from;
	struct source source = {0};
	struct level *level;
	int code;

	if (!is_pagemap(type))
		return 0;
	code = source_load(dedup->levels.at[0].set, type, id, dedup->page_size,
		&source, err);
	for (size_t i = 0; i < source.n && !code; i++) {
		piece = &source.pieces[i];
		if (piece->file == SOURCE_ELSEWHERE)
			continue;
		from = &source.files[piece->file];
		level = &dedup->levels.at[from->depth];
		hole_add(dedup, file_of(dedup, level, from->pages_id),
			piece->offset, piece->nr_pages * dedup->page_size);
	}
	return code;
}

/* --- holes ---------------------------------------------------------------- */

static int file_punch(
	struct level *level, const struct dedup_file *file, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int code = image_pages_reopen(level->set, file->pages_id, &fd, err);

	for (size_t i = 0; i < file->holes.n && !code; i++)
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    (off_t)file->holes.at[i].from,
			    (off_t)file->holes.at[i].size))
			code = err_errno(err, "freeing pages of pages-%u.img",
				file->pages_id);
	if (code == -EOPNOTSUPP)
		err_hint(err, "this file system has no holes");
	return code;
}

static int level_punch(struct dedup *dedup, struct level *level,
	const uint64_t *holes_for, struct err *err)
{
	uint32_t *ids = arena_newn(dedup->arena, uint32_t, level->files.n + 1);
	int code, also;

	if (!level->files.n)
		return 0;
	for (size_t i = 0; i < level->files.n; i++)
		ids[i] = level->files.at[i]->pages_id;
	code = image_set_open_up(
		level->set, ids, level->files.n, holes_for, err);
	if (code)
		return code;
	for (size_t i = 0; i < level->files.n && !code; i++)
		code = file_punch(level, level->files.at[i], err);
	/* Whatever became of it: what is there now is what counts. */
	also = image_set_seal_again(
		level->set, ids, level->files.n, code ? ERR_UNREAD : err);
	dedup->result.sets++;
	return code ?: also;
}

static void page_size_find(struct dedup *dedup)
{
	const StasisManifest *manifest =
		image_set_manifest(dedup->levels.at[0].set);

	dedup->page_size = manifest ? manifest->page_size
				    : (uint32_t)sysconf(_SC_PAGESIZE);
}

static int dedup_run(struct dedup *dedup, int dir, bool spend, struct err *err)
{
	uint64_t id = 0;
	int code = levels_open(dedup, dir, err);

	if (code)
		return code;
	page_size_find(dedup);
	/* A set of another engine cannot be named. What was spent is nobody's.
	 */
	if (!spend)
		id = image_set_id(dedup->levels.at[0].set);
	code = image_set_each(dedup->levels.at[0].set,
		spend ? object_spend : object_dedup, dedup, err);
	for (size_t i = 0; i < dedup->levels.n && !code; i++) {
		code = level_punch(dedup, &dedup->levels.at[i],
			id || spend ? &id : NULL, err);
		if (code && i)
			err_wrap(err, "the parent of the images");
	}
	return code;
}

static int dedup_do(struct arena *arena, int dir, bool spend,
	struct dedup_result *ret, struct err *err)
{
	struct dedup dedup = {.arena = arena};
	int code = dedup_run(&dedup, dir, spend, err);

	if (dedup.levels.n)
		image_set_close(dedup.levels.at[0].set);
	if (!code)
		*ret = dedup.result;
	return code;
}

int dedup_parents(
	struct arena *arena, int dir, struct dedup_result *ret, struct err *err)
{
	return dedup_do(arena, dir, false, ret, err);
}

int dedup_spend(
	struct arena *arena, int dir, struct dedup_result *ret, struct err *err)
{
	return dedup_do(arena, dir, true, ret, err);
}
