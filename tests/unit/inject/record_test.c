/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tapes as they are recorded, pressed for each machine, judged and printed. */
#include "inject/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static void *tape_block(
	struct arena *arena, const struct tape *tape, const struct backend *be)
{
	void *block = arena_alloc(arena, tape_size(tape));
	struct err err = {0};

	if (!CHECK_INT(tape_press(tape, be, -4096, block, &err), 0))
		CHECK_STR(err.text, "");
	return block;
}

TEST(calls_get_the_numbers_of_the_machine_when_a_tape_is_pressed)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	const struct tape_head *head;
	const struct tape_op *ops;

	tape_call(tape, CALL_getpid, A(0));
	tape_call(tape, CALL_close, A(7));
	for (size_t i = 0; backends[i]; i++) {
		head = tape_head(tape_block(arena, tape, backends[i]));
		ops = (const void *)(head + 1);
		CHECK_INT(head->count, 2);
		CHECK_INT(head->failed, -1);
		CHECK_INT(head->reel, -4096);
		CHECK_INT(ops[0].nr, backends[i]->calls[CALL_getpid]);
		CHECK_INT(ops[1].nr, backends[i]->calls[CALL_close]);
		CHECK_INT(ops[1].arg[0], 7);
	}
	CHECK_INT(tape->ops.at[1].nr, CALL_close);
}

TEST(a_call_that_a_machine_has_not_got_is_named)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	char block[512] __attribute__((aligned(16)));
	struct err err = {0};
	size_t absent = 0;
	uint32_t call;

	for (size_t i = 0; backends[i]; i++) {
		for (call = 0; call < CALL_COUNT; call++)
			if (backends[i]->calls[call] == CALL_ABSENT)
				break;
		if (call == CALL_COUNT)
			continue;
		absent++;
		tape->ops.n = tape->about.n = 0;
		tape_about(tape, "fd %d: old", 7);
		tape_op_add(tape, TAPE_SYSCALL, call, 0, NULL, 0);
		CHECK_INT(
			tape_press(tape, backends[i], 0, block, &err), -ENOSYS);
		CHECK(strstr(err.text, "task 42: fd 7: old: "));
		CHECK(strstr(err.text, backends[i]->name));
		CHECK(strstr(err.text, call_name(call)));
	}
	CHECK(absent > 0);
}

TEST(data_lies_behind_the_steps_and_arguments_find_it)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	uint64_t first = tape_data(tape, "hello", 6), second;
	const struct tape_op *ops;
	const char *block;

	second = tape_data(tape, NULL, 20);
	CHECK_INT(first % 16, 0);
	CHECK_INT(second % 16, 0);
	strcpy(tape_data_at(tape, second), "behind");
	tape_call(tape, CALL_write, A(1), A_DATA(first + 1), A(4));
	tape_copy(tape, A_REEL(64), A_DATA(second), 7);
	for (size_t i = 0; backends[i]; i++) {
		block = tape_block(arena, tape, backends[i]);
		ops = (const void *)(tape_head(block) + 1);
		CHECK_STR(block + ops[0].arg[1], "ello");
		CHECK_STR(block + ops[1].arg[1], "behind");
		CHECK_INT(ops[1].arg[0], 64);
		CHECK_INT(ops[1].kinds,
			TAPE_KIND(0, TAPE_REEL) | TAPE_KIND(1, TAPE_DATA));
		CHECK_INT(tape_size(tape) % 16, 0);
	}
}

TEST(data_is_read_back_and_nothing_beyond_it)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	uint64_t at = tape_data(tape, "hello", 6);
	const void *block = tape_block(arena, tape, backends[0]);
	struct err err = {0};
	char to[64] = "";

	CHECK_INT(tape_block_read(tape, block, at, to, 6, &err), 0);
	CHECK_STR(to, "hello");
	CHECK_INT(tape_block_read(tape, block, 16, to, 0, &err), 0);
	CHECK_INT(tape_block_read(tape, block, at, to, 17, &err), -EPROTO);
	CHECK_INT(tape_block_read(tape, block, 17, to, 0, &err), -EPROTO);
	CHECK_INT(
		tape_block_read(tape, block, UINT64_MAX, to, 2, &err), -EPROTO);
	CHECK_STR(err.text,
		"task 42 has no 2 bytes of data at 18446744073709551615");
}

