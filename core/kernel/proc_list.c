/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of /proc/PID: children, threads, open files. */
#include "kernel/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/vec.h"
#include "kernel/scan.h"

/* Each thread has a list of its own children; from so many threads on it may
 * be cheaper to look at all processes of the host. */
enum { THREADS_MANY = 64 };

struct numbers {
	int *at;
	size_t n, room;
};

static int numbers_order(const void *one, const void *other)
{
	int a = *(const int *)one, b = *(const int *)other;

	return (a > b) - (a < b);
}

static void numbers_sort(struct numbers *numbers)
{
	for (size_t i = 1; i < numbers->n; i++) {
		if (numbers->at[i - 1] < numbers->at[i])
			continue;
		qsort(numbers->at, numbers->n, sizeof(int), numbers_order);
		return;
	}
}

static void numbers_add_entries(struct arena *arena, struct numbers *numbers,
	const char *entries, size_t size)
{
	for (size_t i = 0; i < size;) {
		const struct dirent64 *entry = (const void *)(entries + i);
		const char *at = entry->d_name;
		uint64_t value;

		if (scan_u64(&at, 10, &value) && !*at)
			*vec_push(arena, numbers) = (int)value;
		i += entry->d_reclen;
	}
}

static int numbers_read(struct arena *arena, int fd, struct numbers *ret)
{
	char entries[32768] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = getdents64(fd, entries, sizeof(entries))) > 0)
		numbers_add_entries(arena, ret, entries, (size_t)n);
	if (n < 0)
		return -errno;
	numbers_sort(ret);
	return 0;
}

/* The entries of a directory below /proc/PID that are numbers, sorted. */
static int proc_list_numbers(struct arena *arena, const struct proc *proc,
	const char *name, struct numbers *ret, struct err *err)
{
	struct numbers numbers = {0};
	_cleanup_fd_ int fd = -1;
	int r;

	r = proc_open_file(proc, 0, name, O_RDONLY | O_DIRECTORY, &fd, err);
	if (r)
		return r;
	r = numbers_read(arena, fd, &numbers);
	if (r)
		return err_code(err, r == -ENOENT ? -ESRCH : r,
			"listing /proc/%d/%s", proc->pid, name);
	*ret = numbers;
	return 0;
}

int proc_list_fds(struct arena *arena, const struct proc *proc, int **ret_fds,
	size_t *ret_n, struct err *err)
{
	struct numbers numbers;
	int r = proc_list_numbers(arena, proc, "fd", &numbers, err);

	if (r)
		return r;
	*ret_fds = numbers.at;
	*ret_n = numbers.n;
	return 0;
}

int proc_list_threads(struct arena *arena, const struct proc *proc,
	pid_t **ret_tids, size_t *ret_n, struct err *err)
{
	struct numbers numbers;
	size_t leader = 0;
	int r = proc_list_numbers(arena, proc, "task", &numbers, err);

	if (r)
		return r;
	/* A directory that was open when the process was reaped is empty. */
	if (!numbers.n)
		return err_set(err, ESRCH,
			"listing /proc/%d/task: the process is gone",
			proc->pid);
	while (leader < numbers.n && numbers.at[leader] != proc->pid)
		leader++;
	if (leader < numbers.n) {
		for (; leader; leader--)
			numbers.at[leader] = numbers.at[leader - 1];
		numbers.at[0] = proc->pid;
	}
	*ret_tids = numbers.at;
	*ret_n = numbers.n;
	return 0;
}

static int numbers_add_children(struct arena *arena, struct numbers *numbers,
	const struct proc *proc, pid_t tid, struct err *err)
{
	_cleanup_arena_ struct arena *passing = arena_new_below(arena);
	const char *at;
	uint64_t pid;
	char *text;
	int r = proc_read_file(
		passing, proc, tid, "children", &text, NULL, err);

	if (r)
		return r;
	for (at = text; scan_next_u64(&at, 10, &pid);)
		*vec_push(arena, numbers) = (int)pid;
	return 0;
}

/* Is pid a child of the process? One that is gone is none. */
static bool is_child(pid_t pid, pid_t parent)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct proc_stat stat;

	return !proc_open(pid, &proc, ERR_UNREAD) &&
	       !proc_stat_read(&proc, 0, &stat, ERR_UNREAD) &&
	       stat.ppid == parent;
}

/* From the other side: every process of the host is asked for its parent.
 * False when that would be more work than limit files. */
static bool children_by_parent(struct arena *arena, pid_t parent, size_t limit,
	struct numbers *children)
{
	_cleanup_fd_ int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct numbers all = {0};

	if (fd < 0 || numbers_read(arena, fd, &all) || all.n >= limit)
		return false;
	for (size_t i = 0; i < all.n; i++)
		if (is_child(all.at[i], parent))
			*vec_push(arena, children) = all.at[i];
	return true;
}

static int children_by_thread(struct arena *arena, const struct proc *proc,
	const pid_t *tids, size_t n, struct numbers *children, struct err *err)
{
	struct err why;
	int r;

	for (size_t i = 0; i < n; i++) {
		r = numbers_add_children(arena, children, proc, tids[i], &why);
		/* A thread that ended has given its children to another. */
		if (r == -ESRCH && !proc_check_alive(proc, ERR_UNREAD))
			continue;
		if (!r)
			continue;
		if (err)
			*err = why;
		if (r == -ENOENT)
			err_hint(err, "the kernel needs CONFIG_PROC_CHILDREN");
		return r;
	}
	return 0;
}

int proc_list_children_of(struct arena *arena, const struct proc *proc,
	const pid_t *tids, size_t n_tids, pid_t **ret_pids, size_t *ret_n,
	struct err *err)
{
	struct numbers numbers = {0};
	int r = 0;

	if (n_tids < THREADS_MANY ||
		!children_by_parent(arena, proc->pid, n_tids, &numbers))
		r = children_by_thread(
			arena, proc, tids, n_tids, &numbers, err);
	if (r)
		return r;
	*ret_pids = numbers.at;
	*ret_n = numbers.n;
	return 0;
}

int proc_list_children(struct arena *arena, const struct proc *proc,
	pid_t **ret_pids, size_t *ret_n, struct err *err)
{
	pid_t *tids;
	size_t n;
	int r = proc_list_threads(arena, proc, &tids, &n, err);

	if (r)
		return r;
	return proc_list_children_of(
		arena, proc, tids, n, ret_pids, ret_n, err);
}
