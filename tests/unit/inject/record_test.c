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
		CHECK_STR(tape_block_data(tape, block, first), "hello");
		CHECK_INT(ops[1].kinds,
			TAPE_KIND(0, TAPE_REEL) | TAPE_KIND(1, TAPE_DATA));
		CHECK_INT(tape_size(tape) % 16, 0);
	}
}

TEST(results_are_read_back_by_the_index_of_their_step)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct tape *tape = tape_new(arena, "task 42");
	uint32_t made, closed;
	struct tape_op *ops;
	char *block;

	made = tape_call(tape, CALL_eventfd2, A(3), A(0));
	closed = tape_call(tape, CALL_close, A_RESULT(made));
	block = tape_block(arena, tape, backends[0]);
	ops = (void *)(block + sizeof(struct tape_head));
	CHECK_INT(ops[closed].kinds & 3, TAPE_RESULT);
	CHECK_INT(ops[closed].arg[0], made);
	ops[made].result = 9;
	ops[closed].result = -EBADF;
	CHECK_INT(tape_result(block, made), 9);
	CHECK_INT(tape_result(block, closed), -EBADF);
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
	CHECK_STR(err.text, "task 42: pages: read: Input/output error");
	head->failed = -1;
	head->played = 1;
	CHECK_INT(tape_check(tape, head, &err), -EPROTO);
	CHECK_STR(err.text, "task 42: the agent stopped after 1 of 3 steps");
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
