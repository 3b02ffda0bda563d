/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/unix_name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/place.h"
#include "kernel/stand_in.h"
#include "kinds/file/lib/path.h"

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE (SIOCPROTOPRIVATE + 0) /* linux/un.h, since 4.17 */
#endif
#ifndef SIOCPROTOPRIVATE
#define SIOCPROTOPRIVATE 0x89E0
#endif

bool unix_name_is_path(const UnixSkEntry *unix_sk)
{
	return unix_sk->name.len && unix_sk->name.data[0];
}

/* With an end, and nothing behind it. */
static char *path_of(struct arena *arena, const UnixSkEntry *unix_sk)
{
	char *path = arena_alloc(arena, unix_sk->name.len + 1);

	memcpy(path, unix_sk->name.data, unix_sk->name.len);
	path[unix_sk->name.len] = '\0';
	return path;
}

/* --- dump ---------------------------------------------------------------- */

static bool leads_to(const char *path, const struct stat *file)
{
	struct stat now;

	return lstat(path, &now) == 0 && now.st_dev == file->st_dev &&
	       now.st_ino == file->st_ino;
}

/* Of a path up to its slash there; the root is a folder, too. */
static const char *folder_named(
	struct arena *arena, const char *path, size_t slash)
{
	return slash ? arena_printf(arena, "%.*s", (int)slash, path) : "/";
}

/* The folder that a relative name began in: of the file's path without it, or
 * where its task is. */
static int folder_find(struct dump *dump, const struct sighting *sighting,
	const char *name, const char *now, const struct stat *file,
	const char **ret, struct err *err)
{
	size_t all = strlen(now), tail = strlen(name);
	char *cwd;

	if (all > tail && now[all - tail - 1] == '/' &&
		strcmp(now + all - tail, name) == 0) {
		*ret = folder_named(dump->arena, now, all - tail - 1);
		return 0;
	}
	if (!proc_read_link(dump->arena, &sighting->victim->proc, "cwd", &cwd,
		    ERR_UNREAD) &&
		leads_to(arena_printf(dump->arena, "%s/%s", cwd, name), file)) {
		*ret = cwd;
		return 0;
	}
	/* Moved since, within its folder. */
	if (!strchr(name, '/') && strchr(now, '/')) {
		*ret = folder_named(
			dump->arena, now, (size_t)(strrchr(now, '/') - now));
		return 0;
	}
	err_set(err, EOPNOTSUPP,
		"it is a unix socket with the relative name '%s', and nothing "
		"tells relative to which folder",
		name);
	return err_hint(err, "bind it to an absolute path");
}

static int perms_capture(
	struct arena *arena, const struct stat *file, UnixSkEntry *unix_sk)
{
	FilePermsEntry *perms = arena_new1(arena, FilePermsEntry);

	file_perms_entry__init(perms);
	perms->mode = file->st_mode;
	perms->uid = file->st_uid;
	perms->gid = file->st_gid;
	unix_sk->file_perms = perms;
	return 0;
}

/* Where the file is, and whether the name still leads to it. */
static int place_capture(struct dump *dump, const struct sighting *sighting,
	int file, UnixSkEntry *unix_sk, struct err *err)
{
	char *name = path_of(dump->arena, unix_sk), now[PATH_MAX], link[40];
	const char *folder = "", *whole = name;
	struct stat stat;
	bool gone;
	ssize_t n;
	int code;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	n = readlink(link, now, sizeof(now) - 1);
	if (n < 0 || fstat(file, &stat))
		return err_errno(err, "looking for the file of '%s'", name);
	now[n] = '\0';
	gone = !leads_to(now, &stat) && path_strip_deleted(now);
	if (name[0] != '/') {
		code = folder_find(
			dump, sighting, name, now, &stat, &folder, err);
		if (code)
			return code;
		unix_sk->name_dir = (char *)folder;
		whole = arena_printf(dump->arena, "%s/%s", folder, name);
	}
	perms_capture(dump->arena, &stat, unix_sk);
	if (leads_to(whole, &stat))
		return 0;
	if (gone)
		unix_sk->has_deleted = unix_sk->deleted = true;
	else
		unix_sk->stasis_moved = arena_strdup(dump->arena, now);
	return 0;
}

