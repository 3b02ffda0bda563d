/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/dedup.h"

#include <sys/stat.h>

#include "../image/page_sets.h"
#include "pages/source.h"

/* Three sets, each with pages that an older one has, too. */
struct chain {
	struct arena *arena;
	struct scratch scratch;
	int fds[3];
	struct err err;
};

static const struct run old[] = {{0x1000, 8, 4}};
static const struct run middle[] = {
	{0x1000, 2, 1}, {0x3000, 3, 4}, {0x6000, 3, 1}};
static const struct run young[] = {{0x1000, 1, 4}, {0x2000, 2, 1},
	{0x4000, 1, 4}, {0x5000, 3, 1}, {0x8000, 1, 4}};

static struct chain chain_make(void)
{
	struct chain chain = {.arena = arena_new(), .scratch = scratch_make()};
	char name[2] = "0";

	for (int i = 0; i < 3; i++, name[0]++) {
		CHECK_INT(mkdirat(chain.scratch.fd, name, 0700), 0);
		chain.fds[i] =
			openat(chain.scratch.fd, name, O_RDONLY | O_CLOEXEC);
	}
	set_write(chain.fds[0], NULL, old, 1, 'a');
	set_write(chain.fds[1], "../0", middle, 3, 'k');
	set_write(chain.fds[2], "../1", young, 5, 'x');
	return chain;
}

static void chain_end(struct chain *chain)
{
	for (int i = 0; i < 3; i++)
		close(chain->fds[i]);
	scratch_remove(&chain->scratch);
	arena_free(chain->arena);
}

/* The first letters of the 8 pages, as read through a set; "": not. */
static const char *letters(struct chain *chain, int which)
{
	_cleanup_source_reader_ struct source_reader reader = {0};
	struct image_set *set = NULL;
	struct source source;
	char *text = arena_alloc(chain->arena, 9);

	memset(text, 0, 9);
	chain->err = (struct err){0};
	if (image_set_open(chain->arena, chain->fds[which], &set, &chain->err))
		return "";
	if (!source_load(set, IMAGE_PAGEMAP, 1, PAGE, &source, &chain->err)) {
		source_reader_open(&reader, chain->arena, &source);
		for (uint64_t i = 0; i < 8; i++)
			if (source_read(&reader, 0x1000 + i * PAGE, text + i,
				    1) == 1 &&
				!text[i])
				text[i] = '0';
	}
	source_reader_close(&reader);
	image_set_close(set);
	return text;
}

/* Where a file has room for less than a page of these at a time. */
static void blocks_are(const struct chain *chain, int which, uint64_t n)
{
	struct stat st;

	CHECK_INT(fstatat(chain->fds[which], "pages-1.img", &st, 0), 0);
	if (st.st_blksize <= PAGE)
		CHECK_INT((uint64_t)st.st_blocks * 512 / PAGE, n);
}

TEST(what_newer_sets_have_is_freed_and_the_chain_reads_the_same)
{
	struct chain chain = chain_make();
	struct dedup_result freed;

	CHECK_STR(letters(&chain, 2), "xbkymfgz");
	CHECK_INT(dedup_parents(chain.arena, chain.fds[2], &freed, &chain.err),
		0);
	/* 1, 4, 8 and those of the middle, 3 to 5; 4 of the middle. */
	CHECK_INT(freed.pages, 5 + 1);
	CHECK_INT(freed.sets, 2);
	blocks_are(&chain, 0, 3);
	blocks_are(&chain, 1, 2);
	blocks_are(&chain, 2, 3);
	CHECK_STR(letters(&chain, 2), "xbkymfgz");
	chain_end(&chain);
}

TEST(a_set_with_holes_is_read_only_through_the_one_that_has_the_pages)
{
	struct chain chain = chain_make();
	struct dedup_result freed;

	CHECK_INT(dedup_parents(chain.arena, chain.fds[2], &freed, &chain.err),
		0);
	CHECK_STR(letters(&chain, 1), "");
	CHECK_INT(chain.err.code, ENODATA);
	CHECK(strstr(chain.err.text, "a newer dump has anew"));
	CHECK_STR(letters(&chain, 0), "");
	CHECK_INT(chain.err.code, ENODATA);
	chain_end(&chain);
}

TEST(a_set_whose_pages_were_spent_is_read_by_nobody)
{
	struct chain chain = chain_make();
	struct dedup_result freed;

	CHECK_INT(
		dedup_spend(chain.arena, chain.fds[2], &freed, &chain.err), 0);
	CHECK_INT(freed.pages, 8);
	blocks_are(&chain, 2, 0);
	CHECK_STR(letters(&chain, 2), "");
	CHECK(strstr(chain.err.text, "freed while it was restored"));
	chain_end(&chain);
}

TEST(a_set_that_somebody_was_killed_over_is_whole_for_its_heir)
{
	struct chain chain = chain_make();
	struct image_set *set = NULL, *heir = NULL;
	const uint32_t id = 1;
	uint64_t heir_id;
	int fd = -1;

	CHECK_INT(image_set_open(chain.arena, chain.fds[2], &heir, &chain.err),
		0);
	heir_id = image_set_id(heir);
	CHECK(heir_id != 0);
	image_set_close(heir);
	CHECK_INT(
		image_set_open(chain.arena, chain.fds[0], &set, &chain.err), 0);
	CHECK_INT(image_set_open_up(set, &id, 1, &heir_id, &chain.err), 0);
	CHECK_INT(image_pages_reopen(set, 1, &fd, &chain.err), 0);
	/* The page at 0x1000, which the newest has. */
	CHECK_INT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			  PAGE),
		0);
	close(fd);
	image_set_close(set);
	CHECK_STR(letters(&chain, 2), "xbkymfgz");
	CHECK_STR(letters(&chain, 0), "");
	chain_end(&chain);
}