/* 0 and the value, or the error. */
static int64_t result_of(const struct tape *tape, const void *block,
	uint32_t op, int64_t min, int64_t max)
{
	struct err err = {0};
	int64_t value;
	int code = tape_result(tape, block, op, min, max, &value, &err);

	CHECK_INT(code != 0, err.text[0] != '\0');
	return code ?: value;
}

TEST(results_are_read_back_by_the_index_of_their_step)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	uint32_t made, closed;
	struct tape_op *ops;
	char *block;

	made = tape_call(tape, CALL_eventfd2, A(3), A(0));
	closed = tape_try(tape, CALL_close, A_RESULT(made));
	block = tape_block(arena, tape, backends[0]);
	ops = (void *)(block + sizeof(struct tape_head));
	CHECK_INT(ops[closed].kinds & 3, TAPE_RESULT);
	CHECK_INT(ops[closed].arg[0], made);
	ops[made].result = 9;
	ops[closed].result = -EBADF;
	CHECK_INT(result_of(tape, block, made, 0, 9), 9);
	CHECK_INT(result_of(tape, block, closed, 0, 0), -EBADF);
}

TEST(results_that_cannot_be_are_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	struct err err = {0};
	struct tape_op *ops;
	int64_t value = 5;
	char *block;

	tape_about(tape, "groups");
	tape_call(tape, CALL_getgroups, A(4), A(0));
	tape_try(tape, CALL_close, A(3));
	block = tape_block(arena, tape, backends[0]);
	ops = (void *)(block + sizeof(struct tape_head));
	ops[0].result = 200000;
	CHECK_INT(tape_result(tape, block, 0, 0, 4, &value, &err), -EPROTO);
	CHECK_STR(err.text,
		"task 42: groups: getgroups cannot have answered 200000");
	CHECK(err.hint[0]);
	CHECK_INT(value, 5);
	/* Had it failed, the tape would have ended there. */
	ops[0].result = -EPERM;
	CHECK_INT(result_of(tape, block, 0, 0, 4), -EPROTO);
	ops[1].result = -4096;
	CHECK_INT(result_of(tape, block, 1, 0, 4), -EPROTO);
	ops[1].result = INT64_MIN;
	CHECK_INT(result_of(tape, block, 1, 0, 4), -EPROTO);
	CHECK_INT(result_of(tape, block, 2, 0, 4), -EPROTO);
}

TEST(a_failure_inside_becomes_a_sentence_outside)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	struct tape_iov iov = {0x10000, 4096};
	struct tape_head *head;
	struct err err = {0};

	tape_about(tape, "fd 7: eventfd");
	tape_call(tape, CALL_eventfd2, A(3), A(0));
	tape_about(tape, "pages");
	tape_read(tape, A(5), &iov, 1, 0);
	tape_meet(tape, A_REEL(0), 2);
	head = (void *)tape_block(arena, tape, backends[0]);
	head->played = 3;
	CHECK_INT(tape_check(tape, head, &err), 0);
	head->failed = 0;
	head->error = -EMFILE;
	CHECK_INT(tape_check(tape, head, &err), -EMFILE);
	CHECK_STR(err.text,
		"task 42: fd 7: eventfd: eventfd2: Too many open files");
	head->failed = 1;
	head->error = -EIO;
	CHECK_INT(tape_check(tape, head, &err), -EIO);
	CHECK_STR(err.text,
		"task 42: pages: reading its pages: Input/output error");
	head->failed = -1;
	head->played = 1;
	CHECK_INT(tape_check(tape, head, &err), -EPROTO);
	CHECK_STR(err.text, "task 42: the agent stopped after 1 of 3 steps");
}

