/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pipe: one end of a pipe. Both ends carry the number of the pipe.
 *
 * An end that somebody outside of the tree holds cannot be brought back, so
 * it must be seen in the tree, or the other end must know that it is closed
 * for good, or the pipe is external: then somebody gives another at restore.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/pipe_data.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/external.h"
#include "model/restore.h"

enum end { END_READ, END_WRITE };

/* While dumping: what was seen of one pipe. */
struct pipe_seen {
	struct pipe_seen *next;
	uint32_t pipe_id;
	bool seen[2], closed[2]; /* by enum end; closed: everywhere */
	bool has_data, external;
	pid_t pid; /* where it was seen first */
	const char *where;
};

static bool pipe_claims(const struct sighting *sighting)
{
	return S_ISFIFO(sighting->stat.st_mode) && sighting->fd_number >= 0 &&
	       strncmp(sighting->target, "pipe:[", 6) == 0;
}

static struct pipe_seen *pipe_see(
	struct dump *dump, const struct sighting *sighting)
{
	ino_t ino = sighting->stat.st_ino;
	void **slot = book_slot(dump->arena, &dump->book, "pipe", ino, 0);
	void **list = book_slot(dump->arena, &dump->book, "pipes", 0, 0);
	struct pipe_seen *pipe = *slot;

	if (!pipe) {
		pipe = arena_new1(dump->arena, struct pipe_seen);
		pipe->next = *list;
		pipe->pipe_id = (uint32_t)ino;
		pipe->pid = sighting->victim->pid;
		pipe->where = arena_strdup(dump->arena, sighting->where);
		*list = *slot = pipe;
	}
	return pipe;
}

/* Its own end is open here, and what poll says of the other. */
static int ends_look(struct pipe_seen *pipe, const struct sighting *sighting,
	struct err *err)
{
	struct pollfd poller = {.fd = sighting->fd, .events = 0};
	uint32_t access = sighting->info.flags & O_ACCMODE;

	if (access == O_RDWR) {
		pipe->seen[END_READ] = pipe->seen[END_WRITE] = true;
		return 0;
	}
	if (poll(&poller, 1, 0) < 0)
		return err_errno(err, "asking whether its other end is open");
	if (access == O_RDONLY) {
		pipe->seen[END_READ] = true;
		pipe->closed[END_WRITE] |= !!(poller.revents & POLLHUP);
	} else {
		pipe->seen[END_WRITE] = true;
		pipe->closed[END_READ] |= !!(poller.revents & POLLERR);
	}
	return 0;
}

/* Somebody outside keeps it, and what waits in it. */
static int pipe_leave_outside(struct dump *dump,
	const struct sighting *sighting, const PipeEntry *pipe, struct err *err)
{
	int n = 0;

	dump_outside(dump, pipe->id);
	if ((pipe->flags & O_ACCMODE) == O_WRONLY)
		return 0;
	if (ioctl(sighting->fd, FIONREAD, &n))
		return err_errno(err, "asking how much waits in a pipe");
	if (n)
		log_warn("%s is external: %d bytes that wait in it are not "
			 "stored",
			sighting->target, n);
	return 0;
}

/* Who may open it through /proc/PID/fd, as /dev/stdout is opened. */
static StasisInodeOwner *inode_capture(
	struct arena *arena, const struct stat *stat)
{
	StasisInodeOwner *owner = arena_new1(arena, StasisInodeOwner);

	stasis_inode_owner__init(owner);
	owner->uid = stat->st_uid;
	owner->gid = stat->st_gid;
	owner->mode = stat->st_mode & 07777;
	return owner;
}

