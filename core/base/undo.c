/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list itself: lines are written, closed, and taken away. */
#include "base/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/undo_text.h"
#include "base/vec.h"

enum { TRIES = 16 };

struct undo {
	struct arena *arena;
	int dir, fd; /* fd -1: there is no list */
	char name[sizeof(UNDO_PREFIX) + 16];
	const char *born; /* of the list: "SECONDS.NANOSECONDS" */
	VEC(bool) open;	  /* by line - 1 */
	size_t n_open;
};

struct undo *undo_new(struct arena *arena, int dir)
{
	struct undo *undo = arena_new1(arena, struct undo);

	undo->arena = arena;
	undo->dir = dir;
	undo->fd = -1;
	return undo;
}

/* Ours alone: locked, and not taken for an orphan's before it was. */
static bool list_take(struct undo *undo, int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &st) || st.st_nlink != 1)
		return false;
	undo->fd = fd;
	undo->born = arena_printf(undo->arena, "%lld.%09ld",
		(long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return true;
}

static int list_make(struct undo *undo, struct err *err)
{
	uint64_t dice;
	int fd;

	for (int i = 0; i < TRIES; i++) {
		if (getrandom(&dice, sizeof(dice), 0) != sizeof(dice))
			return err_errno(err, "making up a file name");
		snprintf(undo->name, sizeof(undo->name), UNDO_PREFIX "%016llx",
			(unsigned long long)dice);
		fd = openat(undo->dir, undo->name,
			O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW |
				O_CLOEXEC,
			0600);
		if (fd < 0 && errno != EEXIST)
			return err_errno(
				err, "making the undo list '%s'", undo->name);
		if (fd >= 0 && list_take(undo, fd))
			return 0;
		if (fd >= 0)
			close(fd);
	}
	return err_set(err, EAGAIN,
		"making an undo list: somebody takes each one away");
}

static int list_write(struct undo *undo, const char *text, struct err *err)
{
	int code = io_write_all(undo->fd, text, strlen(text));

	return code ? err_code(err, code, "writing the undo list '%s'",
			      undo->name)
		    : 0;
}

/* Emptied first: who moved it aside has nothing to show us later. */
static void list_remove(struct undo *undo)
{
	struct stat ours, named;

	if (ftruncate(undo->fd, 0) == 0 && fstat(undo->fd, &ours) == 0 &&
		fstatat(undo->dir, undo->name, &named, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
		unlinkat(undo->dir, undo->name, 0);
	close(fd_take(&undo->fd));
}

int undo_note(struct undo *undo, const char *verb, const char *const *args,
	undo_line *ret, struct err *err)
{
	const char *text;
	int code = 0;

	*ret = 0;
	if (!undo)
		return 0;
	if (undo->fd < 0)
		code = list_make(undo, err);
	if (code)
		return code;
	text = arena_printf(undo->arena, "%zu %s", undo->open.n + 1, verb);
	for (; *args; args++)
		text = arena_printf(undo->arena, "%s %s", text,
			undo_text_escape(undo->arena, *args));
	code = list_write(undo, arena_printf(undo->arena, "%s\n", text), err);
	if (code)
		return code;
	*vec_push(undo->arena, &undo->open) = true;
	undo->n_open++;
	*ret = (undo_line)undo->open.n;
	return 0;
}

/* A directory by path, device and inode, then the name below it. */
static int note_name(struct undo *undo, const char *verb, int dir,
	const char *name, const char *text, undo_line *ret, struct err *err)
{
	char link[32], path[PATH_MAX];
	const char *args[6] = {path};
	struct stat st;
	ssize_t size;

	*ret = 0;
	if (!undo)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	size = readlink(link, path, sizeof(path) - 1);
	if (size < 0 || fstat(dir, &st))
		return err_errno(err, "looking where '%s' is", name);
	path[size] = '\0';
	args[1] = arena_printf(
		undo->arena, "%llu", (unsigned long long)st.st_dev);
	args[2] = arena_printf(
		undo->arena, "%llu", (unsigned long long)st.st_ino);
	args[3] = name;
	args[4] = text;
	return undo_note(undo, verb, args, ret, err);
}

int undo_note_text(struct undo *undo, int dir, const char *name,
	const char *text, undo_line *ret, struct err *err)
{
	return note_name(undo, UNDO_TEXT, dir, name, text, ret, err);
}

/* What will be there is new: younger than the list. */
static int note_new(struct undo *undo, const char *verb, int dir,
	const char *name, undo_line *ret, struct err *err)
{
	int code = 0;

	/* What is older than the list is not what we made. */
	if (undo && undo->fd < 0)
		code = list_make(undo, err);
	return code
		       ?: note_name(undo, verb, dir, name,
				  undo ? undo->born : NULL, ret, err);
}

int undo_note_file(struct undo *undo, int dir, const char *name, undo_line *ret,
	struct err *err)
{
	return note_new(undo, UNDO_FILE, dir, name, ret, err);
}

int undo_note_folder(struct undo *undo, int dir, const char *name,
	undo_line *ret, struct err *err)
{
	return note_new(undo, UNDO_FOLDER, dir, name, ret, err);
}

int undo_note_link(struct undo *undo, int dir, const char *name, undo_line *ret,
	struct err *err)
{
	return note_new(undo, UNDO_LINK, dir, name, ret, err);
}

int undo_note_socket(struct undo *undo, int dir, const char *name,
	undo_line *ret, struct err *err)
{
	return note_new(undo, UNDO_SOCKET, dir, name, ret, err);
}

void undo_done(struct undo *undo, undo_line line)
{
	char text[32];

	if (!undo || !line || line > undo->open.n || !undo->open.at[line - 1])
		return;
	undo->open.at[line - 1] = false;
	if (!--undo->n_open && !ftruncate(undo->fd, 0)) {
		undo->open.n = 0;
		return;
	}
	snprintf(text, sizeof(text), "%u " UNDO_DONE "\n", line);
	list_write(undo, text, ERR_UNREAD);
}

void undo_close(struct undo *undo)
{
	if (!undo || undo->fd < 0)
		return;
	if (undo->n_open)
		close(fd_take(&undo->fd));
	else
		list_remove(undo);
}
