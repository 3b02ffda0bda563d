/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/source.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/vec.h"

/* A chain longer than this goes round in circles. */
enum { DEPTH_MAX = 1000 };

/* One set of the chain with its map of the same object. */
struct link {
	struct image_set *set;
	struct pages_map map;
	uint32_t file; /* its number, or SOURCE_ELSEWHERE: not needed yet */
};

struct walk {
	struct arena *arena;
	enum image_type type;
	uint64_t id;
	uint32_t page_size;
	uint64_t stored;
	VEC(struct link) links;
	VEC(struct source_piece) pieces;
	VEC(struct source_file) files;
};

/* Pages may have been taken out of it that a newer set has. Is that one of
 * those through which we came here? */
static int holes_check(
	const struct walk *walk, const struct image_set *set, struct err *err)
{
	const StasisManifest *manifest = image_set_manifest(set);

	if (!manifest || !manifest->has_holes_for)
		return 0;
	for (size_t i = 0; i < walk->links.n && manifest->holes_for; i++)
		if (image_set_id(walk->links.at[i].set) == manifest->holes_for)
			return 0;
	if (!manifest->holes_for) {
		err_set(err, ENODATA,
			"its pages were freed while it was restored");
		return err_hint(err, "restore with --auto-dedup uses the "
				     "images up");
	}
	err_set(err, ENODATA,
		"pages were taken out of it that a newer dump has anew");
	return err_hint(err, "that dump, which builds upon this one, is the "
			     "one to use (--auto-dedup, dedup)");
}

static int link_load(struct walk *walk, struct image_set *set, struct err *err)
{
	struct link link = {.set = set, .file = SOURCE_ELSEWHERE};
	int code = holes_check(walk, set, err);

	if (!code)
		code = pages_load(set, walk->type, walk->id, walk->page_size,
			&link.map, err);
	if (code < 0)
		return code;
	*vec_push(walk->arena, &walk->links) = link;
	return 0;
}

/* Parents are opened when they are first needed. */
static int link_need(struct walk *walk, size_t depth, struct err *err)
{
	struct image_set *parent = NULL;
	int code;

	if (depth < walk->links.n)
		return 0;
	if (depth > DEPTH_MAX)
		return err_set(err, ELOOP,
			"the image directories are parents of each other");
	code = image_set_open_parent(
		walk->links.at[depth - 1].set, &parent, err);
	if (code < 0)
		return code;
	if (!parent)
		return err_set(err, EBADMSG,
			"pages are said to be in the parent of the images, but "
			"there is no parent");
	if (link_load(walk, parent, err) < 0)
		return err_wrap(err, "the parent of the images");
	return 0;
}

static uint32_t link_file(struct walk *walk, size_t depth)
{
	struct link *link = &walk->links.at[depth];

	if (link->file == SOURCE_ELSEWHERE) {
		link->file = (uint32_t)walk->files.n;
		*vec_push(walk->arena, &walk->files) = (struct source_file){
			link->set, link->map.pages_id, (unsigned)depth};
	}
	return link->file;
}

static void piece_add(struct walk *walk, const struct source_piece *piece)
{
	struct source_piece *last =
		walk->pieces.n ? &walk->pieces.at[walk->pieces.n - 1] : NULL;
	uint64_t size = last ? last->nr_pages * walk->page_size : 0;

	if (last && last->vaddr + size == piece->vaddr &&
		last->file == piece->file && last->flags == piece->flags &&
		(piece->file == SOURCE_ELSEWHERE ||
			last->offset + size == piece->offset))
		last->nr_pages += piece->nr_pages;
	else
		*vec_push(walk->arena, &walk->pieces) = *piece;
}

static int range_find(struct walk *walk, size_t depth, uint64_t from,
	uint64_t end, struct err *err);

/* The part of a run that is in [from, end). */
static int run_take(struct walk *walk, size_t depth,
	const struct pages_run *run, uint64_t from, uint64_t end,
	struct err *err)
{
	struct source_piece piece = {.vaddr = from,
		.nr_pages = (end - from) / walk->page_size,
		.flags = run->flags & (PAGES_PRESENT | PAGES_LAZY),
		.file = SOURCE_ELSEWHERE};

	if (run->flags & PAGES_PRESENT) {
		piece.file = link_file(walk, depth);
		piece.offset = run->offset + (from - run->vaddr);
		walk->stored += piece.nr_pages;
	} else if (run->flags & PAGES_PARENT) {
		return range_find(walk, depth + 1, from, end, err);
	}
	if (piece.flags)
		piece_add(walk, &piece);
	return 0;
}

