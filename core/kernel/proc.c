/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "kernel/scan.h"

enum { PROC_NAME_ROOM = 128 };

static void proc_name(char buf[PROC_NAME_ROOM], pid_t tid, const char *name)
{
	if (tid)
		snprintf(buf, PROC_NAME_ROOM, "task/%d/%s", tid, name);
	else
		snprintf(buf, PROC_NAME_ROOM, "%s", name);
}

/* A file is missing: because the task is gone, or for lack of the file? */
static int proc_code_of(const struct proc *proc, pid_t tid, int code)
{
	char stat[PROC_NAME_ROOM];

	if (code != ENOENT)
		return code;
	proc_name(stat, tid, "stat");
	return faccessat(proc->dir, stat, F_OK, 0) ? ESRCH : ENOENT;
}

static int proc_fail(const struct proc *proc, const char *what, pid_t tid,
	const char *name, int code, struct err *err)
{
	char path[PROC_NAME_ROOM];

	proc_name(path, tid, name);
	return err_code(err, -proc_code_of(proc, tid, code), "%s /proc/%d/%s",
		what, proc->pid, path);
}

int proc_open(pid_t pid, struct proc *ret, struct err *err)
{
	char path[32];
	int dir;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return err_set(err, ESRCH, "there is no process %d", pid);
	if (dir < 0)
		return err_errno(err, "looking for process %d in /proc", pid);
	ret->pid = pid;
	ret->dir = dir;
	return 0;
}

void proc_close(struct proc *proc)
{
	if (proc->dir >= 0)
		close(proc->dir);
	proc->dir = -1;
}

int proc_check_alive(const struct proc *proc, struct err *err)
{
	if (!faccessat(proc->dir, "stat", F_OK, 0))
		return 0;
	return err_set(err, ESRCH, "process %d is gone", proc->pid);
}

int proc_open_file(const struct proc *proc, pid_t tid, const char *name,
	int flags, int *ret_fd, struct err *err)
{
	char path[PROC_NAME_ROOM];
	int fd;

	proc_name(path, tid, name);
	fd = openat(proc->dir, path, flags | O_CLOEXEC);
	if (fd < 0)
		return proc_fail(proc, "opening", tid, name, errno, err);
	*ret_fd = fd;
	return 0;
}

int proc_read_file(struct arena *arena, const struct proc *proc, pid_t tid,
	const char *name, char **ret_text, size_t *ret_size, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int r = proc_open_file(proc, tid, name, O_RDONLY, &fd, err);

	if (r)
		return r;
	r = io_read_all(arena, fd, ret_text, ret_size);
	if (r)
		return proc_fail(proc, "reading", tid, name, -r, err);
	return 0;
}

/* Up to room bytes, by one call: the kernel writes such a file whole, and what
 * is shorter than the room is all of it. *ret_size == room: there may be more.
 */
