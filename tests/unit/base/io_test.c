/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
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
