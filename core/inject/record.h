/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record: making tapes.
 *
 * A struct tape grows op by op in an arena; nothing here fails. System calls
 * are named by enum call, and get numbers only when the tape is pressed into
 * the block of memory that the agent plays (inject/tape.h). tape_about()
 * says on whose behalf the next ops are, so that a failure inside another
 * process can be told as a sentence.
 *
 *	tape_about(t, "fd 7: eventfd");
 *	op = tape_call(t, CALL_eventfd2, A(3), A(EFD_CLOEXEC));
 *	tape_call(t, CALL_dup3, A_RESULT(op), A(7), A(O_CLOEXEC));
 */
#ifndef STASIS_INJECT_RECORD_H
#define STASIS_INJECT_RECORD_H

#include <stdbool.h>
#include <stdio.h>

#include "backend.h"
#include "base/vec.h"
#include "inject/tape.h"

struct arg {
	uint64_t kind; /* enum tape_arg */
	uint64_t value;
};

/* On whose behalf an op is: a text, and a range of addresses if end is set.
 * Ranges are many, so they become text only when somebody reads it. */
struct tape_about {
	const char *text;
	uint64_t start, end;
};

struct tape {
	struct arena *arena;
	VEC(struct tape_op) ops;
	VEC(struct tape_about) about; /* one per op */
	char *data;
	size_t data_size, data_room;
	struct tape_about now_about;
	const char *title; /* "task 42", "thread 43" */
};

/* Arguments: a number; data of this tape (what tape_data returned, plus an
 * offset); something in the reel; the result of an earlier op. */
#define A(v) ((struct arg){TAPE_VALUE, (uint64_t)(v)})
#define A_DATA(at) ((struct arg){TAPE_DATA, (uint64_t)(at)})
#define A_REEL(at) ((struct arg){TAPE_REEL, (uint64_t)(at)})
#define A_RESULT(op) ((struct arg){TAPE_RESULT, (uint64_t)(op)})

struct tape *tape_new(struct arena *arena, const char *title);
void tape_about(struct tape *tape, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "<what> START-END"; what must outlive the tape. */
void tape_about_range(
	struct tape *tape, const char *what, uint64_t start, uint64_t end);

/* Room for data that travels with the tape, 16-aligned; from == NULL: zeros.
 * Returns what A_DATA takes. */
uint64_t tape_data(struct tape *tape, const void *from, size_t size);
void *tape_data_at(struct tape *tape, uint64_t at); /* dies at next data */

/* Each adds one op and returns its index (for A_RESULT and results). */
uint32_t tape_op_add(struct tape *tape, uint8_t verb, uint32_t nr,
	uint8_t flags, const struct arg *args, size_t n_args);
#define tape_call(tape, call, ...) tape_call_flags(tape, 0, call, __VA_ARGS__)
#define tape_try(tape, call, ...) \
	tape_call_flags(tape, TAPE_MAY_FAIL, call, __VA_ARGS__)
#define tape_call_flags(tape, flags, call, ...)             \
	tape_op_add(tape, TAPE_SYSCALL, call, flags,        \
		((const struct arg[]){__VA_ARGS__}),        \
		sizeof((const struct arg[]){__VA_ARGS__}) / \
			sizeof(struct arg))
uint32_t tape_copy(
	struct tape *tape, struct arg to, struct arg from, uint64_t size);
uint32_t tape_thread(struct tape *tape, struct arg clone_args, size_t size,
	struct arg child_tape);
uint32_t tape_meet(struct tape *tape, struct arg counter, uint32_t how_many);
uint32_t tape_stop(struct tape *tape);

/* preadv from fd at offset into these areas; split as the kernel needs. */
struct tape_iov {
	uint64_t base, size;
};
void tape_read(struct tape *tape, struct arg fd, const struct tape_iov *iov,
	size_t n_iov, uint64_t offset);

/* Bytes the pressed tape takes (a multiple of 16). */
size_t tape_size(const struct tape *tape);
/* Write the block; reel: the reel's base relative to the block. -ENOSYS with
 * the name of the call when the machine has no such system call. */
int tape_press(const struct tape *tape, const struct backend *be, int64_t reel,
	void *block, struct err *err);

/*
 * Of a block that was played and read back. It was in the memory of a process,
 * whose user may have had another one write into it meanwhile: what it says is
 * believed only as far as these functions have looked at it. They read what is
 * on the tape and nothing beyond. -EPROTO: an answer that no kernel gives.
 */
const struct tape_head *tape_head(const void *block);
/* What a system call returned: a value in min..max, -errno allowed only where
 * TAPE_MAY_FAIL is (and min is then that of the values, not of the errors). */
int tape_result(const struct tape *tape, const void *block, uint32_t op,
	int64_t min, int64_t max, int64_t *ret, struct err *err);
/* A copy of what stands at A_DATA(at). */
int tape_block_read(const struct tape *tape, const void *block, uint64_t at,
	void *to, size_t size, struct err *err);
/* 0, or the failure as a sentence: title, about, call, errno. */
int tape_check(const struct tape *tape, const void *block, struct err *err);

/* One line per op, for people. */
void tape_print(const struct tape *tape, FILE *out);

#endif