/* All of [from, end) must be covered by runs of the set at this depth. */
static int range_find(struct walk *walk, size_t depth, uint64_t from,
	uint64_t end, struct err *err)
{
	const struct pages_run *run;
	uint64_t stop;
	int code;

	code = link_need(walk, depth, err);
	if (code < 0)
		return code;
	while (from < end) {
		run = pages_find(&walk->links.at[depth].map, from);
		if (!run)
			return err_set(err, EBADMSG,
				"the page at 0x%" PRIx64 " is in none of the "
				"parents of the images",
				from);
		stop = run->vaddr + run->nr_pages * walk->page_size;
		if (stop > end)
			stop = end;
		code = run_take(walk, depth, run, from, stop, err);
		if (code < 0)
			return code;
		from = stop;
	}
	return 0;
}

static int walk_run(struct walk *walk, struct image_set *set, struct err *err)
{
	const struct pages_run *run;
	uint64_t end;
	int code;

	code = link_load(walk, set, err);
	if (code == -ENODATA)
		err_wrap(err, "these images");
	if (code < 0)
		return code;
	for (size_t i = 0; i < walk->links.at[0].map.n; i++) {
		run = &walk->links.at[0].map.runs[i];
		end = run->vaddr + run->nr_pages * walk->page_size;
		code = run_take(walk, 0, run, run->vaddr, end, err);
		if (code < 0)
			return code;
	}
	return 0;
}

int source_load(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t page_size, struct source *ret, struct err *err)
{
	struct walk walk = {.arena = image_set_arena(set),
		.type = type,
		.id = id,
		.page_size = page_size};
	int code = walk_run(&walk, set, err);

	if (code < 0)
		return code;
	*ret = (struct source){.page_size = page_size,
		.pieces = walk.pieces.at,
		.n = walk.pieces.n,
		.files = walk.files.at,
		.n_files = walk.files.n,
		.stored = walk.stored};
	return 0;
}

size_t source_behind(const struct source *source, uint64_t vaddr)
{
	size_t low = 0, high = source->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (source_piece_end(source, &source->pieces[middle]) <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct source_piece *source_piece_find(
	const struct source *source, uint64_t vaddr)
{
	size_t i = source_behind(source, vaddr);

	return i < source->n && source->pieces[i].vaddr <= vaddr
		       ? &source->pieces[i]
		       : NULL;
}

int source_file_open(const struct source *source, uint32_t file, int *ret_fd,
	struct err *err)
{
	const struct source_file *from = &source->files[file];
	uint64_t size;
	int code = image_raw_open(
		from->set, IMAGE_PAGES, from->pages_id, ret_fd, &size, err);

	return code < 0 && from->depth
		       ? err_wrap(err, "the parent of the images")
		       : code;
}

const char *source_file_name(
	struct arena *arena, const struct source *source, uint32_t file)
{
	const struct source_file *from = &source->files[file];
	const char *above = "";

	if (from->depth == 1)
		above = "parent/";
	else if (from->depth)
		above = arena_printf(arena, "parent %u/", from->depth);
	return arena_printf(arena, "%spages-%u.img", above, from->pages_id);
}

void source_reader_open(
	struct source_reader *ret, struct arena *arena, const struct source *of)
{
	*ret = (struct source_reader){
		.source = of, .fds = arena_newn(arena, int, of->n_files + 1)};
	for (size_t i = 0; i < of->n_files; i++)
		ret->fds[i] = -1;
}

void source_reader_close(struct source_reader *reader)
{
	for (size_t i = 0; reader->source && i < reader->source->n_files; i++)
		fd_closep(&reader->fds[i]);
	reader->source = NULL;
}

int source_reader_fd(struct source_reader *reader, uint32_t file, int *ret_fd,
	struct err *err)
{
	int code = 0;

	if (reader->fds[file] < 0)
		code = source_file_open(
			reader->source, file, &reader->fds[file], err);
	if (!code)
		*ret_fd = reader->fds[file];
	return code;
}

size_t source_read(
	struct source_reader *reader, uint64_t vaddr, void *to, size_t size)
{
	const struct source *source = reader->source;
	const struct source_piece *piece;
	uint64_t into, now;
	size_t done = 0;
	int fd;

	while (done < size) {
		piece = source_piece_find(source, vaddr + done);
		if (!piece || piece->file == SOURCE_ELSEWHERE ||
			source_reader_fd(reader, piece->file, &fd, ERR_UNREAD))
			break;
		into = vaddr + done - piece->vaddr;
		now = piece->nr_pages * source->page_size - into;
		if (now > size - done)
			now = size - done;
		if (io_pread_exact(fd, (char *)to + done, (size_t)now,
			    (off_t)(piece->offset + into)) < 0)
			break;
		done += (size_t)now;
	}
	return done;
}
