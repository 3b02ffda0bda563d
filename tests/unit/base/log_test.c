/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/io.h"
#include "test.h"

static char *log_read(struct arena *arena, int fd)
{
	char *text = (char *)"";

	lseek(fd, 0, SEEK_SET);
	io_read_all(arena, fd, &text, NULL);
	return text;
}

TEST(log_lines_carry_a_time_and_their_text)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_fd_ int fd = memfd_create("log", MFD_CLOEXEC);
	long seconds, usec;
	char word[16] = "";
	char *text;

	log_open(fd, LOG_INFO);
	log_info("hello %d", 5);
	text = log_read(arena, fd);
	CHECK_INT(sscanf(text, "(%ld.%6ld) %15s", &seconds, &usec, word), 3);
	CHECK_STR(word, "hello");
	CHECK(strstr(text, "hello 5\n") != NULL);
}

TEST(log_lines_above_the_level_are_dropped)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_fd_ int fd = memfd_create("log", MFD_CLOEXEC);
	struct err err = {0};

	log_open(fd, LOG_WARN);
	CHECK(log_enabled(LOG_WARN) && !log_enabled(LOG_INFO));
	log_info("quiet");
	log_debug("quiet");
	CHECK_STR(log_read(arena, fd), "");
	log_warn("odd");
	CHECK(strstr(log_read(arena, fd), "Warn  odd\n") != NULL);
	log_open(fd, LOG_NONE);
	err_set(&err, EIO, "broken");
	log_error("dump", &err);
	CHECK(strstr(log_read(arena, fd), "broken") == NULL);
}

TEST(log_error_says_error_where_what_and_hint)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_fd_ int fd = memfd_create("log", MFD_CLOEXEC);
	struct err err = {0};
	char *text;

	log_open(fd, LOG_ERROR);
	err_set(&err, EIO, "broken");
	log_error("dump", &err);
	text = log_read(arena, fd);
	CHECK(strstr(text, "Error (dump): broken\n") != NULL);
	CHECK(strstr(text, "Hint") == NULL);
	err_hint(&err, "mend it");
	log_error("dump", &err);
	CHECK(strstr(log_read(arena, fd), "Hint: mend it\n") != NULL);
}

TEST(log_lines_that_are_too_long_are_cut_to_one_line)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_fd_ int fd = memfd_create("log", MFD_CLOEXEC);
	char big[5000];
	char *text;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_open(fd, LOG_INFO);
	log_info("%s", big);
	log_info("next");
	text = log_read(arena, fd);
	CHECK(strlen(text) < 2200);
	CHECK(strstr(text, "x\n(") != NULL);
}
