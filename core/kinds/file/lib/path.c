/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/procfs.h"
#include "kinds/file/lib/elf_id.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/ghost.h"
#include "kinds/file/lib/ghost_place.h"
#include "kinds/file/lib/path_again.h"
#include "kinds/file/lib/proc_held.h"
#include "model/external.h"

/* The kernel leaves it in the flags of a file made with O_TMPFILE. */
enum { TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY };

static const char deleted[] = " (deleted)";

bool path_is_named(const struct sighting *sighting)
{
	static const char *const inner[] = {"/memfd:", "/SYSV",
		"/dev/zero (deleted)", "/[aio] (deleted)", "/anon_hugepage",
		"/secretmem (deleted)", "/dmabuf:", "/i915 (deleted)",
		"/drm mm object (deleted)", NULL};

	if (sighting->target[0] != '/')
		return strncmp(sighting->target, "(unreachable)", 13) == 0;
	if (sighting->stat.st_nlink && !S_ISREG(sighting->stat.st_mode))
		return true;
	/* A file may be called so. */
	if (sighting->stat.st_nlink && path_leads(sighting->target, sighting))
		return true;
	for (int i = 0; inner[i]; i++)
		if (strncmp(sighting->target, inner[i], strlen(inner[i])) == 0)
			return false;
	return true;
}

bool path_strip_deleted(char *name)
{
	size_t size = strlen(name), tail = strlen(deleted);

	if (size <= tail || strcmp(name + size - tail, deleted) != 0)
		return false;
	name[size - tail] = '\0';
	return true;
}

/* Overlay file systems show a mapped file with the device of the layer that it
 * is in (before 6.8). */
static bool is_of_layer(
	const char *name, const struct sighting *sighting, off_t size)
{
	enum { OVERLAY = 0x794c7630 };
	struct statfs fs;

	return sighting->fd_number < 0 && S_ISREG(sighting->stat.st_mode) &&
	       size == sighting->stat.st_size && !statfs(name, &fs) &&
	       fs.f_type == OVERLAY;
}

bool path_leads(const char *name, const struct sighting *sighting)
{
	const struct stat *seen = &sighting->stat;
	struct stat stat;

	if (fstatat(AT_FDCWD, name, &stat, AT_SYMLINK_NOFOLLOW))
		return false;
	return stat.st_ino == seen->st_ino && stat.st_mode == seen->st_mode &&
	       (stat.st_dev == seen->st_dev ||
		       is_of_layer(name, sighting, stat.st_size));
}

static int name_refuse(const struct sighting *sighting, struct err *err)
{
	const char *target = sighting->target;
	struct stat stat;

	if (target[0] != '/') {
		err_set(err, EOPNOTSUPP,
			"it lies outside of the root directory");
		return err_hint(err, "dump from where it can be seen");
	}
	if (sighting->stat.st_nlink == 0 || strstr(target, deleted)) {
		err_set(err, EOPNOTSUPP,
			sighting->stat.st_nlink
				? "its name was deleted, though the file "
				  "has others"
				: "it was deleted, and is neither a regular "
				  "file nor a folder nor a symbolic link");
		return err_hint(err,
			"deleted files can be dumped when they are regular "
			"files, folders or symbolic links without any name; "
			"close it or bring "
			"'%.*s' "
			"back",
			(int)(strlen(target) - strlen(deleted)), target);
	}
	if (fstatat(AT_FDCWD, target, &stat, AT_SYMLINK_NOFOLLOW)) {
		int code = err_errno(err, "its name cannot be looked up");

		if (code != -EACCES && code != -EPERM)
			return err_hint(err,
				"its file system may not be reached from here "
				"(another mount namespace?)");
		return err_hint(err, "folders that only its user may enter, as "
				     "on a network file system, can be dumped "
				     "by that user");
	}
	err_set(err, EOPNOTSUPP,
		"its name leads to something else now: something was "
		"mounted or moved there");
	return err_hint(err, "close it or undo that before the checkpoint");
}

static int name_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t id, RegFileEntry *reg, struct err *err)
{
	const char *target = sighting->target;
	char *name = arena_strdup(dump->arena, target);

	reg->name = name;
	if (target[0] != '/')
		return name_refuse(sighting, err);
	if (path_leads(name, sighting))
		return 0;
	if (!path_strip_deleted(name))
		return name_refuse(sighting, err);
	if (sighting->stat.st_nlink == 0 &&
		(S_ISREG(sighting->stat.st_mode) ||
			S_ISDIR(sighting->stat.st_mode) ||
			S_ISLNK(sighting->stat.st_mode)))
		return ghost_place_check(sighting, name, err)
			       ?: ghost_capture(dump, sighting, id, err);
	if (path_leads(name, sighting))
		return 0;
	return name_refuse(sighting, err);
}

