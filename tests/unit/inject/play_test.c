/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/play.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

TEST(results_of_calls_go_into_later_ones)
{
	struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "test");
	struct err err = {0};
	uint32_t made, copy;
	void *block = NULL;
	int64_t fd = -1, other = -1;

	made = tape_call(tape, CALL_eventfd2, A(5), A(O_CLOEXEC));
	copy = tape_call(tape, CALL_fcntl, A_RESULT(made), A(F_DUPFD), A(900));
	CHECK_INT(play_tape(tape, &block, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(tape_result(tape, block, made, 0, 899, &fd, &err), 0);
	CHECK_INT(tape_result(tape, block, copy, 900, 1000, &other, &err), 0);
	CHECK_INT(fcntl((int)fd, F_GETFD), FD_CLOEXEC);
	CHECK_INT(fcntl((int)other, F_GETFD), 0);
	close((int)fd);
	close((int)other);
	arena_free(arena);
}

TEST(data_and_reads_reach_memory)
{
	struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "test");
	char first[3] = "..", second[6] = ".....", third[4] = "...";
	int fd = memfd_create("x", MFD_CLOEXEC);
	struct tape_iov iov[2] = {
		{(uintptr_t)first, 2},
		{(uintptr_t)second, 5},
	};
	struct err err = {0};
	uint64_t at;

	CHECK_INT(write(fd, "0123456789", 10), 10);
	at = tape_data(tape, "xyz", 3);
	tape_read(tape, A(fd), iov, 2, 1);
	tape_copy(tape, A((uintptr_t)third), A_DATA(at), 3);
	CHECK_INT(play_tape(tape, NULL, &err), 0);
	CHECK_STR(first, "12");
	CHECK_STR(second, "34567");
	CHECK_STR(third, "xyz");
	close(fd);
	arena_free(arena);
}

TEST(a_read_behind_the_end_is_an_error)
{
	struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "test");
	int fd = memfd_create("x", MFD_CLOEXEC);
	struct err err = {0};
	char buf[4];
	struct tape_iov iov = {(uintptr_t)buf, sizeof(buf)};

	CHECK_INT(write(fd, "01", 2), 2);
	tape_read(tape, A(fd), &iov, 1, 0);
	CHECK_INT(play_tape(tape, NULL, &err), -EIO);
	close(fd);
	arena_free(arena);
}

TEST(the_first_failure_ends_it_and_is_a_sentence)
{
	struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "the maker");
	struct err err = {0};
	int fds[2];

	CHECK_INT(pipe(fds), 0);
	tape_try(tape, CALL_close, A(-1));
	tape_about(tape, "fd 7: eventfd");
	tape_call(tape, CALL_close, A(-1));
	tape_call(tape, CALL_close, A(fds[0]));
	CHECK_INT(play_tape(tape, NULL, &err), -EBADF);
	CHECK(strstr(err.text, "the maker"));
	CHECK(strstr(err.text, "fd 7: eventfd"));
	CHECK(fcntl(fds[0], F_GETFD) >= 0);
	close(fds[0]);
	close(fds[1]);
	arena_free(arena);
}

TEST(what_stops_or_makes_threads_is_refused)
{
	struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "test");
	struct err err = {0};

	tape_stop(tape);
	CHECK_INT(play_tape(tape, NULL, &err), -ENOSYS);
	arena_free(arena);
}
