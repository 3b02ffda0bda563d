/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "test.h"

enum { STRANGER = 65534 };

struct spot {
	char path[40];
	int dir;
	struct err err;
};

static struct spot spot_make(void)
{
	struct spot spot = {.path = "/tmp/stasis-place-XXXXXX"};

	CHECK(mkdtemp(spot.path) != NULL);
	spot.dir = open(spot.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return spot;
}

static void spot_leave(struct spot *spot)
{
	char command[64];

	close(spot->dir);
	snprintf(command, sizeof(command), "rm -rf %s", spot->path);
	CHECK_INT(system(command), 0);
}

#define SPOT(name) \
	__attribute__((cleanup(spot_leave))) struct spot name = spot_make()

static void file_put(struct spot *spot, const char *name, const char *text)
{
	_cleanup_fd_ int fd =
		openat(spot->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
}

static bool text_is(int fd, const char *text)
{
	char got[64] = "";

	return fd >= 0 && read(fd, got, 63) >= 0 && !strcmp(got, text);
}

static bool leads_to(
	struct spot *spot, const char *path, uint64_t resolve, const char *text)
{
	_cleanup_fd_ int fd = place_open(spot->dir, path, O_RDONLY, 0, resolve);

	return text_is(fd, text);
}

TEST(links_of_our_own_are_followed_wherever_they_lead)
{
	char up[64];
	SPOT(s);

	file_put(&s, "file", "text");
	CHECK(!mkdirat(s.dir, "a", 0700) && !mkdirat(s.dir, "a/b", 0700));
	file_put(&s, "a/b/deep", "deep");
	CHECK(!symlinkat("../../file", s.dir, "a/b/up"));
	CHECK(!symlinkat("a/b", s.dir, "in"));
	CHECK(!symlinkat("in/./up", s.dir, "both"));
	CHECK(!symlinkat(s.path, s.dir, "whole"));
	snprintf(up, sizeof(up), "..%s/in/up", strrchr(s.path, '/'));
	CHECK(leads_to(&s, "in/up", 0, "text"));
	CHECK(leads_to(&s, "in//../b/deep", 0, "deep"));
	CHECK(leads_to(&s, "both", 0, "text"));
	CHECK(leads_to(&s, "whole/in/deep", 0, "deep"));
	CHECK(leads_to(&s, up, 0, "text"));
	CHECK(!leads_to(&s, "in/none", 0, ""));
}

TEST(a_root_of_its_own_is_not_left)
{
	SPOT(s);

	file_put(&s, "file", "text");
	CHECK(!mkdirat(s.dir, "a", 0700));
	CHECK(!symlinkat("../../../file", s.dir, "a/up"));
	CHECK(!symlinkat("/file", s.dir, "a/abs"));
	CHECK(!symlinkat("a", s.dir, "in"));
	CHECK(leads_to(&s, "/in/up", RESOLVE_IN_ROOT, "text"));
	CHECK(leads_to(&s, "in/abs", RESOLVE_IN_ROOT, "text"));
	CHECK(leads_to(&s, "../in/../../file", RESOLVE_IN_ROOT, "text"));
}

TEST(links_that_go_round_and_long_ones_end)
{
	static const struct {
		const char *path;
		int code;
	} rows[] = {{"round", -ELOOP}, {"round/x", -ELOOP}, {"self/x", -ELOOP}};
	SPOT(s);

	CHECK(!symlinkat("back", s.dir, "round"));
	CHECK(!symlinkat("round", s.dir, "back"));
	CHECK(!symlinkat("self", s.dir, "self"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_INT(place_open(s.dir, rows[i].path, O_RDONLY, 0, 0),
			rows[i].code);
}

TEST(a_magic_link_is_followed_only_where_that_is_said)
{
	_cleanup_fd_ int fd = -1;
	char path[32];
	SPOT(s);

	file_put(&s, "file", "text");
	fd = openat(s.dir, "file", O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(leads_to(&s, path, 0, "text"));
	CHECK(!leads_to(&s, path, RESOLVE_NO_MAGICLINKS, "text"));
}

TEST(links_of_others_are_not_followed)
{
	SPOT(s);

	if (geteuid() != 0)
		return;
	file_put(&s, "file", "text");
	CHECK(!mkdirat(s.dir, "a", 0700));
	file_put(&s, "a/file", "text");
	CHECK(!symlinkat("file", s.dir, "link") &&
		!symlinkat("a", s.dir, "in"));
	CHECK(leads_to(&s, "link", 0, "text"));
	CHECK(!fchownat(
		s.dir, "link", STRANGER, STRANGER, AT_SYMLINK_NOFOLLOW));
	CHECK(!fchownat(s.dir, "in", STRANGER, STRANGER, AT_SYMLINK_NOFOLLOW));
	CHECK_INT(place_open(s.dir, "link", O_RDONLY, 0, 0), -ELOOP);
	CHECK_INT(place_open(s.dir, "in/file", O_RDONLY, 0, 0), -ELOOP);
}

static int create(struct spot *spot, const char *name)
{
	int fd = -1,
	    code = place_create(spot->dir, name, 0600, &fd, &spot->err);

	if (fd >= 0)
		close(fd);
	return code;
}

TEST(a_file_to_append_to_is_new_or_emptied)
{
	SPOT(s);

	CHECK_INT(create(&s, "log"), 0);
	file_put(&s, "log", "old");
	CHECK_INT(create(&s, "log"), 0);
	CHECK(leads_to(&s, "log", 0, ""));
	CHECK_INT(create(&s, "/dev/null"), 0);
	CHECK_INT(create(&s, "none/log"), -ENOENT);
	CHECK_INT(create(&s, "log/"), -EISDIR);
}

TEST(in_a_directory_of_others_an_old_file_must_be_ours_alone)
{
	SPOT(s);

	file_put(&s, "log", "old");
	file_put(&s, "theirs", "old");
	CHECK(!linkat(s.dir, "log", s.dir, "other", 0));
	CHECK(!mkfifoat(s.dir, "fifo", 0600));
	CHECK(!symlinkat("theirs", s.dir, "planted"));
	CHECK_INT(create(&s, "other"), 0);
	CHECK(!fchmod(s.dir, 0777));
	CHECK_INT(create(&s, "other"), -EPERM);
	CHECK(strstr(s.err.text, "by other names, too") != NULL);
	CHECK(!unlinkat(s.dir, "other", 0));
	CHECK_INT(create(&s, "log"), 0);
	CHECK(create(&s, "fifo") < 0);
	if (geteuid() != 0)
		return;
	CHECK(!fchownat(s.dir, "theirs", STRANGER, STRANGER, 0));
	CHECK(!fchownat(
		s.dir, "planted", STRANGER, STRANGER, AT_SYMLINK_NOFOLLOW));
	CHECK_INT(create(&s, "theirs"), -EPERM);
	CHECK(strstr(s.err.text, "another user's") != NULL);
	CHECK_INT(create(&s, "planted"), -ELOOP);
	CHECK(leads_to(&s, "theirs", 0, "old"));
}

TEST(a_name_is_taken_away_only_while_it_is_that_of_the_file)
{
	char name[PLACE_NAME];
	_cleanup_fd_ int fd = -1, folder = -1;
	SPOT(s);

	fd = place_new_file(s.dir, 0600, name);
	REQUIRE(fd >= 0);
	CHECK(!unlinkat(s.dir, name, 0));
	file_put(&s, name, "another");
	place_remove(s.dir, name, fd);
	CHECK(leads_to(&s, name, 0, "another"));
	folder = place_new_dir(s.dir, name);
	REQUIRE(folder >= 0);
	place_remove(s.dir, name, folder);
	CHECK(faccessat(s.dir, name, F_OK, 0) < 0);
}

struct swapper {
	struct spot *spot;
	bool stop;
	int swaps;
};

static void swap(struct swapper *swapper, const char *name)
{
	int dir = swapper->spot->dir;
	char away[300];

	snprintf(away, sizeof(away), "away-%s", name);
	if (strncmp(name, ".stasis-", 8) != 0 || renameat(dir, name, dir, away))
		return;
	if (swapper->swaps++ % 2)
		symlinkat("/tmp", dir, name);
	/* Nobody else can make one that is ours for even a moment. */
	else if (!mkdirat(dir, "a-his", 0700) &&
		 !fchownat(dir, "a-his", STRANGER, STRANGER, 0))
		renameat(dir, "a-his", dir, name);
}

/* Whatever hidden directory appears is exchanged for a link or a stranger's. */
static void *swap_always(void *arg)
{
	struct swapper *swapper = arg;
	const struct dirent *entry;
	DIR *list = opendir(swapper->spot->path);

	while (list && !__atomic_load_n(&swapper->stop, __ATOMIC_RELAXED)) {
		rewinddir(list);
		while ((entry = readdir(list)))
			swap(swapper, entry->d_name);
	}
	if (list)
		closedir(list);
	return NULL;
}

TEST(a_directory_that_was_swapped_in_is_not_taken_for_ours)
{
	char name[PLACE_NAME], command[120];
	struct swapper swapper = {0};
	int lost = 0;
	pthread_t thread;
	struct stat stat;
	SPOT(s);

	if (geteuid() != 0)
		return;
	swapper.spot = &s;
	snprintf(command, sizeof(command), "rm -rf %s/a* %s/.s* 2>&-; true",
		s.path, s.path);
	REQUIRE(!pthread_create(&thread, NULL, swap_always, &swapper));
	for (int i = 0; i < 1000 && lost < 50; i++) {
		_cleanup_fd_ int fd = place_new_dir(s.dir, name);

		lost += fd < 0;
		if (i % 100 == 99)
			CHECK_INT(system(command), 0);
		if (fd < 0)
			continue;
		CHECK(!fstat(fd, &stat) && stat.st_uid == geteuid());
		CHECK_INT(stat.st_mode & 07777, 01700);
		place_remove(s.dir, name, fd);
	}
	__atomic_store_n(&swapper.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("# %d swaps, %d of them seen\n", swapper.swaps, lost);
}
