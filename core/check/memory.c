/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes of memory: how it is looked at, and how it can be put back. */
#include "check/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/maps.h"
#include "kernel/memory.h"

static void *page_map(int prot)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

static void page_unmap(void *page)
{
	munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

bool probe_map_files(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	_cleanup_fd_ int file = memfd_create("check", MFD_CLOEXEC);
	_cleanup_fd_ int fd = -1;
	char path[80];
	char *at;

	if (file < 0 || ftruncate(file, (off_t)size))
		return false;
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
	if (at == MAP_FAILED)
		return false;
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		(unsigned long)at, (unsigned long)(at + size));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	munmap(at, size);
	return fd >= 0;
}

/* A page without access is filled and read as the engine does it. */
static bool child_page_fills(pid_t child, void *page)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_memory_ struct memory memory = MEMORY_CLOSED;
	uint64_t at = (uintptr_t)page, word = 42;

	return !proc_open(child, &proc, ERR_UNREAD) &&
	       !memory_open(&proc, &memory, ERR_UNREAD) &&
	       !memory_write(&memory, at, &word, sizeof(word), ERR_UNREAD) &&
	       !memory_read(&memory, at, &word, sizeof(word), ERR_UNREAD) &&
	       word == 42;
}

static bool child_page_opens(pid_t child, void *page)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_memory_ struct memory memory = MEMORY_CLOSED;
	char byte;

	return !proc_open(child, &proc, ERR_UNREAD) &&
	       !memory_open(&proc, &memory, ERR_UNREAD) &&
	       pread(memory.fd, &byte, 1, (off_t)(uintptr_t)page) == 1;
}

static bool probe_on_closed_page(bool (*act)(pid_t child, void *page))
{
	void *page = page_map(PROT_NONE);
	bool yes = page && probe_on_child(act, page);

	if (page)
		page_unmap(page);
	return yes;
}

bool probe_proc_mem(void)
{
	return probe_on_closed_page(child_page_fills);
}

bool probe_proc_mem_forces(void)
{
	return probe_on_closed_page(child_page_opens);
}

/* The vdso of a newborn goes where the process knew it. */
bool probe_vdso_moves(void)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc own = PROC_CLOSED;
	struct maps maps = {0};

	if (proc_open(getpid(), &own, ERR_UNREAD) ||
		maps_read_plain(arena, &own, &maps, ERR_UNREAD))
		return false;
	for (size_t i = 0; i < maps.n; i++)
		if (strcmp(maps.at[i].path, "[vdso]") == 0 &&
			maps_own_is_sealed(&maps.at[i]))
			return false;
	return true;
}

/* A ring that was moved is known at its new place. */
static bool aio_ring_moves(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct iocb control = {.aio_lio_opcode = IOCB_CMD_NOOP};
	struct iocb *list[] = {&control};
	aio_context_t ring = 0;
	void *old, *new;

	if (syscall(SYS_io_setup, 1, &ring))
		return false;
	old = (void *)(uintptr_t)ring; /* NOLINT: the id is the address */
	new = page_map(PROT_READ);
	if (!new)
		return false;
	new = mremap(old, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, new);
	if (new == MAP_FAILED)
		return false;
	syscall(SYS_io_submit, (uintptr_t) new, 1, list);
	return !syscall(SYS_io_destroy, (uintptr_t) new);
}

bool probe_aio_remap(void)
{
	return probe_in_child(aio_ring_moves);
}

/* struct pm_scan_arg of 6.7; PAGE_IS_GUARD came with 6.16. */
struct scan_args {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask;
	uint64_t return_mask;
};
#define SCAN_ASK _IOWR('f', 16, struct scan_args)
enum { SCAN_IS_GUARD = 1 << 8 };

bool probe_pagemap_guard(void)
{
	_cleanup_fd_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	void *page = page_map(PROT_READ);
	struct scan_args args = {
		.size = sizeof(args),
		.start = (uintptr_t)page,
		.end = (uintptr_t)page + (uint64_t)sysconf(_SC_PAGESIZE),
		.category_mask = SCAN_IS_GUARD,
	};
	bool yes;

	if (!page)
		return false;
	yes = fd >= 0 && ioctl(fd, SCAN_ASK, &args) >= 0;
	page_unmap(page);
	return yes;
}

#ifdef SYS_arch_prctl
/* ARCH_MAP_VDSO_64 and _32; EEXIST: understood, but there is one already. */
static bool vdso_maps(int which)
{
	return !syscall(SYS_arch_prctl, which, 0) || errno == EEXIST;
}
#else
static bool vdso_maps(int which)
{
	(void)which;
	return false; /* this machine's kernel has no such call */
}
#endif

static bool vdso_maps_64(void)
{
	return vdso_maps(0x2003);
}

static bool vdso_maps_32(void)
{
	return vdso_maps(0x2002);
}

bool probe_can_map_vdso(void)
{
	return probe_in_child(vdso_maps_64);
}

bool probe_compat_vdso(void)
{
	return probe_in_child(vdso_maps_32);
}
