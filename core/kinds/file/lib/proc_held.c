/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/proc_held.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/procfs.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/path.h"
#include "kinds/table.h"
#include "model/facts.h"

static const struct victim *victim_find(const struct dump *dump, pid_t pid)
{
	for (size_t i = 0; i < dump->victims.n; i++)
		if (dump->victims.at[i]->pid == pid)
			return dump->victims.at[i];
	return NULL;
}

static bool thread_is_of(const struct victim *victim, pid_t tid)
{
	for (size_t i = 0; i < victim->threads.n; i++)
		if (victim->threads.at[i]->tid == tid)
			return true;
	return false;
}

/* --- dump --------------------------------------------------------------- */

static int ended_refuse(struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"it is a file of /proc about a process or thread that has "
		"ended");
	return err_hint(err, "it cannot even be read any more; close it before "
			     "the checkpoint");
}

/* Of a process that is another one than its holder. */
static int other_check(const struct dump *dump, const struct sighting *sighting,
	const struct procfs_name *name, struct err *err)
{
	const struct victim *victim = victim_find(dump, name->pid);

	if (!victim && name->pid != 1) {
		err_set(err, EOPNOTSUPP,
			"it is a file of /proc about process %d, which is not "
			"dumped with it",
			name->pid);
		return err_hint(err, "dump a tree that has both, or close it "
				     "before the checkpoint");
	}
	if (name->tid && name->tid != name->pid) {
		err_set(err, EOPNOTSUPP,
			"it is a file of /proc about a thread of another "
			"process (%d)",
			name->pid);
		return err_hint(err, "close it before the checkpoint");
	}
	if (procfs_name_is_public(name) &&
		(sighting->info.flags & O_ACCMODE) == O_RDONLY)
		return 0;
	err_set(err, EOPNOTSUPP,
		"it is a file of /proc about another process (%d) that not "
		"everybody may open",
		name->pid);
	return err_hint(err, "close it before the checkpoint: only files about "
			     "its holder himself are opened again, and of "
			     "others what everybody may read");
}

static int own_check(const struct sighting *sighting,
	const struct procfs_name *name, struct err *err)
{
	if (name->tid && !thread_is_of(sighting->victim, name->tid))
		return ended_refuse(err);
	/* Who changed his ids owns no such file of himself. */
	if (geteuid() == 0 || sighting->stat.st_mode & 0004 ||
		sighting->info.flags & O_PATH)
		return 0;
	err_set(err, EPERM,
		"it is a file of /proc that only its own process may open, "
		"which a restore without root's rights cannot do for it");
	return err_hint(err,
		"dump and restore as root, or close it before the checkpoint");
}

static int table_check(
	const struct dump *dump, const struct victim *victim, struct err *err)
{
	const struct victim *other;

	for (size_t i = 0; i < dump->victims.n; i++) {
		other = dump->victims.at[i];
		if (other == victim || other->state == TASK_DEAD ||
			!other->task || !other->task->ids ||
			!victim->task->ids ||
			other->task->ids->files_id !=
				victim->task->ids->files_id)
			continue;
		err_set(err, EOPNOTSUPP,
			"it is a file of /proc about one process, and process "
			"%d has the same fd table",
			other->pid);
		return err_hint(err, "close it before the checkpoint");
	}
	return 0;
}

static const char proc_held[] = "proc held";

int proc_held_check(struct dump *dump, const struct sighting *sighting,
	uint32_t id, struct err *err)
{
	const struct victim *victim = sighting->victim;
	struct procfs_name name;
	int code;

	if (!procfs_type_is_of_process(sighting->fd, sighting->fs_type))
		return 0;
	if (sighting->fd_number < 0) {
		err_set(err, EOPNOTSUPP,
			"it is a place in /proc about one process");
		return err_hint(err, "leave it before the checkpoint");
	}
	if (dump->own_pids) {
		err_set(err, EOPNOTSUPP,
			"it is a file of /proc about one process, held in a "
			"pid namespace of its own");
		return err_hint(err, "close it before the checkpoint");
	}
	if (!procfs_name_read(sighting->target, &name) ||
		!path_leads(sighting->target, sighting))
		return ended_refuse(err);
	code = name.pid == victim->pid
		       ? own_check(sighting, &name, err)
		       : other_check(dump, sighting, &name, err);
	if (!code)
		code = table_check(dump, victim, err);
	if (!code)
		*book_slot(dump->arena, &dump->book, proc_held, id, 0) =
			(void *)victim;
	return code;
}

int proc_held_again(struct dump *dump, const struct victim *victim, uint32_t id,
	struct err *err)
{
	const struct victim *first =
		*book_slot(dump->arena, &dump->book, proc_held, id, 0);

	(void)victim;
	if (!first)
		return 0;
	err_set(err, EOPNOTSUPP,
		"it is a file of /proc about one process, and held by process "
		"%d as well",
		first->pid);
	return err_hint(err, "such a file comes back only to one; close it "
			     "before the checkpoint");
}

/* --- restore ------------------------------------------------------------ */