static int pipe_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	FileEntry *entry = msg;
	PipeEntry *pipe = arena_new1(dump->arena, PipeEntry);
	struct pipe_seen *seen = pipe_see(dump, sighting);
	int code;

	pipe_entry__init(pipe);
	entry->type = FD_TYPES__PIPE;
	entry->pipe = pipe;
	pipe->id = entry->id;
	pipe->pipe_id = seen->pipe_id;
	pipe->flags = sighting->info.flags & ~(uint32_t)O_CLOEXEC;
	pipe->stasis_inode = inode_capture(dump->arena, &sighting->stat);
	code = fown_capture(dump, sighting, &pipe->fown, err);
	if (!code)
		code = ends_look(seen, sighting, err);
	seen->external = dump_external(dump, sighting->target);
	if (seen->external)
		return code ?: pipe_leave_outside(dump, sighting, pipe, err);
	if (!code && !seen->has_data && (pipe->flags & O_ACCMODE) != O_WRONLY) {
		seen->has_data = true;
		code = pipe_data_capture(dump, IMAGE_PIPES_DATA, pipe->pipe_id,
			sighting->fd, err);
	}
	return code;
}

static int pipe_finish(struct dump *dump, struct err *err)
{
	struct pipe_seen *pipe;
	int missing;

	pipe = *book_slot(dump->arena, &dump->book, "pipes", 0, 0);
	for (; pipe; pipe = pipe->next) {
		missing = !pipe->seen[END_READ]	   ? END_READ
			  : !pipe->seen[END_WRITE] ? END_WRITE
						   : -1;
		if (missing < 0 || pipe->closed[missing] || pipe->external)
			continue;
		err_set(err, EOPNOTSUPP,
			"process %d: %s is the %s end of a pipe (pipe:[%u]) "
			"whose other end is outside of the tree",
			pipe->pid, pipe->where,
			missing == END_READ ? "write" : "read", pipe->pipe_id);
		return err_hint(err,
			"dump a tree that has both ends, or say with "
			"--external 'pipe:[%u]' that somebody will give one "
			"back at restore",
			pipe->pipe_id);
	}
	return 0;
}

/* While restoring: a pipe, common to the objects of it. Its ends as pipe2 made
 * them go to the objects that can take them, since an end that is opened
 * again has O_LARGEFILE among its flags for ever. */
struct pipe_common {
	bool made, packets;
	bool wanted[2]; /* an object will take it */
	int fd[2];	/* of one that is made; -1: taken */
	struct object *first;
};

/* Could pipe2 and F_SETFL have given these flags? */
static bool flags_are_plain(uint32_t flags)
{
	const uint32_t settable =
		O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;

	return (flags & O_ACCMODE) != O_RDWR &&
	       !(flags & ~(settable | O_ACCMODE));
}

/* Which ends of which pipes will be asked for. */
static int pipe_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	const PipeEntry *entry = object->entry->pipe;
	struct pipe_common *pipe = object_share(view, object,
		entry->pipe_id + 1ull, sizeof(struct pipe_common));

	if ((entry->flags & O_ACCMODE) == O_ACCMODE)
		return err_set(err, EBADMSG,
			"the image opens pipe:[%u] neither for reading nor for "
			"writing",
			entry->pipe_id);
	if ((entry->flags & O_ACCMODE) != O_RDONLY && entry->flags & O_DIRECT)
		pipe->packets = true;
	if (flags_are_plain(entry->flags))
		pipe->wanted[entry->flags & O_ACCMODE] = true;
	return 0;
}

/* Without root's rights it stays that of who restores, as all he makes. */
static int inode_restore(int fd, const StasisInodeOwner *owner, struct err *err)
{
	struct stat stat;

	if (!owner)
		return 0;
	if (fstat(fd, &stat))
		return err_errno(err, "looking at a pipe");
	if ((stat.st_uid != owner->uid || stat.st_gid != owner->gid) &&
		fchown(fd, owner->uid, owner->gid)) {
		if (errno != EPERM || geteuid() == 0)
			return err_errno(
				err, "giving a pipe to user %u", owner->uid);
		log_warn("a pipe of user %u, group %u is made as one of user "
			 "%u: only root gives things away",
			owner->uid, owner->gid, stat.st_uid);
	}
	if ((stat.st_mode & 07777) != owner->mode &&
		fchmod(fd, owner->mode & 07777))
		return err_errno(err, "setting the permissions of a pipe");
	return 0;
}

