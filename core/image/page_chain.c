/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/page_chain.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"

/* A chain longer than this goes round in circles. */
enum { DEPTH_MAX = 1000 };

/* One set of the chain with its map of the same object. */
struct link {
	struct image_set *set;
	struct pages_map map;
	int fd;
};

struct walk {
	struct arena *arena;
	enum image_type type;
	uint64_t id;
	uint32_t page_size;
	VEC(struct link) links;
	VEC(struct page_piece) pieces;
	VEC(int) fds;
};

static int link_load(struct walk *walk, struct image_set *set, struct err *err)
{
	struct link link = {.set = set, .fd = -1};
	uint64_t size;
	int code;

	code = pages_load(
		set, walk->type, walk->id, walk->page_size, &link.map, err);
	if (code < 0)
		return code;
	if (link.map.stored) {
		code = image_raw_open(set, IMAGE_PAGES, link.map.pages_id,
			&link.fd, &size, err);
		if (code < 0)
			return code;
		*vec_push(walk->arena, &walk->fds) = link.fd;
	}
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

static int range_find(struct walk *walk, size_t depth, uint64_t from,
	uint64_t end, struct err *err);

/* The part of a run that is in [from, end). */
static int run_take(struct walk *walk, size_t depth,
	const struct pages_run *run, uint64_t from, uint64_t end,
	struct err *err)
{
	if (run->flags & PAGES_PRESENT) {
		*vec_push(walk->arena, &walk->pieces) =
			(struct page_piece){.vaddr = from,
				.nr_pages = (end - from) / walk->page_size,
				.fd = walk->links.at[depth].fd,
				.offset = run->offset + (from - run->vaddr),
				.lazy = run->flags & PAGES_LAZY};
		return 0;
	}
	if (run->flags & PAGES_PARENT)
		return range_find(walk, depth + 1, from, end, err);
	/* Lazy and nothing else: still at the source, nothing to read. */
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

int page_chain_open(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t page_size, struct page_chain *ret_chain, struct err *err)
{
	struct walk walk = {.arena = image_set_arena(set),
		.type = type,
		.id = id,
		.page_size = page_size};
	struct page_chain chain = {.page_size = page_size};
	int ret = walk_run(&walk, set, err);

	chain.pieces = walk.pieces.at;
	chain.n = walk.pieces.n;
	chain.fds.at = walk.fds.at;
	chain.fds.n = walk.fds.n;
	if (ret < 0) {
		page_chain_close(&chain);
		return ret;
	}
	*ret_chain = chain;
	return 0;
}

void page_chain_close(struct page_chain *chain)
{
	for (size_t i = 0; i < chain->fds.n; i++)
		close(chain->fds.at[i]);
	chain->fds.n = 0;
	chain->n = 0;
}

static const struct page_piece *piece_find(
	const struct page_chain *chain, uint64_t vaddr)
{
	size_t low = 0, high = chain->n, middle;
	const struct page_piece *piece;

	while (low < high) {
		middle = low + (high - low) / 2;
		piece = &chain->pieces[middle];
		if (vaddr < piece->vaddr)
			high = middle;
		else if (vaddr - piece->vaddr >=
			 piece->nr_pages * chain->page_size)
			low = middle + 1;
		else
			return piece;
	}
	return NULL;
}

size_t page_chain_read(
	const struct page_chain *chain, uint64_t vaddr, void *to, size_t size)
{
	const struct page_piece *piece;
	uint64_t into, now;
	size_t done = 0;

	while (done < size) {
		piece = piece_find(chain, vaddr + done);
		if (!piece)
			break;
		into = vaddr + done - piece->vaddr;
		now = piece->nr_pages * chain->page_size - into;
		if (now > size - done)
			now = size - done;
		if (io_pread_exact(piece->fd, (char *)to + done, (size_t)now,
			    (off_t)(piece->offset + into)) < 0)
			break;
		done += (size_t)now;
	}
	return done;
}