int unix_name_capture(struct dump *dump, const struct sighting *sighting,
	const struct sockdiag_unix *seen, UnixSkEntry *unix_sk, struct err *err)
{
	_cleanup_fd_ int file = -1;

	unix_sk->name =
		(ProtobufCBinaryData){seen->name_size, (uint8_t *)seen->name};
	if (!unix_name_is_path(unix_sk))
		return 0;
	file = ioctl(sighting->fd, SIOCUNIXFILE);
	if (file < 0)
		return err_errno(err, "opening the file of '%s'",
			path_of(dump->arena, unix_sk));
	return place_capture(dump, sighting, file, unix_sk, err);
}

/* --- restore ------------------------------------------------------------- */

/* A name that was made, to be taken away again. */
struct made_name {
	int folder;
	const char *base;
	struct stat stat;
	undo_line line;
};

struct unix_names {
	VEC(struct made_name) made;
	struct sockdiag_unixes live; /* when it was first asked for */
	bool asked;
};

static struct unix_names *names_of(struct restore *restore)
{
	void **slot =
		book_slot(restore->arena, &restore->book, "unix names", 0, 0);

	if (!*slot)
		*slot = arena_new1(restore->arena, struct unix_names);
	return *slot;
}

static int address_bind(int fd, const UnixSkEntry *unix_sk, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t begin = offsetof(struct sockaddr_un, sun_path);

	if (unix_sk->name.len > sizeof(address.sun_path) + 1)
		return err_set(err, EBADMSG,
			"a unix socket's name of %zu bytes", unix_sk->name.len);
	/* The end of a path is not counted, and may have no room. */
	memcpy(address.sun_path, unix_sk->name.data,
		unix_sk->name.len < sizeof(address.sun_path)
			? unix_sk->name.len
			: sizeof(address.sun_path));
	if (bind(fd, (struct sockaddr *)&address,
		    (socklen_t)(begin +
				(unix_sk->name.len < sizeof(address.sun_path)
						? unix_sk->name.len
						: sizeof(address.sun_path)))))
		return -errno;
	return 0;
}

static int abstract_bind(int fd, const UnixSkEntry *unix_sk, struct err *err)
{
	int code = address_bind(fd, unix_sk, err);

	if (code == -EADDRINUSE) {
		err_set(err, EADDRINUSE,
			"another socket has the abstract name '%.*s'",
			(int)unix_sk->name.len - 1,
			(const char *)unix_sk->name.data + 1);
		return err_hint(err, "abstract names are of the whole network "
				     "namespace: end the other program");
	}
	return code && !err->text[0]
		       ? err_code(err, code,
				 "binding a unix socket to an abstract name")
		       : code;
}

/* Does any socket of this host have the file? */
static int is_live(struct restore *restore, const struct stat *file, bool *ret,
	struct err *err)
{
	struct unix_names *names = names_of(restore);
	const struct sockdiag_unix *one;
	int code = 0;

	if (!names->asked)
		code = sockdiag_collect_unix(restore->arena, &names->live, err);
	names->asked = !code;
	*ret = false;
	for (size_t i = 0; i < names->live.n && !*ret; i++) {
		one = &names->live.at[i];
		*ret = one->vfs_ino && one->vfs_ino == (uint32_t)file->st_ino;
	}
	return code;
}