/* Such a file is open once, and to open it again breaks the lease. */
static bool is_leased_for_writing(const struct sighting *sighting)
{
	const struct fdinfo *info = &sighting->info;

	for (size_t i = 0; i < info->locks_n; i++)
		if (info->locks[i].kind == FDINFO_LOCK_LEASE &&
			info->locks[i].write)
			return true;
	return false;
}

static int lease_refuse(struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"it was deleted, and is leased for writing (F_SETLEASE): to "
		"read it would break the lease");
	return err_hint(err, "dump at a moment when the lease is not held");
}

/* again: an opening of it, or -1. */
static void build_id_capture(struct arena *arena,
	const struct sighting *sighting, int again, RegFileEntry *reg)
{
	bool readable = again >= 0 && (reg->flags & O_ACCMODE) != O_WRONLY &&
			!(reg->flags & O_DIRECT);
	uint32_t words[ELF_ID_WORDS];
	_cleanup_fd_ int fd = -1;
	char link[32];

	if (sighting->stat.st_size < ELF_ID_FILE_MIN)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sighting->fd);
	if (!readable)
		fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (!readable && fd < 0)
		return;
	reg->n_build_id = elf_id_read(readable ? again : fd, words);
	reg->build_id = arena_copy(
		arena, words, reg->n_build_id * sizeof(*reg->build_id));
}

/* Whoever has called it external will give it back. */
static bool external_capture(
	struct dump *dump, const struct sighting *sighting, RegFileEntry *reg)
{
	char *name;

	if (!dump->run->opt->external.n || sighting->fd_number < 0)
		return false;
	name = arena_printf(dump->arena, "file[%x:%" PRIx64 "]",
		(unsigned)sighting->info.mnt_id,
		(uint64_t)sighting->stat.st_ino);
	if (!dump_external(dump, name))
		return false;
	reg->name = name;
	reg->has_ext = reg->ext = true;
	return true;
}

bool path_is_outside(const RegFileEntry *reg)
{
	return reg->has_ext && reg->ext;
}

/* Others append to a log, too: its size says nothing. */
static bool flags_may_grow(uint32_t flags)
{
	return (flags & O_ACCMODE) == O_WRONLY && flags & O_APPEND;
}

static int named_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t id, RegFileEntry *reg, struct err *err)
{
	const struct stat *stat = &sighting->stat;
	_cleanup_fd_ int again = -1;
	bool leased = is_leased_for_writing(sighting);
	int code = proc_held_check(dump, sighting, id, err);

	if (!code && leased && !stat->st_nlink)
		code = lease_refuse(err);
	if (!code)
		code = name_capture(dump, sighting, id, reg, err);
	if (!code && !leased)
		code = path_again_check(sighting, reg, &again, err);
	if (code || !S_ISREG(stat->st_mode))
		return code;
	if (flags_may_grow(sighting->info.flags))
		return 0;
	reg->has_size = true;
	reg->size = (uint64_t)stat->st_size;
	if (stat->st_nlink && !leased)
		build_id_capture(dump->arena, sighting, again, reg);
	return 0;
}

/* The kernel shows no notifications of folders (F_NOTIFY), but asking for them
 * makes the asker the owner of the folder's signals, which have no other use.
 */
static int notify_refuse(const struct sighting *sighting,
	const RegFileEntry *reg, struct err *err)
{
	if (!S_ISDIR(sighting->stat.st_mode) || !reg->fown->pid)
		return 0;
	err_set(err, EOPNOTSUPP,
		"it is a folder whose changes are told by signals (dnotify), "
		"which cannot be dumped yet");
	return err_hint(err, "close it, or have the program take them back, "
			     "owner and all (F_NOTIFY and F_SETOWN with 0)");
}

int path_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t id, RegFileEntry **ret, struct err *err)
{
	RegFileEntry *reg = arena_new1(dump->arena, RegFileEntry);
	uint32_t flags = sighting->info.flags;
	int code = 0;

	reg_file_entry__init(reg);
	reg->id = id;
	reg->flags = flags & ~(uint32_t)O_CLOEXEC;
	if (flags & TMPFILE_BIT)
		reg->flags &= ~(uint32_t)O_TMPFILE;
	reg->pos = (uint64_t)sighting->info.pos;
	reg->has_mode = true;
	reg->mode = sighting->stat.st_mode;
	if (!external_capture(dump, sighting, reg))
		code = named_capture(dump, sighting, id, reg, err);
	if (!code)
		code = fown_capture(dump, sighting, &reg->fown, err);
	if (!code)
		code = notify_refuse(sighting, reg, err);
	if (!code)
		*ret = reg;
	return code;
}