static int proc_read_some(const struct proc *proc, pid_t tid, const char *name,
	int fd, char *buf, size_t room, size_t *ret_size, struct err *err)
{
	ssize_t n;

	do {
		n = read(fd, buf, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return proc_fail(proc, "reading", tid, name, errno, err);
	*ret_size = (size_t)n;
	return 0;
}

int proc_read_small(const struct proc *proc, pid_t tid, const char *name,
	char *buf, size_t room, size_t *ret_size, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	size_t size;
	int r = proc_open_file(proc, tid, name, O_RDONLY, &fd, err);

	if (!r)
		r = proc_read_some(proc, tid, name, fd, buf, room, &size, err);
	if (r)
		return r;
	if (size == room)
		return proc_fail(proc, "reading", tid, name, E2BIG, err);
	buf[size] = '\0';
	if (ret_size)
		*ret_size = size;
	return 0;
}

int proc_read_mostly_small(struct arena *arena, const struct proc *proc,
	pid_t tid, const char *name, char *buf, size_t room, char **ret_text,
	size_t *ret_size, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	size_t size, more = 0;
	char *text = buf, *rest;
	int r = proc_open_file(proc, tid, name, O_RDONLY, &fd, err);

	if (!r)
		r = proc_read_some(proc, tid, name, fd, buf, room, &size, err);
	if (r)
		return r;
	if (size == room) {
		r = io_read_all(arena, fd, &rest, &more);
		if (r)
			return proc_fail(proc, "reading", tid, name, -r, err);
		text = arena_grow(arena, buf, size, size + more + 1);
		memcpy(text + size, rest, more);
	}
	text[size + more] = '\0';
	*ret_text = text;
	if (ret_size)
		*ret_size = size + more;
	return 0;
}

int proc_read_link(struct arena *arena, const struct proc *proc,
	const char *name, char **ret_target, struct err *err)
{
	char target[PATH_MAX + 64];
	ssize_t n = readlinkat(proc->dir, name, target, sizeof(target));

	if (n < 0)
		return proc_fail(proc, "reading the link", 0, name, errno, err);
	if ((size_t)n == sizeof(target))
		return proc_fail(
			proc, "reading the link", 0, name, ENAMETOOLONG, err);
	*ret_target = arena_copy(arena, target, (size_t)n + 1);
	(*ret_target)[n] = '\0';
	return 0;
}

int proc_read_auxv(struct arena *arena, const struct proc *proc,
	uint64_t **ret_words, size_t *ret_n, struct err *err)
{
	/* The kernel keeps at most some 50 words (AT_VECTOR_SIZE). */
	uint64_t words[512] = {0};
	size_t size;
	int r = proc_read_small(
		proc, 0, "auxv", (char *)words, sizeof(words), &size, err);

	/* Without memory: an empty file, or (newer kernels) none to open. */
	if (r == -ESRCH && !proc_check_alive(proc, ERR_UNREAD)) {
		size = 0;
		r = 0;
	}
	if (r)
		return r;
	*ret_n = size / sizeof(words[0]);
	*ret_words = arena_copy(arena, words, size + sizeof(words[0]));
	return 0;
}

int proc_read_comm(
	const struct proc *proc, pid_t tid, char ret[16], struct err *err)
{
	char buf[128];
	size_t size;
	int r = proc_read_small(
		proc, tid, "comm", buf, sizeof(buf), &size, err);

	if (r)
		return r;
	if (size && buf[size - 1] == '\n')
		size--;
	if (size > 15)
		size = 15;
	memset(ret, 0, 16);
	memcpy(ret, buf, size);
	return 0;
}

static int proc_read_number(const struct proc *proc, pid_t tid,
	const char *name, unsigned base, int64_t *ret, struct err *err)
{
	char buf[64];
	const char *at = buf;
	uint64_t value;
	int r = proc_read_small(proc, tid, name, buf, sizeof(buf), NULL, err);

	if (r)
		return r;
	if (base == 10 ? !scan_next_i64(&at, ret)
		       : !scan_next_u64(&at, base, &value))
		return err_set(err, EINVAL,
			"/proc/%d/%s holds '%s', which is no number", proc->pid,
			name, buf);
	if (base != 10)
		*ret = (int64_t)value;
	return 0;
}

int proc_read_personality(
	const struct proc *proc, uint32_t *ret, struct err *err)
{
	int64_t value;
	int r = proc_read_number(proc, 0, "personality", 16, &value, err);

	if (!r)
		*ret = (uint32_t)value;
	return r;
}

int proc_read_oom_score_adj(const struct proc *proc, int *ret, struct err *err)
{
	int64_t value;
	int r = proc_read_number(proc, 0, "oom_score_adj", 10, &value, err);

	if (!r)
		*ret = (int)value;
	return r;
}

int proc_read_loginuid(const struct proc *proc, uint32_t *ret, struct err *err)
{
	int64_t value;
	int r = proc_read_number(proc, 0, "loginuid", 10, &value, err);

	if (r == -ENOENT) {
		*ret = UINT32_MAX;
		return 0;
	}
	if (!r)
		*ret = (uint32_t)value;
	return r;
}

int proc_read_coredump_filter(
	const struct proc *proc, uint32_t *ret, struct err *err)
{
	int64_t value;
	int r = proc_read_number(proc, 0, "coredump_filter", 16, &value, err);

	if (!r)
		*ret = (uint32_t)value;
	return r;
}

int proc_read_timerslack(
	const struct proc *proc, pid_t tid, uint64_t *ret, struct err *err)
{
	/* Not below task/TID, but /proc/TID is there for every thread. */
	_cleanup_proc_ struct proc thread = PROC_CLOSED;
	int64_t value;
	int r;

	if (tid && tid != proc->pid) {
		r = proc_open(tid, &thread, err);
		if (r)
			return r;
		proc = &thread;
	}
	r = proc_read_number(proc, 0, "timerslack_ns", 10, &value, err);
	if (!r)
		*ret = (uint64_t)value;
	return r;
}

static int ns_ino_read(const struct proc *proc, pid_t tid, int dir,
	const char *ns, uint64_t *ret_ino, struct err *err)
{
	char name[64];
	struct stat st;
	int code;

	if (!fstatat(dir, ns, &st, 0)) {
		*ret_ino = st.st_ino;
		return 0;
	}
	code = errno;
	if (proc_code_of(proc, tid, code) == ENOENT) {
		*ret_ino = 0;
		return 0;
	}
	snprintf(name, sizeof(name), "ns/%s", ns);
	return proc_fail(proc, "looking at", tid, name, code, err);
}

int proc_read_ns_inos(const struct proc *proc, pid_t tid, const char *const *ns,
	uint64_t *ret_inos, struct err *err)
{
	_cleanup_fd_ int dir = -1;
	int code = proc_open_file(
		proc, tid, "ns", O_PATH | O_DIRECTORY, &dir, err);

	for (size_t i = 0; ns[i] && !code; i++)
		code = ns_ino_read(proc, tid, dir, ns[i], &ret_inos[i], err);
	return code;
}

int proc_read_ns_ino(const struct proc *proc, pid_t tid, const char *ns,
	uint64_t *ret_ino, struct err *err)
{
	const char *const one[] = {ns, NULL};

	return proc_read_ns_inos(proc, tid, one, ret_ino, err);
}