TEST(a_thread_whose_number_is_taken_is_told_so)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	struct tape_head *head;
	struct err err = {0};

	tape_about(tape, "thread 43");
	tape_thread(tape, A_DATA(0), 88, A_REEL(0));
	head = (void *)tape_block(arena, tape, backends[0]);
	head->failed = 0;
	head->error = -EEXIST;
	CHECK_INT(tape_check(tape, head, &err), -EEXIST);
	CHECK_STR(err.text, "task 42: the pid of thread 43 is in use by "
			    "another process or thread");
	head->error = -EAGAIN;
	CHECK_INT(tape_check(tape, head, &err), -EAGAIN);
	CHECK_STR(err.text, "task 42: thread 43: making it (clone3): Resource "
			    "temporarily unavailable");
}

TEST(a_failure_that_cannot_be_is_one_all_the_same)
{
	static const struct {
		int32_t failed;
		int64_t error;
	} notes[] = {{0, 0}, {0, 5}, {0, -4096}, {0, INT64_MIN}, {0, 1ll << 32},
		{1, -EIO}, {INT32_MAX, -EIO}, {-2, -EIO}};
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	struct tape_head *head;
	struct err err = {0};

	tape_call(tape, CALL_eventfd2, A(3), A(0));
	head = (void *)tape_block(arena, tape, backends[0]);
	head->played = 1;
	for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++) {
		head->failed = notes[i].failed;
		head->error = notes[i].error;
		CHECK_INT(tape_check(tape, head, &err), -EPROTO);
		CHECK_STR(err.text, "task 42: the agent's notes make no sense");
	}
}

TEST(long_reads_are_split_as_the_kernel_needs)
{
	enum { AREAS = TAPE_IOV_MAX + 10 };
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape_iov *iov = arena_newn(arena, struct tape_iov, AREAS);
	struct tape *tape = tape_new(arena, "task 42");
	const struct tape_op *ops;

	for (size_t i = 0; i < AREAS; i++)
		iov[i] = (struct tape_iov){i << 20, 4096};
	tape_read(tape, A(5), iov, AREAS, 8192);
	CHECK_INT(tape->ops.n, 2);
	ops = tape->ops.at;
	CHECK_INT(ops[0].arg[2], TAPE_IOV_MAX);
	CHECK_INT(ops[0].arg[3], 8192);
	CHECK_INT(ops[1].arg[2], 10);
	CHECK_INT(ops[1].arg[3], 8192 + TAPE_IOV_MAX * 4096);
	CHECK_MEM((char *)tape_data_at(tape, ops[1].arg[1]),
		(char *)&iov[TAPE_IOV_MAX], 10 * sizeof(*iov));
}

TEST(a_tape_is_printed_one_line_a_step)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	FILE *stream;
	size_t size;
	char *text;
	uint32_t op;

	tape_about(tape, "fd 7: eventfd");
	op = tape_call(tape, CALL_eventfd2, A(3), A(0x80000));
	tape_call(tape, CALL_dup3, A_RESULT(op), A(7), A(0));
	tape_about(tape, "memory");
	tape_try(tape, CALL_brk, A(0));
	tape_copy(tape, A_REEL(16), A_DATA(tape_data(tape, "x", 1)), 1);
	tape_thread(tape, A_DATA(0), 88, A_REEL(0x2000));
	tape_stop(tape);
	stream = open_memstream(&text, &size);
	tape_print(tape, stream);
	fclose(stream);
	CHECK_STR(text, "tape of task 42: 6 steps, 432 bytes\n"
			"     0 eventfd2(3, 0x80000)  # fd 7: eventfd\n"
			"     1 dup3(op0, 7)  # fd 7: eventfd\n"
			"     2 brk?()  # memory\n"
			"     3 copy(reel+0x10, data+0, 1)  # memory\n"
			"     4 thread(data+0, 88, reel+0x2000)  # memory\n"
			"     5 stop()  # memory\n");
	free(text);
}