static int pipe_new(struct restore *restore, struct pipe_common *pipe,
	const PipeEntry *entry, struct err *err)
{
	int code;

	if (pipe2(pipe->fd, O_CLOEXEC)) {
		pipe->fd[END_READ] = pipe->fd[END_WRITE] = -1;
		return err_errno(err, "making a pipe");
	}
	pipe->made = true;
	code = restore_keep(restore, &pipe->fd[END_READ], err);
	if (!code)
		code = restore_keep(restore, &pipe->fd[END_WRITE], err);
	if (!code)
		code = pipe_data_fill(restore, IMAGE_PIPES_DATA, entry->pipe_id,
			pipe->fd[END_WRITE], pipe->packets, err);
	return code
		       ?: inode_restore(pipe->fd[END_WRITE],
				  entry->stasis_inode, err);
}

static int end_reopen(const struct pipe_common *pipe, uint32_t flags,
	int *ret_fd, struct err *err)
{
	int via = pipe->fd[END_READ] >= 0    ? pipe->fd[END_READ]
		  : pipe->fd[END_WRITE] >= 0 ? pipe->fd[END_WRITE]
					     : pipe->first->shelf_fd;
	char link[32];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", via);
	fd = open(link, (int)(flags & ~(uint32_t)O_ASYNC) | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "opening an end of a pipe again");
	*ret_fd = fd;
	return 0;
}

static int end_take(
	struct pipe_common *pipe, uint32_t flags, int *ret_fd, struct err *err)
{
	int *fd = &pipe->fd[flags & O_ACCMODE];

	if (!flags_are_plain(flags) || *fd < 0)
		return end_reopen(pipe, flags, ret_fd, err);
	if (fcntl(*fd, F_SETFL, flags & ~(uint32_t)O_ASYNC))
		return err_errno(err, "setting the flags of a pipe");
	*ret_fd = fd_take(fd);
	return 0;
}

static int pipe_load(struct restore *restore, struct err *err)
{
	return pipe_data_prepare(restore, IMAGE_PIPES_DATA, err);
}

static int pipe_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const PipeEntry *entry = object->entry->pipe;
	struct pipe_common *pipe = object->common;
	int code = 0;

	if (!pipe->made)
		code = pipe_new(restore, pipe, entry, err);
	if (!code)
		code = end_take(pipe, entry->flags, ret_fd, err);
	if (!pipe->first)
		pipe->first = object;
	/* Ends that nobody will take: a pipe whose other end is closed. */
	for (int end = END_READ; end <= END_WRITE; end++)
		if (pipe->fd[end] >= 0 && (code || !pipe->wanted[end]))
			close(fd_take(&pipe->fd[end]));
	return code;
}

static int pipe_key(struct restore *restore, const struct object *object,
	struct object_key *ret, struct err *err)
{
	const PipeEntry *pipe = object->entry->pipe;

	(void)err;
	ret->name = arena_printf(restore->arena, "pipe:[%u]", pipe->pipe_id);
	ret->flags = pipe->flags;
	return 0;
}

static int pipe_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const PipeEntry *pipe = object->entry->pipe;

	(void)err;
	fown_emit(tape, holder, pipe->fown, pipe->flags);
	return 0;
}

const struct kind kind_pipe = {
	.name = "pipe",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__PIPE,
	.schema = &pipe_entry__descriptor,
	.claims = pipe_claims,
	.capture = pipe_capture,
	.finish = pipe_finish,
	.key = pipe_key,
	.plan = pipe_plan,
	.load = pipe_load,
	.make = pipe_make,
	.emit = pipe_emit,
};
