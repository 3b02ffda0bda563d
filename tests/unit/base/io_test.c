/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "test.h"

TEST(io_write_all_and_pread_exact_agree)
{
	_cleanup_fd_ int fd = memfd_create("io", MFD_CLOEXEC);
	char back[5];

	CHECK_INT(io_write_all(fd, "hello", 5), 0);
	CHECK_INT(io_pwrite_all(fd, "J", 1, 0), 0);
	CHECK_INT(io_pread_exact(fd, back, 5, 0), 0);
	CHECK_MEM(back, "Jello", 5);
}

TEST(io_read_that_meets_the_end_too_early_is_an_error)
{
	_cleanup_fd_ int fd = memfd_create("io", MFD_CLOEXEC);
	char back[8];

	io_write_all(fd, "hello", 5);
	CHECK_INT(io_pread_exact(fd, back, 6, 0), -EIO);
	lseek(fd, 0, SEEK_SET);
	CHECK_INT(io_read_exact(fd, back, 6), -EIO);
	CHECK_INT(io_read_exact(fd, back, 0), 0);
}

static void *drip_feed(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 6; i++) {
		usleep(1000);
		if (write(fd, "drip!\n" + i, 1) != 1)
			break;
	}
	return NULL;
}

TEST(io_read_exact_waits_for_short_transfers)
{
	char back[6] = "";
	pthread_t writer;
	int pair[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	pthread_create(&writer, NULL, drip_feed, &pair[1]);
	CHECK_INT(io_read_exact(pair[0], back, 6), 0);
	CHECK_MEM(back, "drip!\n", 6);
	pthread_join(writer, NULL);
	close(pair[0]);
	close(pair[1]);
}

TEST(io_read_all_takes_files_of_every_size)
{
	static const size_t sizes[] = {0, 1, 2047, 2048, 4095, 4096, 300001};
	_cleanup_arena_ struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		_cleanup_fd_ int fd = memfd_create("io", MFD_CLOEXEC);
		char *bytes = arena_alloc(arena, sizes[i] + 1), *back = NULL;
		size_t size = 99;

		memset(bytes, 'a' + (int)i, sizes[i]);
		io_write_all(fd, bytes, sizes[i]);
		lseek(fd, 0, SEEK_SET);
		CHECK_INT(io_read_all(arena, fd, &back, &size), 0);
		CHECK_INT(size, sizes[i]);
		CHECK_STR(back, bytes);
	}
}

TEST(io_read_file_leaves_results_alone_on_failure)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *bytes = (char *)"untouched";
	size_t size = 7;

	CHECK_INT(io_read_file(arena, AT_FDCWD, "/no/such", &bytes, &size),
		-ENOENT);
	CHECK_STR(bytes, "untouched");
	CHECK_INT(size, 7);
	CHECK_INT(
		io_read_file(arena, AT_FDCWD, "/proc/self/comm", &bytes, NULL),
		0);
	CHECK_STR(bytes, "io_test\n");
}

TEST(io_write_text_needs_the_file_to_exist)
{
	CHECK_INT(io_write_text(AT_FDCWD, "/proc/self/comm", "renamed"), 0);
	CHECK_INT(io_write_text(AT_FDCWD, "/proc/self/nothing", "x"), -ENOENT);
	io_write_text(AT_FDCWD, "/proc/self/comm", "io_test");
}

TEST(io_write_errors_come_back_as_numbers)
{
	_cleanup_fd_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK_INT(io_write_all(fd, "x", 1), -ENOSPC);
	CHECK_INT(io_write_all(-1, "x", 1), -EBADF);
	CHECK_INT(io_pwrite_all(-1, "x", 1, 0), -EBADF);
	CHECK_INT(io_read_exact(-1, (char[1]){0}, 1), -EBADF);
	CHECK_INT(io_pread_exact(-1, (char[1]){0}, 1, 0), -EBADF);
}

enum { GIVEN_MAX = 10000 };

static void given_leave(char **path)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", *path);
	CHECK_INT(system(command), 0);
}

/* A folder with all that somebody may put in the place of a file. */
static void given_make(char *path)
{
	int dir;
	_cleanup_fd_ int fd = -1;

	REQUIRE(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkfifoat(dir, "fifo", 0600);
	mkdirat(dir, "folder", 0700);
	CHECK_INT(symlinkat("/dev/zero", dir, "zero"), 0);
	CHECK_INT(symlinkat("/dev/tty", dir, "terminal"), 0);
	CHECK_INT(symlinkat("nothing", dir, "dangling"), 0);
	CHECK_INT(symlinkat("round", dir, "round"), 0);
	CHECK_INT(symlinkat("text", dir, "link"), 0);
	fd = openat(dir, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	fd = openat(dir, "text", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(io_write_all(fd, "text", 4), 0);
	close(dir);
}

TEST(io_a_file_of_others_is_regular_and_bounded_or_refused)
{
	static const struct {
		const char *name, *text;
		int code;
	} rows[] = {{"text", "text", 0}, {"link", "text", 0},
		{"fifo", "fifo is not a regular file", -EBADMSG},
		{"folder", "folder is not a regular file", -EBADMSG},
		{"zero", "zero is not a regular file", -EBADMSG},
		{"terminal", "terminal is not a regular file", -EBADMSG},
		{"dangling", "dangling is a link that leads nowhere", -EBADMSG},
		{"round", "opening round: Too many levels of symbolic links",
			-ELOOP},
		{"absent", "opening absent: No such file or directory",
			-ENOENT},
		{"sparse",
			"sparse has 1099511627776 bytes, more than the 10000 "
			"that such a file may have",
			-EFBIG}};
	_cleanup_arena_ struct arena *arena = arena_new();
	char path[] = "/tmp/stasis-io-XXXXXX";
	__attribute__((cleanup(given_leave))) char *folder = path;
	_cleanup_fd_ int dir = -1;
	struct err err;
	char *bytes;
	size_t size;

	given_make(path);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		err = (struct err){0};
		size = 0;
		CHECK_INT(io_read_regular(arena, dir, rows[i].name, GIVEN_MAX,
				  &bytes, &size, &err),
			rows[i].code);
		CHECK_STR(rows[i].code ? err.text : bytes, rows[i].text);
		CHECK_INT(size, rows[i].code ? 0 : 4);
	}
}

TEST(io_a_file_that_says_nothing_of_its_size_is_bounded_all_the_same)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct err err = {0};
	char *bytes;
	size_t size;

	CHECK_INT(io_read_regular(arena, AT_FDCWD, "/proc/self/status", 65536,
			  &bytes, &size, &err),
		0);
	CHECK(size > 100 && strlen(bytes) == size);
	CHECK_INT(io_read_regular(arena, AT_FDCWD, "/proc/self/status", 100,
			  &bytes, &size, &err),
		-EFBIG);
}