static const char *type_name(mode_t mode)
{
	return S_ISREG(mode)	? "a regular file"
	       : S_ISDIR(mode)	? "a directory"
	       : S_ISCHR(mode)	? "a character device"
	       : S_ISBLK(mode)	? "a block device"
	       : S_ISFIFO(mode) ? "a FIFO"
	       : S_ISLNK(mode)	? "a symbolic link"
				: "a socket";
}

static int mode_check(const struct restore *restore, const RegFileEntry *reg,
	const struct stat *stat, struct err *err)
{
	if (!reg->has_mode || reg->mode == stat->st_mode)
		return 0;
	if ((reg->mode & S_IFMT) != (stat->st_mode & S_IFMT)) {
		err_set(err, EINVAL,
			"'%s' was %s when the checkpoint was made, and is %s "
			"now",
			reg->name, type_name(reg->mode),
			type_name(stat->st_mode));
		return err_hint(err, "put back what was there");
	}
	if (restore->run->opt->skip_file_rwx_check)
		return 0;
	err_set(err, EINVAL,
		"'%s' had the permissions %04o when the checkpoint was made, "
		"and has %04o now",
		reg->name, reg->mode & 07777, stat->st_mode & 07777);
	return err_hint(err, "change them back, or let it pass with "
			     "--skip-file-rwx-check");
}

static int build_id_check(const struct restore *restore,
	const RegFileEntry *reg, int fd, struct err *err)
{
	uint32_t words[ELF_ID_WORDS];
	_cleanup_fd_ int again = -1;
	char link[32];
	size_t n;

	if (!reg->n_build_id ||
		restore->run->opt->file_validation != VALIDATE_BUILDID)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	again = open(link, O_RDONLY | O_CLOEXEC);
	n = again < 0 ? 0 : elf_id_read(again, words);
	if (n == reg->n_build_id &&
		memcmp(words, reg->build_id, n * sizeof(*words)) == 0)
		return 0;
	err_set(err, EINVAL,
		"'%s' is another build than when the checkpoint was made (its "
		"build id differs)",
		reg->name);
	return err_hint(err, "put the old file back; --file-validation "
			     "filesize would look at its size alone");
}

static int size_check(const struct restore *restore, const RegFileEntry *reg,
	const struct stat *stat, struct err *err)
{
	uint64_t now = (uint64_t)stat->st_size;

	if (!reg->has_size || !S_ISREG(stat->st_mode) || reg->size == now ||
		flags_may_grow(reg->flags) ||
		(now > reg->size && restore->run->opt->allow_grown_files))
		return 0;
	err_set(err, EINVAL,
		"'%s' had %llu bytes when the checkpoint was made, and has "
		"%llu now",
		reg->name, (unsigned long long)reg->size,
		(unsigned long long)now);
	return err_hint(err, "put back the file as it was at the checkpoint%s",
		now > reg->size
			? ", or let those pass that have become longer with "
			  "--allow-grown-files"
			: "");
}

static int path_check(const struct restore *restore, const RegFileEntry *reg,
	int fd, struct stat *ret_stat, struct err *err)
{
	int code;

	if (fstat(fd, ret_stat))
		return err_errno(err, "looking at '%s'", reg->name);
	code = mode_check(restore, reg, ret_stat, err);
	if (!code)
		code = size_check(restore, reg, ret_stat, err);
	return code ? code : build_id_check(restore, reg, fd, err);
}

static int position_set(const RegFileEntry *reg, int fd, struct err *err)
{
	if (!reg->pos || reg->flags & O_PATH)
		return 0;
	if (lseek(fd, (off_t)reg->pos, SEEK_SET) < 0)
		return err_errno(err, "seeking in '%s' to %llu", reg->name,
			(unsigned long long)reg->pos);
	return 0;
}

static int open_failed(const RegFileEntry *reg, int code, struct err *err)
{
	err_code(err, code, "opening '%s'", reg->name);
	if (code == -ENOENT)
		return err_hint(err, "it was there when the checkpoint was "
				     "made; put it back");
	if (code == -ELOOP)
		return err_hint(err, "a symbolic link is on the way that "
				     "somebody other than root has made since "
				     "the checkpoint; put back what was "
				     "there");
	return code;
}

/* Some files are not what they are called: they depend on who opens them, and
 * would be ours. */
static int opener_check(const RegFileEntry *reg, int fd,
	const struct stat *stat, struct err *err)
{
	if (procfs_is_of_process(fd)) {
		err_set(err, EOPNOTSUPP,
			"'%s' is a file of /proc about one process", reg->name);
		return err_hint(err, "such files come back only to the one "
				     "process that they are about, and to one "
				     "of others what everybody may read; it "
				     "must be closed before the checkpoint");
	}
	if (!(reg->flags & O_PATH) && S_ISCHR(stat->st_mode) &&
		stat->st_rdev == makedev(TTYAUX_MAJOR, 0))
		return err_set(err, EOPNOTSUPP,
			"'%s' is the terminal of whoever opens it", reg->name);
	return 0;
}

