/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tape: a list of system calls for a task to make by itself.
 *
 * A tape is one block of memory, position independent: a head, the ops, and
 * the data that ops point to. The agent (agent.c, the only code that runs
 * inside other processes) plays it from the first op to the last and then
 * runs into a trap. An op that fails ends the play early: the agent notes
 * op and error in the head and traps, too. The coordinator reads the block
 * back to learn results.
 *
 * Several tapes of one task lie together in a reel: its base is what
 * TAPE_REEL arguments are relative to.
 */
#ifndef STASIS_INJECT_TAPE_H
#define STASIS_INJECT_TAPE_H

#include <stdint.h>

enum tape_verb {
	TAPE_SYSCALL, /* nr, arg[0..5] */
	TAPE_COPY,    /* memcpy(arg0 = to, arg1 = from, arg2 = size) */
	TAPE_READ,    /* preadv until done: fd, iov, iovcnt, offset; offset -1:
		       * readv; uses iov up; the end too early is -EIO */
	TAPE_THREAD,  /* clone3: arg0 = struct clone_args, arg1 = its size,
		       * arg2 = the tape (its head) the new thread plays */
	TAPE_MEET,    /* arg0 = u32 counter, arg1 = how many must come:
		       * counts itself in, wakes, waits for the others */
	TAPE_STOP,    /* trap; goes on with the next op when continued (from
		       * behind the trap, where pc stops at it); not yet
		       * counted as played while it stands there */
};

/* How one argument is to be understood; two bits each in tape_op.kinds. */
enum tape_arg {
	TAPE_VALUE,  /* as it is */
	TAPE_DATA,   /* offset from this tape's head */
	TAPE_REEL,   /* offset from the reel's base */
	TAPE_RESULT, /* result of the op with that index in this tape */
};

enum tape_flag {
	TAPE_MAY_FAIL = 1, /* an error is a result like any other */
};

struct tape_op {
	uint8_t verb;
	uint8_t flags;
	uint16_t kinds; /* enum tape_arg of argument i at bits 2i, 2i+1 */
	uint32_t nr;	/* TAPE_SYSCALL: the system call */
	uint64_t arg[6];
	int64_t result; /* filled by the agent: value or -errno */
};

struct tape_head {
	uint32_t count;	 /* ops, which follow the head directly */
	int32_t failed;	 /* filled by the agent: index of the op, or -1 */
	int64_t error;	 /* filled by the agent: its -errno */
	int64_t reel;	 /* reel base, relative to this head */
	uint64_t played; /* filled by the agent: ops that are done */
};

#define TAPE_KIND(i, kind) ((uint16_t)((kind) << (2 * (i))))

/* Largest iovcnt of one TAPE_READ (the kernel's UIO_MAXIOV). */
#define TAPE_IOV_MAX 1024

#endif
