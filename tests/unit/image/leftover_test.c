/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/leftover.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "proto/namespaces.pb-c.h"
#include "samples.h"

static void tell(void *of, const char *sentence)
{
	(void)sentence;
	++*(int *)of;
}

/* Enough of one image for it to be on the disk. */
static void write_some(struct arena *arena, int dir, struct image_set **ret)
{
	static const char bytes[6 << 20];

	REQUIRE(image_set_create(arena, dir, ret, ERR_UNREAD) == 0);
	CHECK_INT(image_raw_append(*ret, IMAGE_PAGES, 1, bytes, sizeof(bytes),
			  ERR_UNREAD),
		0);
}

static int folders(int dir)
{
	DIR *list = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;
	int n = 0;

	while ((entry = readdir(list)))
		n += entry->d_name[0] == '.' && entry->d_name[1] == 's';
	closedir(list);
	return n;
}

TEST(what_a_killed_writer_left_is_removed)
{
	struct scratch scratch = scratch_make();
	_cleanup_arena_ struct arena *arena = arena_new();
	struct image_set *set;
	pid_t child = fork();
	int told = 0;

	if (!child) {
		write_some(arena, scratch.fd, &set);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	CHECK_INT(folders(scratch.fd), 1);
	CHECK_INT(leftovers_remove(arena, scratch.fd, tell, &told, ERR_UNREAD),
		0);
	CHECK_INT(told, 1);
	CHECK_INT(folders(scratch.fd), 0);
	scratch_remove(&scratch);
}

TEST(a_writer_that_lives_keeps_his_folder)
{
	struct scratch scratch = scratch_make();
	_cleanup_arena_ struct arena *arena = arena_new();
	struct image_set *set = NULL;
	int told = 0;

	write_some(arena, scratch.fd, &set);
	CHECK_INT(leftovers_remove(arena, scratch.fd, tell, &told, ERR_UNREAD),
		0);
	CHECK_INT(told, 0);
	CHECK_INT(folders(scratch.fd), 1);
	image_set_close(set);
	CHECK_INT(folders(scratch.fd), 0);
	scratch_remove(&scratch);
}

TEST(folders_that_only_look_like_ours_stay)
{
	struct scratch scratch = scratch_make();
	_cleanup_arena_ struct arena *arena = arena_new();
	int told = 0;

	CHECK_INT(mkdirat(scratch.fd, ".stasis-open", 0755), 0);
	CHECK_INT(mkdirat(scratch.fd, ".stasis-abcdefgh", 0755), 0);
	CHECK_INT(mkdirat(scratch.fd, ".stasis-aside", 0700), 0);
	CHECK_INT(mkdirat(scratch.fd, ".stasis-renamed5", 0700), 0);
	file_write(scratch.fd, ".stasis-renamed5/ours", "text", 4);
	CHECK_INT(
		symlinkat(".stasis-aside", scratch.fd, ".stasis-hgfedcba"), 0);
	CHECK_INT(leftovers_remove(arena, scratch.fd, tell, &told, ERR_UNREAD),
		0);
	CHECK_INT(told, 0);
	CHECK_INT(folders(scratch.fd), 5);
	CHECK_INT(unlinkat(scratch.fd, ".stasis-renamed5/ours", 0), 0);
	unlinkat(scratch.fd, ".stasis-renamed5", AT_REMOVEDIR);
	unlinkat(scratch.fd, ".stasis-hgfedcba", 0);
	unlinkat(scratch.fd, ".stasis-open", AT_REMOVEDIR);
	unlinkat(scratch.fd, ".stasis-abcdefgh", AT_REMOVEDIR);
	unlinkat(scratch.fd, ".stasis-aside", AT_REMOVEDIR);
	scratch_remove(&scratch);
}