int path_find(struct restore *restore, const RegFileEntry *reg, int *ret_fd,
	struct err *err)
{
	int nofollow = (int)reg->flags & O_NOFOLLOW, code;
	_cleanup_fd_ int fd =
		restore_open(restore, reg->name, O_PATH | nofollow, 0);
	struct stat stat;

	if (fd < 0)
		return open_failed(reg, fd, err);
	code = path_check(restore, reg, fd, &stat, err)
		       ?: opener_check(reg, fd, &stat, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

static bool file_is(int fd, int other)
{
	struct stat one, two;

	return !fstat(fd, &one) && !fstat(other, &two) &&
	       one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

int path_open_found(struct restore *restore, const RegFileEntry *reg, int found,
	int flags, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	char link[32];

	/* These two are seen in the flags of what was opened, and cannot be
	 * had through a magic link. */
	if (flags & (O_PATH | O_NOFOLLOW)) {
		fd = restore_open(restore, reg->name, flags, 0);
		if (fd < 0)
			return open_failed(reg, fd, err);
		if (!file_is(fd, found))
			return err_set(err, EAGAIN,
				"'%s' was replaced while it was opened",
				reg->name);
	} else {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
		fd = open(link, flags | O_CLOEXEC);
		if (fd < 0)
			return open_failed(reg, -errno, err);
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

/* To open a file may do something, or wait. Not so with those that this is for,
 * and if something else is there now: nobody but user 0 could put a device into
 * the place, and O_NONBLOCK does not wait for the other end of a FIFO. */
static bool opens_calmly(const RegFileEntry *reg, int flags)
{
	return reg->has_mode && !(flags & (O_PATH | O_NOFOLLOW)) &&
	       (S_ISREG(reg->mode) || S_ISDIR(reg->mode) || S_ISCHR(reg->mode));
}

/* By one opening, and looked at after it. *ret_fd stays where that cannot be:
 * looking first says why. */
static int straight_open(struct restore *restore, const RegFileEntry *reg,
	int flags, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	struct stat stat;
	int code;

	if (!opens_calmly(reg, flags))
		return 0;
	fd = restore_open(restore, reg->name, flags | O_NONBLOCK, 0);
	if (fd < 0)
		return 0;
	code = path_check(restore, reg, fd, &stat, err)
		       ?: opener_check(reg, fd, &stat, err);
	if (code)
		return code;
	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK))
		return err_errno(err, "setting the flags of '%s'", reg->name);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int named_open(struct restore *restore, const RegFileEntry *reg,
	int flags, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int found = -1;
	int fd = -1, code = straight_open(restore, reg, flags, &fd, err);

	if (code || fd >= 0) {
		*ret_fd = code ? *ret_fd : fd;
		return code;
	}
	return path_find(restore, reg, &found, err)
		       ?: path_open_found(
				  restore, reg, found, flags, ret_fd, err);
}

int path_flags(const RegFileEntry *reg)
{
	/* O_ASYNC is set when it is emitted. */
	int flags = (int)reg->flags &
		    ~(O_CREAT | O_EXCL | O_TRUNC | O_ASYNC | TMPFILE_BIT);

	return flags & O_PATH ? flags : flags | O_NOCTTY;
}

int path_open_own(struct restore *restore, const RegFileEntry *reg, int *ret_fd,
	struct err *err)
{
	int nofollow = (int)reg->flags & O_NOFOLLOW;
	_cleanup_fd_ int found =
		restore_open(restore, reg->name, O_PATH | nofollow, 0);
	struct stat stat;

	if (found < 0)
		return open_failed(reg, found, err);
	return path_check(restore, reg, found, &stat, err)
		       ?: path_open_found(restore, reg, found, path_flags(reg),
				  ret_fd, err);
}

int path_open(struct restore *restore, const RegFileEntry *reg, int flags,
	int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	uint32_t ghost;
	int code;

	flags |= path_flags(reg);
	code = ghost_find(restore, reg->id, &ghost, err);
	if (!code && ghost)
		code = ghost_open(restore, reg, ghost, flags, &fd, err);
	else if (!code)
		code = named_open(restore, reg, flags, &fd, err);
	if (!code)
		code = position_set(reg, fd, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

const char *path_is_special(const struct sighting *sighting)
{
	enum { MQUEUE = 0x19800202, SECRET = 0x5345434d };

	if (!S_ISREG(sighting->stat.st_mode))
		return NULL;
	if (sighting->fs_type == MQUEUE)
		return "a POSIX message queue";
	return sighting->fs_type == SECRET ? "secret memory (memfd_secret)"
					   : NULL;
}
