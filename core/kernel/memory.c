/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kernel/ptrace.h"

int memory_open(const struct proc *proc, struct memory *ret, struct err *err)
{
	int fd;
	int r = proc_open_file(proc, 0, "mem", O_RDWR, &fd, err);

	if (r)
		return r;
	ret->pid = proc->pid;
	ret->fd = fd;
	return 0;
}

void memory_close(struct memory *memory)
{
	if (memory->fd >= 0)
		close(memory->fd);
	memory->fd = -1;
}

/* Nothing came or went: the kernel says 0 when the process has no memory any
 * more (it is ending), EIO for a page that is not there. */
static int memory_fail(const struct memory *memory, const char *what,
	uint64_t addr, size_t size, ssize_t n, struct err *err)
{
	return err_code(err, n == 0 ? -ESRCH : -errno,
		"%s %zu bytes of the memory of process %d at %#llx", what, size,
		memory->pid, (unsigned long long)addr);
}

/* A piece of a range inside one aligned word. */
struct piece {
	uint64_t word; /* its address */
	size_t skip, size;
};

static struct piece piece_first(uint64_t addr, size_t size)
{
	struct piece piece = {.skip = (size_t)(addr % sizeof(uint64_t))};

	piece.word = addr - piece.skip;
	piece.size = sizeof(uint64_t) - piece.skip;
	if (piece.size > size)
		piece.size = size;
	return piece;
}

int memory_peek(pid_t tid, uint64_t addr, void *buf, size_t size)
{
	struct piece piece;
	char *to = buf;
	uint64_t word;
	int r;

	for (; size; to += piece.size, addr += piece.size, size -= piece.size) {
		piece = piece_first(addr, size);
		r = ptrace_peek(tid, piece.word, &word, ERR_UNREAD);
		if (r)
			return r;
		memcpy(to, (char *)&word + piece.skip, piece.size);
	}
	return 0;
}

int memory_poke(pid_t tid, uint64_t addr, const void *buf, size_t size)
{
	const char *from = buf;
	struct piece piece;
	uint64_t word;
	int r = 0;

	for (; size && !r;
		from += piece.size, addr += piece.size, size -= piece.size) {
		piece = piece_first(addr, size);
		if (piece.size < sizeof(word))
			r = ptrace_peek(tid, piece.word, &word, ERR_UNREAD);
		memcpy((char *)&word + piece.skip, from, piece.size);
		if (!r)
			r = ptrace_poke(tid, piece.word, word, ERR_UNREAD);
	}
	return r;
}

/* Up to the next border of 4 KiB: behind it may be memory that the file
 * gives, at once. */
static size_t words_step(uint64_t addr, size_t size)
{
	enum { STEP = 4096 };
	size_t step = STEP - (size_t)(addr % STEP);

	return step < size ? step : size;
}

/* As pread and pwrite, and where the kernel keeps them from memory without
 * access, word by word. */
static ssize_t read_some(
	const struct memory *memory, uint64_t addr, void *to, size_t size)
{
	ssize_t n = pread(memory->fd, to, size, (off_t)addr);

	if (n >= 0 || errno != EIO)
		return n;
	size = words_step(addr, size);
	if (!memory_peek(memory->pid, addr, to, size))
		return (ssize_t)size;
	errno = EIO;
	return -1;
}

static ssize_t write_some(const struct memory *memory, uint64_t addr,
	const void *from, size_t size)
{
	ssize_t n = pwrite(memory->fd, from, size, (off_t)addr);

	if (n >= 0 || errno != EIO)
		return n;
	size = words_step(addr, size);
	if (!memory_poke(memory->pid, addr, from, size))
		return (ssize_t)size;
	errno = EIO;
	return -1;
}

int memory_read(const struct memory *memory, uint64_t addr, void *buf,
	size_t size, struct err *err)
{
	char *to = buf;
	ssize_t n;

	while (size) {
		n = read_some(memory, addr, to, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return memory_fail(
				memory, "reading", addr, size, n, err);
		to += n;
		addr += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int memory_write(const struct memory *memory, uint64_t addr, const void *buf,
	size_t size, struct err *err)
{
	const char *from = buf;
	ssize_t n;

	while (size) {
		n = write_some(memory, addr, from, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return memory_fail(
				memory, "writing", addr, size, n, err);
		from += n;
		addr += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int memory_read_text(const struct memory *memory, uint64_t addr, char *buf,
	size_t room, struct err *err)
{
	/* Never over a border of 4 KiB: behind it may be nothing. */
	enum { STEP = 4096 };
	size_t got = 0, step;

	while (got < room) {
		int r;

		step = STEP - (size_t)((addr + got) % STEP);
		if (step > room - got)
			step = room - got;
		r = memory_read(memory, addr + got, buf + got, step, err);
		if (r)
			return r;
		if (memchr(buf + got, '\0', step))
			return 0;
		got += step;
	}
	return err_set(err, ENAMETOOLONG,
		"the text at %#llx of process %d has more than %zu bytes",
		(unsigned long long)addr, memory->pid, room - 1);
}

/* A place in a list of ranges. */
struct ranges {
	const struct iovec *at;
	size_t n;
	size_t skip; /* bytes of at[0] that are done */
};

enum { BATCH = 1024 }; /* UIO_MAXIOV */

static size_t ranges_take(const struct ranges *from, struct iovec batch[BATCH])
{
	size_t n = from->n < BATCH ? from->n : BATCH;

	memcpy(batch, from->at, n * sizeof(*batch));
	if (n) {
		batch[0].iov_base = (char *)batch[0].iov_base + from->skip;
		batch[0].iov_len -= from->skip;
	}
	return n;
}

static void ranges_advance(struct ranges *ranges, size_t bytes)
{
	while (ranges->n && bytes >= ranges->at->iov_len - ranges->skip) {
		bytes -= ranges->at->iov_len - ranges->skip;
		ranges->skip = 0;
		ranges->at++;
		ranges->n--;
	}
	ranges->skip += bytes;
}

static size_t ranges_sum(const struct iovec *at, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += at[i].iov_len;
	return sum;
}

int memory_copy_batch(pid_t pid, const struct iovec *local, size_t local_n,
	const struct iovec *remote, size_t remote_n, struct err *err)
{
	struct iovec to_batch[BATCH], from_batch[BATCH];
	struct ranges to = {.at = local, .n = local_n};
	struct ranges from = {.at = remote, .n = remote_n};
	size_t left = ranges_sum(remote, remote_n), to_n, from_n;
	ssize_t n;

	if (ranges_sum(local, local_n) != left)
		return err_set(err, EINVAL,
			"copying from process %d: %zu bytes asked, but room "
			"for %zu",
			pid, left, ranges_sum(local, local_n));
	while (left) {
		to_n = ranges_take(&to, to_batch);
		from_n = ranges_take(&from, from_batch);
		n = process_vm_readv(
			pid, to_batch, to_n, from_batch, from_n, 0);
		if (n <= 0)
			return err_code(err, n ? -errno : -EFAULT,
				"copying %zu bytes at %p out of process %d",
				from_batch[0].iov_len, from_batch[0].iov_base,
				pid);
		ranges_advance(&to, (size_t)n);
		ranges_advance(&from, (size_t)n);
		left -= (size_t)n;
	}
	return 0;
}
