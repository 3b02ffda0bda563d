/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent: plays tapes inside other processes.
 *
 * It runs without a C library, at any address, on memory of its own. No
 * data sections, no calls out, no vector registers: the flags that the
 * Makefile gives to this file see to it, and compel refuses the result if
 * it needs anything that the injected bytes do not carry.
 */
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/futex.h>

#include "inject/agent.h"
#include "agent_arch.h"

#define AGENT_ERROR_MAX 4095

struct agent_iov {
	uint64_t base;
	uint64_t size;
};

typedef uint64_t agent_word __attribute__((may_alias, aligned(1)));

static int agent_failed(int64_t result)
{
	return result < 0 && result >= -AGENT_ERROR_MAX;
}

static uint64_t agent_resolve_arg(
	const struct tape_head *tape, const struct tape_op *op, unsigned int i)
{
	const struct tape_op *ops = (const struct tape_op *)(tape + 1);
	uint64_t arg = op->arg[i];

	switch ((op->kinds >> (2 * i)) & 3) {
	case TAPE_DATA:
		return (uint64_t)tape + arg;
	case TAPE_REEL:
		return (uint64_t)tape + (uint64_t)tape->reel + arg;
	case TAPE_RESULT:
		return (uint64_t)ops[arg].result;
	default:
		return arg;
	}
}

static int64_t agent_copy(uint64_t to, uint64_t from, uint64_t size)
{
	for (; size >= 8; size -= 8, to += 8, from += 8)
		*(agent_word *)to = *(const agent_word *)from;
	for (; size; size--, to++, from++)
		*(uint8_t *)to = *(const uint8_t *)from;
	return 0;
}

/* Forget the first done bytes of an iovec array; returns what is left. */
static struct agent_iov *agent_iov_skip(
	struct agent_iov *iov, const struct agent_iov *end, uint64_t done)
{
	for (; iov < end && done >= iov->size; iov++)
		done -= iov->size;
	if (iov < end) {
		iov->base += done;
		iov->size -= done;
	}
	return iov;
}

static int64_t agent_read(
	uint64_t fd, struct agent_iov *iov, uint64_t count, int64_t offset)
{
	const struct agent_iov *end = iov + count;
	int64_t got, total = 0;

	for (iov = agent_iov_skip(iov, end, 0); iov < end;
		iov = agent_iov_skip(iov, end, (uint64_t)got)) {
		if (offset < 0)
			got = agent_syscall6(__NR_readv, fd, (uint64_t)iov,
				(uint64_t)(end - iov), 0, 0, 0);
		else
			got = agent_syscall6(__NR_preadv, fd, (uint64_t)iov,
				(uint64_t)(end - iov),
				(uint64_t)(offset + total), 0, 0);
		if (got == -EINTR)
			got = 0;
		else if (got < 0)
			return got;
		else if (!got)
			return -EIO;
		total += got;
	}
	return total;
}

/* The counter may lie in memory shared by processes: no private futex. */
static int64_t agent_meet(uint32_t *counter, uint32_t count)
{
	uint32_t seen = __atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL);
	int64_t waited;

	if (seen >= count)
		agent_syscall6(__NR_futex, (uint64_t)counter, FUTEX_WAKE,
			0x7fffffff, 0, 0, 0);
	while (seen < count) {
		waited = agent_syscall6(__NR_futex, (uint64_t)counter,
			FUTEX_WAIT, seen, 0, 0, 0);
		if (agent_failed(waited) && waited != -EAGAIN &&
			waited != -EINTR)
			return waited;
		seen = __atomic_load_n(counter, __ATOMIC_ACQUIRE);
	}
	return 0;
}

static int64_t agent_play_op(
	const struct tape_op *op, const uint64_t arg[static 6])
{
	switch (op->verb) {
	case TAPE_SYSCALL:
		return agent_syscall6(
			op->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	case TAPE_COPY:
		return agent_copy(arg[0], arg[1], arg[2]);
	case TAPE_READ:
		return agent_read(arg[0], (struct agent_iov *)arg[1], arg[2],
			(int64_t)arg[3]);
	case TAPE_THREAD:
		return agent_clone(arg[0], arg[1], arg[2]);
	case TAPE_MEET:
		return agent_meet((uint32_t *)arg[0], (uint32_t)arg[1]);
	case TAPE_STOP:
		agent_trap();
		return 0;
	default:
		return -ENOSYS;
	}
}

void agent_play(struct tape_head *tape)
{
	struct tape_op *op = (struct tape_op *)(tape + 1);
	uint64_t arg[6];
	uint32_t i;

	for (i = 0; i < tape->count; i++, op++) {
		for (unsigned int a = 0; a < 6; a++)
			arg[a] = agent_resolve_arg(tape, op, a);
		op->result = agent_play_op(op, arg);
		if (agent_failed(op->result) && !(op->flags & TAPE_MAY_FAIL)) {
			tape->error = op->result;
			tape->failed = (int32_t)i;
			return;
		}
		tape->played = i + 1;
	}
}