/* The file of the socket that was dumped is still there, and nobody's. */
static int old_remove(struct restore *restore, int folder, const char *base,
	const char *path, bool *ret_was, struct err *err)
{
	struct stat file;
	bool live;
	int code;

	*ret_was = false;
	if (fstatat(folder, base, &file, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT
			       ? 0
			       : err_errno(err, "looking at '%s'", path);
	if (!S_ISSOCK(file.st_mode)) {
		err_set(err, EADDRINUSE,
			"'%s' is to be a unix socket, and is another file now",
			path);
		return err_hint(err, "move it away, and restore again");
	}
	code = is_live(restore, &file, &live, err);
	if (code)
		return code;
	if (live) {
		err_set(err, EADDRINUSE,
			"'%s' is the socket of another program", path);
		return err_hint(err, "end that program, and restore again");
	}
	if (unlinkat(folder, base, 0))
		return err_errno(err, "removing the old socket '%s'", path);
	*ret_was = true;
	return 0;
}

/* From the folder that relative names begin in, and with no rights for others
 * until the file has its own. */
static int folder_bind(struct restore *restore, int fd,
	const UnixSkEntry *unix_sk, const char *path, struct err *err)
{
	_cleanup_fd_ int before = -1, folder = -1;
	mode_t mask;
	int code;

	if (unix_sk->name.data[0] != '/') {
		before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		folder = restore_open(
			restore, unix_sk->name_dir, O_PATH | O_DIRECTORY, 0);
		if (before < 0 || folder < 0 || fchdir(folder))
			return err_set(err, ENOENT,
				"the folder '%s' of the unix socket '%s' "
				"cannot be entered",
				unix_sk->name_dir, path);
	}
	mask = umask(0777);
	code = address_bind(fd, unix_sk, err);
	umask(mask);
	if (before >= 0 && fchdir(before) && !code)
		code = -errno;
	return code && !err->text[0]
		       ? err_code(err, code, "binding a unix socket to '%s'",
				 path)
		       : code;
}

static int perms_set(int fd, const UnixSkEntry *unix_sk, const char *path,
	struct stat *ret, struct err *err)
{
	_cleanup_fd_ int file = ioctl(fd, SIOCUNIXFILE);
	const FilePermsEntry *perms = unix_sk->file_perms;
	char link[40];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	if (file < 0 || fstat(file, ret))
		return err_errno(err, "opening the socket '%s'", path);
	if (perms && (ret->st_uid != perms->uid || ret->st_gid != perms->gid) &&
		fchownat(file, "", perms->uid, perms->gid, AT_EMPTY_PATH))
		return err_errno(
			err, "giving the socket '%s' to its owner", path);
	if (chmod(link, perms ? perms->mode & 07777 : 0755))
		return err_errno(err,
			"setting the permissions of the socket '%s'", path);
	return 0;
}

static int moved_rename(struct restore *restore, int folder, const char *base,
	const UnixSkEntry *unix_sk, struct err *err)
{
	_cleanup_fd_ int to = -1;
	const char *name;

	to = place_open_folder(restore->root,
		unix_sk->stasis_moved + (unix_sk->stasis_moved[0] == '/'),
		&name);
	if (to < 0)
		return err_code(err, to, "opening the folder of '%s'",
			unix_sk->stasis_moved);
	if (renameat(folder, base, to, name))
		return err_errno(err, "moving the socket to '%s'",
			unix_sk->stasis_moved);
	return 0;
}

static void name_remove(const struct made_name *made)
{
	struct stat now;

	if (!fstatat(made->folder, made->base, &now, AT_SYMLINK_NOFOLLOW) &&
		now.st_dev == made->stat.st_dev &&
		now.st_ino == made->stat.st_ino)
		unlinkat(made->folder, made->base, 0);
}

/* Wherever it was put, it goes. */
static void stray_remove(struct restore *restore, int file)
{
	struct made_name stray;
	_cleanup_fd_ int folder = -1;
	char link[40], now[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	n = readlink(link, now, sizeof(now) - 1);
	if (n <= 0 || fstat(file, &stray.stat))
		return;
	now[n] = '\0';
	folder = place_open_folder(restore->root, now + 1, &stray.base);
	stray.folder = folder;
	if (folder >= 0)
		name_remove(&stray);
}

/* Only by its whole name can it be bound: who may swap folders on the way has
 * it put elsewhere, where nobody has looked. */
static int folder_verify(struct restore *restore, int fd, int folder,
	const char *base, const char *path, struct err *err)
{
	_cleanup_fd_ int file = ioctl(fd, SIOCUNIXFILE);
	struct stat bound, there;

	if (file < 0 || fstat(file, &bound))
		return err_errno(err, "opening the socket '%s'", path);
	if (!fstatat(folder, base, &there, AT_SYMLINK_NOFOLLOW) &&
		there.st_dev == bound.st_dev && there.st_ino == bound.st_ino)
		return 0;
	stray_remove(restore, file);
	err_set(err, EPERM,
		"the folder of the unix socket '%s' was replaced while the "
		"socket was made",
		path);
	return err_hint(err, "whoever may write to the folders above it seems "
			     "to play tricks");
}

/* The file stays: where it was, and as it was. */
static int live_bind(struct restore *restore, int fd,
	const UnixSkEntry *unix_sk, const char *path, struct err *err)
{
	struct unix_names *names = names_of(restore);
	struct made_name made = {.folder = -1};
	_cleanup_fd_ int folder = -1;
	const char *base;
	bool was;
	int code;

	folder = place_open_folder(
		restore->root, path + (path[0] == '/'), &base);
	if (folder < 0)
		return err_code(
			err, folder, "opening the folder of '%s'", path);
	code = old_remove(restore, folder, base, path, &was, err);
	if (!code && !was)
		code = undo_note_socket(
			restore->run->undo, folder, base, &made.line, err);
	if (!code)
		code = folder_bind(restore, fd, unix_sk, path, err)
			       ?: folder_verify(
					  restore, fd, folder, base, path, err);
	if (!code && !was) {
		made.base = arena_strdup(restore->arena, base);
		made.folder = fcntl(folder, F_DUPFD_CLOEXEC, 3);
		fstatat(folder, base, &made.stat, AT_SYMLINK_NOFOLLOW);
		*vec_push(restore->arena, &names->made) = made;
	}
	if (!code)
		code = perms_set(fd, unix_sk, path, &made.stat, err);
	if (!code && unix_sk->stasis_moved)
		code = moved_rename(restore, folder, base, unix_sk, err);
	return code;
}

struct passing {
	struct restore *restore;
	int fd;
	const UnixSkEntry *unix_sk;
	const char *path;
};

/* An empty file system as the root, with no more than the path's folders: so
 * the socket is told to be where it was. Any folder serves to mount it on. */
static int room_make(const char *path, struct err *err)
{
	char folder[PATH_MAX], *slash = folder;
	const char *base = "/proc";

	if (mount("none", base, "tmpfs", 0, "mode=0700") || chroot(base) ||
		chdir("/"))
		return err_errno(err,
			"making room for a socket at '%s' that is to be "
			"deleted",
			path);
	snprintf(folder, sizeof(folder), "%s", path);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(folder, 0700) && errno != EEXIST)
			return err_errno(err, "making the folder '%s'", folder);
		*slash = '/';
	}
	return 0;
}

static int passing_bind(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	struct passing *p = of;
	int code = room_make(p->path, err);

	(void)ret;
	if (code)
		return code;
	if (p->unix_sk->name.data[0] != '/' && chdir(p->unix_sk->name_dir))
		return err_errno(err, "entering '%s'", p->unix_sk->name_dir);
	code = address_bind(p->fd, p->unix_sk, err);
	if (code)
		return err->text[0] ? code
				    : err_code(err, code,
					      "binding a unix socket to '%s'",
					      p->path);
	unlink(p->path);
	return 0;
}

static int gone_bind(struct restore *restore, int fd,
	const UnixSkEntry *unix_sk, const char *path, struct err *err)
{
	const struct stand_in who = {.apart_mounts = true};
	struct passing passing = {restore, fd, unix_sk, path};
	int ret[STAND_IN_RESULTS];

	if (strlen(path) >= PATH_MAX)
		return err_set(
			err, EBADMSG, "a path of %zu bytes", strlen(path));
	return stand_in_do(&who, passing_bind, &passing, ret, err);
}

int unix_name_bind(struct restore *restore, int fd, const UnixSkEntry *unix_sk,
	bool passing, struct err *err)
{
	const char *path;

	if (!unix_sk->name.len)
		return 0;
	if (!unix_name_is_path(unix_sk))
		return abstract_bind(fd, unix_sk, err);
	path = path_of(restore->arena, unix_sk);
	if (path[0] != '/' && (!unix_sk->name_dir || !*unix_sk->name_dir))
		return err_set(err, EBADMSG,
			"the unix socket '%s' has a relative name, and no "
			"folder that it is relative to",
			path);
	if (path[0] != '/')
		path = arena_printf(
			restore->arena, "%s/%s", unix_sk->name_dir, path);
	return passing || unix_sk->deleted
		       ? gone_bind(restore, fd, unix_sk, path, err)
		       : live_bind(restore, fd, unix_sk, path, err);
}

int unix_name_address(int fd, const UnixSkEntry *unix_sk,
	struct sockaddr_un *ret, socklen_t *ret_size, int *ret_file,
	struct err *err)
{
	socklen_t begin = offsetof(struct sockaddr_un, sun_path);

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	*ret_file = -1;
	if (!unix_name_is_path(unix_sk)) {
		memcpy(ret->sun_path, unix_sk->name.data, unix_sk->name.len);
		*ret_size = begin + (socklen_t)unix_sk->name.len;
		return 0;
	}
	*ret_file = ioctl(fd, SIOCUNIXFILE);
	if (*ret_file < 0)
		return err_errno(err, "opening the file of a unix socket");
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d",
		*ret_file);
	*ret_size = sizeof(*ret);
	return 0;
}

void unix_names_release(struct restore *restore, bool failed)
{
	struct unix_names *names = names_of(restore);

	for (size_t i = 0; i < names->made.n; i++) {
		if (failed)
			name_remove(&names->made.at[i]);
		undo_done(restore->run->undo, names->made.at[i].line);
		close(names->made.at[i].folder);
	}
	names->made.n = 0;
}