static bool name_of(const struct object *object, struct procfs_name *ret)
{
	const RegFileEntry *reg = object->entry ? object->entry->reg : NULL;

	return reg && object->apart && !object->given &&
	       !path_is_outside(reg) && procfs_name_read(reg->name, ret);
}

/* Does it exist only when threads and other processes do? */
static bool is_late(const struct procfs_name *name, pid_t holder)
{
	return name->pid != holder || (name->tid && name->tid != name->pid);
}

bool proc_held_is(const struct object *object)
{
	struct procfs_name name;

	return name_of(object, &name);
}

int proc_held_make(struct restore *restore, const struct object *object,
	int *ret_fd, struct err *err)
{
	const RegFileEntry *reg = object->entry->reg;
	_cleanup_fd_ int proc = -1;
	struct procfs_name name;
	int fd;

	name_of(object, &name);
	if (is_late(&name, object->holders.at[0].task->pid)) {
		fd = fcntl(restore->root, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return err_errno(err, "keeping a number free");
		*ret_fd = fd;
		return 0;
	}
	proc = restore_open(restore, "/proc", O_PATH | O_DIRECTORY, 0);
	if (proc < 0 || procfs_self(proc) != name.pid)
		return err_set(err, ENOENT,
			"'%s' is about another process here: /proc is that of "
			"another pid namespace, or none",
			reg->name);
	return path_open_own(restore, reg, ret_fd, err);
}

/* The kernel keeps the text around the position of the last reading, and there
 * are things of ours in it still: it is led away, so that the next one at the
 * position looks anew. What is no text fails, and has none. */
static void position_emit(
	struct tape *tape, const RegFileEntry *reg, struct arg fd)
{
	uint64_t room;

	if (!reg->pos || reg->flags & O_PATH)
		return;
	tape_call(tape, CALL_lseek, fd, A(reg->pos), A(SEEK_SET));
	room = tape_data(tape, NULL, 2);
	tape_try(tape, CALL_pread64, fd, A_DATA(room), A(reg->pos == 1 ? 2 : 1),
		A(0));
}

void proc_held_emit(struct tape *tape, const struct object *object,
	const struct holder *holder)
{
	struct procfs_name name;

	if (name_of(object, &name) && !is_late(&name, holder->task->pid) &&
		holder->first)
		position_emit(tape, object->entry->reg, A(holder->fd));
}

static int late_check(const struct procfs_name *name, const RegFileEntry *reg,
	pid_t holder, struct err *err)
{
	if (name->pid == holder)
		return 0;
	if (procfs_name_is_public(name) && (reg->flags & O_ACCMODE) == O_RDONLY)
		return 0;
	return err_set(err, EOPNOTSUPP,
		"'%s' is a file of /proc about one process, which is not its "
		"holder",
		reg->name);
}

/* Under its first number; symbolic links are what leads elsewhere. */
static void late_open(struct tape *tape, const struct facts *facts,
	const RegFileEntry *reg, const FdinfoEntry *to)
{
	bool by_fd = facts->proc_fd >= 0;
	const char *path = reg->name + (by_fd ? strlen("/proc/") : 0);
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(path_flags(reg) | O_CLOEXEC),
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	uint64_t path_at = tape_data(tape, path, strlen(path) + 1);
	uint64_t how_at = tape_data(tape, &how, sizeof(how));
	uint32_t fd;

	fd = tape_call(tape, CALL_openat2, A(by_fd ? facts->proc_fd : AT_FDCWD),
		A_DATA(path_at), A_DATA(how_at), A(sizeof(how)));
	position_emit(tape, reg, A_RESULT(fd));
	tape_call(tape, CALL_dup3, A_RESULT(fd), A(to->fd),
		A(to->flags & 1 ? O_CLOEXEC : 0));
	tape_call(tape, CALL_close, A_RESULT(fd));
}

static int late_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, const FdinfoEntry *to, struct err *err)
{
	const RegFileEntry *reg = object->entry->reg;
	struct procfs_name name;
	int first = object->holders.at[0].fd, code;

	if (!name_of(object, &name) || !is_late(&name, holder->task->pid))
		return 0;
	tape_about(tape, "fd %u: '%s'", to->fd, reg->name);
	code = late_check(&name, reg, holder->task->pid, err);
	if (code)
		return err_wrap(err, "fd %u", to->fd);
	if (first == (int)to->fd)
		late_open(tape, holder->facts, reg, to);
	else
		tape_call(tape, CALL_dup3, A(first), A(to->fd),
			A(to->flags & 1 ? O_CLOEXEC : 0));
	return 0;
}

static int proc_held_late(struct tape *tape, const struct object *none,
	const struct holder *holder, struct err *err)
{
	const struct task *task = holder->task;
	const struct object *object;
	int code = 0;

	(void)none;
	for (size_t i = 0; i < task->n_fds && !code; i++) {
		object = holder_object(holder, task->fds[i]->id);
		if (object && object->apart && object->holders.n)
			code = late_emit(
				tape, object, holder, task->fds[i], err);
	}
	return code;
}

const struct kind kind_proc_held = {
	.name = "files of /proc",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.emit = proc_held_late,
};
