/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_locks: locks and leases of files (flock(2), fcntl(2)).
 *
 * A lock of fcntl(2) is the process's, whoever else has the file open; all
 * others are the open file's. The kernel shows each with the open file that it
 * was taken through, and the first ones under each fd table that owns one
 * (fdinfo). So nobody is asked, and no lock is touched: what others outside
 * hold on the same file is not shown there.
 *
 * They are taken by the newborn that had them, when all that it will ever close
 * is closed: whoever closes any fd of a file loses the process's locks on it.
 * The last one first, so that the kernel need not walk along the others.
 *
 * Who waits for a lock does so in a system call, which is made again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "kinds/table.h"
#include "kinds/task/lib/file_locks.h"
#include "model/dump.h"
#include "model/restore.h"

/* file_lock_entry.flag */
enum { LOCK_OF_PROCESS = 1, LOCK_OF_FLOCK = 2, LOCK_OF_FILE = 4, LEASE = 8 };

/* file_lock_entry.type, of a lease that somebody is waiting to see gone. */
enum { BREAKING = 4 };

struct file_locks {
	VEC(FileLockEntry *) list;
};

/* --- dump ---------------------------------------------------------------- */

static const struct {
	uint32_t flag;
	const char *words;
} sorts[] = {
	[FDINFO_LOCK_POSIX] = {LOCK_OF_PROCESS, "a lock of fcntl"},
	[FDINFO_LOCK_OFD] = {LOCK_OF_FILE, "a lock of fcntl (F_OFD_SETLK)"},
	[FDINFO_LOCK_FLOCK] = {LOCK_OF_FLOCK, "flock"},
	[FDINFO_LOCK_LEASE] = {LEASE, "a lease"},
	[FDINFO_LOCK_DELEG] = {0, "a delegation"},
	[FDINFO_LOCK_OTHER] = {0, "a lock of a sort that is not known"},
};

static int locks_check(struct dump *dump, const struct sighting *sighting,
	const struct fdinfo_lock *lock, struct err *err)
{
	const char *words = sorts[lock->kind].words;

	if (!sorts[lock->kind].flag)
		return err_set(err, EOPNOTSUPP, "it is locked by %s", words);
	if (!dump->run->opt->file_locks) {
		err_set(err, EOPNOTSUPP, "it is locked (by %s)", words);
		return err_hint(err, "use --file-locks, if all that use the "
				     "lock are in the tree");
	}
	if (sighting->victim == dump->ours) {
		err_set(err, EOPNOTSUPP,
			"it is locked (by %s), and no process has it open",
			words);
		return err_hint(err, "dump at a moment when it was received");
	}
	if (!lock->breaking)
		return 0;
	err_set(err, EOPNOTSUPP,
		"its lease is being broken: somebody waits to open the file");
	return err_hint(err, "dump it when the program has answered that");
}

/* Of one fd table, the locks of one open file: once, however often the table
 * has it. */
static bool is_news(
	struct dump *dump, const struct sighting *sighting, uint32_t id)
{
	void **known = book_slot(dump->arena, &dump->book, "file locks", id,
		sighting->victim->task->ids->files_id);

	if (*known)
		return false;
	*known = dump;
	return true;
}

static void lock_keep(struct dump *dump, const struct sighting *sighting,
	const struct fdinfo_lock *lock)
{
	FileLockEntry *entry = arena_new1(dump->arena, FileLockEntry);

	file_lock_entry__init(entry);
	entry->flag = sorts[lock->kind].flag;
	entry->type = lock->write ? F_WRLCK : F_RDLCK;
	entry->pid = sighting->victim->vpid;
	entry->fd = sighting->fd_number;
	entry->start = (int64_t)lock->start;
	/* 0: up to the end of the file, wherever that will be. */
	entry->len = lock->end == UINT64_MAX
			     ? 0
			     : (int64_t)(lock->end - lock->start + 1);
	*vec_push(dump->arena, &dump->locks->list) = entry;
	if (entry->flag == LEASE && entry->type == F_WRLCK)
		*index_slot(dump->arena, &dump->write_leases,
			sighting->stat.st_ino) = entry;
}

static int locks_seen(struct dump *dump, const struct sighting *sighting,
	uint32_t id, bool first, struct err *err)
{
	const struct fdinfo_lock *lock = sighting->info.locks;
	size_t n = sighting->info.locks_n;
	int code = 0;

	if (!n)
		return 0;
	for (size_t i = 0; i < n && !code; i++)
		code = locks_check(dump, sighting, &lock[i], err);
	if (code || !is_news(dump, sighting, id))
		return code;
	if (!dump->locks)
		dump->locks = arena_new1(dump->arena, struct file_locks);
	for (size_t i = 0; i < n; i++)
		if (first || lock[i].kind == FDINFO_LOCK_POSIX)
			lock_keep(dump, sighting, &lock[i]);
	return 0;
}

static int locks_finish(struct dump *dump, struct err *err)
{
	int code = 0;

	for (size_t i = 0; dump->locks && i < dump->locks->list.n && !code; i++)
		code = image_append(dump->images, IMAGE_FILELOCKS, 0,
			&dump->locks->list.at[i]->base, NULL, 0, err);
	return code;
}

/* --- restore ------------------------------------------------------------- */

