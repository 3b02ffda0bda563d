/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/play.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ERROR_MAX = 4095, BLOCK_ALIGN = 16 };

static uint64_t arg_resolve(
	struct tape_head *tape, const struct tape_op *op, unsigned i)
{
	const struct tape_op *ops = (const struct tape_op *)(tape + 1);
	uint64_t arg = op->arg[i];

	switch (op->kinds >> (2 * i) & 3) {
	case TAPE_DATA:
		return (uint64_t)(uintptr_t)tape + arg;
	case TAPE_REEL:
		return (uint64_t)(uintptr_t)tape + (uint64_t)tape->reel + arg;
	case TAPE_RESULT:
		return (uint64_t)ops[arg].result;
	default:
		return arg;
	}
}

static struct iovec *iov_skip(
	struct iovec *iov, const struct iovec *end, size_t done)
{
	for (; iov < end && done >= iov->iov_len; iov++)
		done -= iov->iov_len;
	if (iov < end) {
		iov->iov_base = (char *)iov->iov_base + done;
		iov->iov_len -= done;
	}
	return iov;
}

static int64_t areas_read(
	int fd, struct iovec *iov, size_t count, int64_t offset)
{
	const struct iovec *end = iov + count;
	int64_t total = 0;
	ssize_t got;

	for (iov = iov_skip(iov, end, 0); iov < end;
		iov = iov_skip(iov, end, (size_t)got)) {
		got = offset < 0 ? readv(fd, iov, (int)(end - iov))
				 : preadv(fd, iov, (int)(end - iov),
					   (off_t)(offset + total));
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return got ? -errno : -EIO;
		total += got;
	}
	return total;
}

static int64_t op_play(const struct tape_op *op, const uint64_t arg[static 6])
{
	long value;

	switch (op->verb) {
	case TAPE_SYSCALL:
		value = syscall(
			op->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
		return value == -1 ? -errno : value;
	case TAPE_COPY:
		memcpy((void *)(uintptr_t)arg[0],
			(const void *)(uintptr_t)arg[1], arg[2]);
		return 0;
	case TAPE_READ:
		return areas_read((int)arg[0],
			(struct iovec *)(uintptr_t)arg[1], arg[2],
			(int64_t)arg[3]);
	default:
		return -ENOSYS;
	}
}

void play_pressed(struct tape_head *tape)
{
	struct tape_op *op = (struct tape_op *)(tape + 1);
	uint64_t arg[6];

	for (uint32_t i = 0; i < tape->count; i++, op++) {
		for (unsigned a = 0; a < 6; a++)
			arg[a] = arg_resolve(tape, op, a);
		op->result = op_play(op, arg);
		if (op->result < 0 && op->result >= -ERROR_MAX &&
			!(op->flags & TAPE_MAY_FAIL)) {
			tape->error = op->result;
			tape->failed = (int32_t)i;
			return;
		}
		tape->played = i + 1;
	}
}

int play_tape(const struct tape *tape, void **ret_block, struct err *err)
{
	size_t size = tape_size(tape) + BLOCK_ALIGN;
	uintptr_t at = (uintptr_t)arena_alloc(tape->arena, size);
	void *block = (void *)((at + BLOCK_ALIGN - 1) & ~(BLOCK_ALIGN - 1ul));
	int code = tape_press(tape, backend_host(), 0, block, err);

	if (code)
		return code;
	play_pressed(block);
	code = tape_check(tape, block, err);
	if (!code && ret_block)
		*ret_block = block;
	return code;
}
