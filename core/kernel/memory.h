/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory: reading and writing the memory of another process.
 *
 * Two ways. Through /proc/PID/mem (memory_read, memory_write): regards no
 * page protection, leaves copy-on-write pages shared, one range a call.
 * Since 6.12 a kernel may be built or booted (proc_mem.force_override=) so
 * that it does regard protection, unless the calling thread is the tracer
 * ("ptrace"), or always ("never"): then memory without access is reached
 * word by word with ptrace, by the tracer of a stopped process alone.
 * Through process_vm_readv (memory_copy_batch): many ranges a call, no fd,
 * but it un-shares copy-on-write pages and honours protection. All of a
 * range or an error: EIO for an address that is not mapped, ESRCH for a
 * process that is gone.
 */
#ifndef STASIS_KERNEL_MEMORY_H
#define STASIS_KERNEL_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"
#include "kernel/proc.h"

struct memory {
	pid_t pid;
	int fd; /* /proc/PID/mem, O_RDWR; -1: not open */
};
#define MEMORY_CLOSED ((struct memory){.pid = 0, .fd = -1})

int memory_open(const struct proc *proc, struct memory *ret, struct err *err);
void memory_close(struct memory *memory);
#define _cleanup_memory_ __attribute__((cleanup(memory_close)))

int memory_read(const struct memory *memory, uint64_t addr, void *buf,
	size_t size, struct err *err);
int memory_write(const struct memory *memory, uint64_t addr, const void *buf,
	size_t size, struct err *err);
/* Word by word, of a thread that the caller has stopped; 0 or -errno. */
int memory_peek(pid_t tid, uint64_t addr, void *buf, size_t size);
int memory_poke(pid_t tid, uint64_t addr, const void *buf, size_t size);
/* A NUL-terminated string, at most room with its NUL; -ENAMETOOLONG. */
int memory_read_text(const struct memory *memory, uint64_t addr, char *buf,
	size_t room, struct err *err);

/* Gathers remote ranges into local ones; the sums must be equal. Any number
 * of each: it is cut into calls of IOV_MAX. */
int memory_copy_batch(pid_t pid, const struct iovec *local, size_t local_n,
	const struct iovec *remote, size_t remote_n, struct err *err);

#endif