static int entry_refuse(
	const FileLockEntry *entry, const char *why, struct err *err)
{
	err_set(err, EBADMSG,
		"filelocks.img: the lock of task %d on its fd %d %s",
		entry->pid, entry->fd, why);
	return err_hint(err, "copy the image directory again, or dump again");
}

static bool is_range(const FileLockEntry *entry)
{
	return entry->start >= 0 && entry->len >= 0 &&
	       entry->len <= INT64_MAX - entry->start;
}

static int entry_check(
	const struct task *task, const FileLockEntry *entry, struct err *err)
{
	if (!task || task->state == TASK_DEAD || entry->fd < 0 ||
		!task_fd(task, (uint32_t)entry->fd))
		return entry_refuse(entry, "is on a file that it has not", err);
	if (entry->flag == LEASE && entry->type & BREAKING) {
		err_set(err, EOPNOTSUPP,
			"task %d: the lease on its fd %d was being broken when "
			"it was dumped, which cannot be restored",
			entry->pid, entry->fd);
		return err_hint(err, "dump it at another moment");
	}
	if (entry->flag != LOCK_OF_PROCESS && entry->flag != LOCK_OF_FILE &&
		entry->flag != LOCK_OF_FLOCK && entry->flag != LEASE)
		return entry_refuse(entry, "is of an unknown sort", err);
	if (entry->type != F_RDLCK && entry->type != F_WRLCK)
		return entry_refuse(
			entry, "is neither for reading nor for writing", err);
	return is_range(entry)
		       ? 0
		       : entry_refuse(entry, "is of no range of a file", err);
}

static int locks_load(struct restore *restore, struct err *err)
{
	const FileLockEntry *entry;
	struct image_list list;
	struct task *task;
	int code;

	code = image_load(restore->images, IMAGE_FILELOCKS, 0, &list, err);
	for (size_t i = 0; !code && i < list.n; i++) {
		entry = (const FileLockEntry *)list.at[i].msg;
		task = tree_find(&restore->tree, entry->pid);
		code = entry_check(task, entry, err);
		if (!code)
			*vec_push(restore->arena, &task->locks) = entry;
	}
	return code;
}

bool file_lock_is_of_process(const FileLockEntry *entry)
{
	return entry->flag == LOCK_OF_PROCESS;
}

void file_lock_fill(const FileLockEntry *entry, struct flock *ret)
{
	*ret = (struct flock){.l_type = (short)entry->type,
		.l_whence = SEEK_SET,
		.l_start = entry->start,
		.l_len = entry->len};
}

/* To take a lease makes the taker the owner of the file's signals, if it has
 * none. */
static bool has_owner(const struct holder *holder, const FileLockEntry *entry)
{
	const FdinfoEntry *fd = task_fd(holder->task, (uint32_t)entry->fd);
	const struct object *object = fd ? holder_object(holder, fd->id) : NULL;
	const RegFileEntry *reg = object ? object->entry->reg : NULL;

	return reg && reg->fown && reg->fown->pid;
}

static void lease_emit(struct tape *tape, const struct holder *holder,
	const FileLockEntry *entry)
{
	struct f_owner_ex nobody = {.type = F_OWNER_PID};

	tape_call(
		tape, CALL_fcntl, A(entry->fd), A(F_SETLEASE), A(entry->type));
	if (!has_owner(holder, entry))
		tape_call(tape, CALL_fcntl, A(entry->fd), A(F_SETOWN_EX),
			A_DATA(tape_data(tape, &nobody, sizeof(nobody))));
}

static void lock_emit(struct tape *tape, const struct holder *holder,
	const FileLockEntry *entry)
{
	struct flock flock;

	if (entry->flag == LEASE)
		return lease_emit(tape, holder, entry);
	if (entry->flag == LOCK_OF_FLOCK) {
		tape_call(tape, CALL_flock, A(entry->fd),
			A(LOCK_NB |
				(entry->type == F_WRLCK ? LOCK_EX : LOCK_SH)));
		return;
	}
	file_lock_fill(entry, &flock);
	tape_call(tape, CALL_fcntl, A(entry->fd),
		A(entry->flag == LOCK_OF_FILE ? F_OFD_SETLK : F_SETLK),
		A_DATA(tape_data(tape, &flock, sizeof(flock))));
}

/* In the leader, behind the closing of the shelf. Where the fd table is shared
 * that is closed later, and who has done it takes the process's locks. */
static int locks_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const struct task *task = holder->task;
	const FileLockEntry *entry;
	int fd = -1;

	(void)object;
	(void)err;
	if (holder->thread != &task->threads[0])
		return 0;
	for (size_t i = task->locks.n; i-- > 0;) {
		entry = task->locks.at[i];
		if (file_lock_is_of_process(entry) && holder->late_close)
			continue;
		if (entry->fd != fd)
			tape_about(tape,
				"fd %d: its locks, which others may have taken "
				"since",
				entry->fd);
		fd = entry->fd;
		lock_emit(tape, holder, entry);
	}
	return 0;
}

const struct kind kind_file_locks = {
	.name = "file locks",
	.scope = SCOPE_THREAD,
	.seen = locks_seen,
	.finish = locks_finish,
	.load = locks_load,
	.emit = locks_emit,
};
