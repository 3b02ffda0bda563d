/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a killed engine left behind is taken back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/undo.h"
#include "base/undo_text.h"
#include "base/vec.h"

enum { LIST_MAX = 16 << 20 }; /* bytes */

bool undo_is_list(const char *name)
{
	return !strncmp(name, UNDO_PREFIX, strlen(UNDO_PREFIX));
}

/* The directory of a line, if it is still the one that was meant. */
static int place_open(char *const *args, size_t n, size_t wanted, int *ret_fd,
	struct err *err)
{
	struct stat st;
	int fd;

	*ret_fd = -1;
	if (n != wanted || strchr(args[3], '/') || !strcmp(args[3], ".."))
		return err_set(err, EBADMSG, "stasis did not write this line");
	fd = open(args[0], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : err_errno(err, "opening '%s'", args[0]);
	if (fstat(fd, &st) || st.st_dev != strtoull(args[1], NULL, 10) ||
		st.st_ino != strtoull(args[2], NULL, 10)) {
		close(fd);
		return 0;
	}
	*ret_fd = fd;
	return 0;
}

static int text_play(struct arena *arena, char *const *args, size_t n,
	const char **ret_told, struct err *err)
{
	_cleanup_fd_ int dir = -1, file = -1;
	int code = place_open(args, n, 5, &dir, err);

	if (code || dir < 0)
		return code;
	file = openat(dir, args[3], O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	code = file < 0 ? -errno : io_write_all(file, args[4], strlen(args[4]));
	if (code)
		return err_code(err, code, "writing '%s' to '%s/%s'", args[4],
			args[0], args[3]);
	*ret_told = arena_printf(arena, "'%s' is written to '%s/%s' again",
		args[4], args[0], args[3]);
	return 0;
}

static bool is_older(const struct stat *st, const char *born)
{
	char *end;
	long long seconds = strtoll(born, &end, 10);
	long nanoseconds = *end ? strtol(end + 1, NULL, 10) : 0;

	return st->st_ctim.tv_sec < seconds ||
	       (st->st_ctim.tv_sec == seconds &&
		       st->st_ctim.tv_nsec < nanoseconds);
}

static int file_play(struct arena *arena, char *const *args, size_t n,
	const char **ret_told, struct err *err)
{
	_cleanup_fd_ int dir = -1;
	int code = place_open(args, n, 5, &dir, err);
	struct stat st;

	if (code || dir < 0)
		return code;
	if (fstatat(dir, args[3], &st, AT_SYMLINK_NOFOLLOW) ||
		!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_size ||
		st.st_nlink != 1 || is_older(&st, args[4]))
		return 0;
	if (unlinkat(dir, args[3], 0))
		return err_errno(err, "removing '%s/%s'", args[0], args[3]);
	*ret_told = arena_printf(arena, "'%s/%s' is removed", args[0], args[3]);
	return 0;
}

/* A name of a certain type. */
static int name_play(struct arena *arena, char *const *args, size_t n,
	mode_t type, const char *what, const char **ret_told, struct err *err)
{
	_cleanup_fd_ int dir = -1;
	int code = place_open(args, n, 5, &dir, err);
	struct stat st;

	if (code || dir < 0)
		return code;
	if (fstatat(dir, args[3], &st, AT_SYMLINK_NOFOLLOW) ||
		(st.st_mode & S_IFMT) != type || st.st_uid != geteuid() ||
		st.st_nlink != 1 || is_older(&st, args[4]))
		return 0;
	if (unlinkat(dir, args[3], 0))
		return err_errno(err, "removing '%s/%s'", args[0], args[3]);
	*ret_told = arena_printf(
		arena, "the %s '%s/%s' is removed", what, args[0], args[3]);
	return 0;
}

static int link_play(struct arena *arena, char *const *args, size_t n,
	const char **ret_told, struct err *err)
{
	return name_play(arena, args, n, S_IFLNK, "link", ret_told, err);
}

static int socket_play(struct arena *arena, char *const *args, size_t n,
	const char **ret_told, struct err *err)
{
	return name_play(arena, args, n, S_IFSOCK, "socket", ret_told, err);
}

static int folder_play(struct arena *arena, char *const *args, size_t n,
	const char **ret_told, struct err *err)
{
	_cleanup_fd_ int dir = -1;
	int code = place_open(args, n, 5, &dir, err);
	struct stat st;

	if (code || dir < 0)
		return code;
	if (fstatat(dir, args[3], &st, AT_SYMLINK_NOFOLLOW) ||
		!S_ISDIR(st.st_mode) || (st.st_mode & 0777) != 0700 ||
		st.st_uid != geteuid() || is_older(&st, args[4]))
		return 0;
	if (unlinkat(dir, args[3], AT_REMOVEDIR))
		return errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT
			       ? 0
			       : err_errno(err, "removing '%s/%s'", args[0],
					 args[3]);
	*ret_told = arena_printf(
		arena, "the folder '%s/%s' is removed", args[0], args[3]);
	return 0;
}

static const struct undo_verb own_verbs[] = {{UNDO_TEXT, text_play},
	{UNDO_FILE, file_play}, {UNDO_FOLDER, folder_play},
	{UNDO_LINK, link_play}, {UNDO_SOCKET, socket_play}, {}};

static const struct undo_verb *verb_find(
	const struct undo_verb *verbs, const char *name)
{
	for (; verbs && verbs->name; verbs++)
		if (!strcmp(verbs->name, name))
			return verbs;
	return NULL;
}

static int steps_play(struct arena *arena, const struct undo_step *steps,
	size_t n, const struct undo_verb *verbs, undo_tell_fn *tell, void *of,
	struct err *err)
{
	const struct undo_verb *verb;
	const char *told;
	int code = 0, also;

	for (size_t i = 0; i < n; i++) {
		struct err now = {0};

		told = NULL;
		verb = verb_find(own_verbs, steps[i].verb)
			       ?: verb_find(verbs, steps[i].verb);
		also = verb ? verb->play(arena, steps[i].args, steps[i].n,
				      &told, &now)
			    : err_set(&now, EBADMSG,
				      "this version does not know '%s'",
				      steps[i].verb);
		if (told)
			tell(of, told);
		if (also && !code)
			*err = now;
		code = code ?: also;
	}
	return code;
}

/* A list that is ours, of nobody any more, and not emptied. *ret_fd -1: no. */
static int list_take(int dir, const char *name, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = openat(
		dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	*ret_fd = -1;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
		st.st_uid != geteuid() || st.st_mode & 022 ||
		st.st_nlink != 1 || flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	/* Its engine may have ended in between. */
	if (fstat(fd, &st) || st.st_nlink != 1)
		return 0;
	if (st.st_size > LIST_MAX)
		return err_set(err, EBADMSG,
			"the undo list '%s' has %lld bytes: stasis did not "
			"write it",
			name, (long long)st.st_size);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int list_play(struct arena *arena, int dir, const char *name,
	const struct undo_verb *verbs, undo_tell_fn *tell, void *of,
	struct err *err)
{
	_cleanup_fd_ int fd = -1;
	struct undo_step *steps;
	size_t n, size;
	char *text;
	int code;

	code = list_take(dir, name, &fd, err);
	if (code || fd < 0)
		return code;
	code = io_read_all(arena, fd, &text, &size);
	if (code)
		return err_code(err, code, "reading the undo list '%s'", name);
	code = undo_text_read(arena, text, &steps, &n, err);
	if (!code)
		code = steps_play(arena, steps, n, verbs, tell, of, err);
	if (code)
		return err_wrap(err, "the undo list '%s'", name);
	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return err_errno(err, "removing the undo list '%s'", name);
	return 0;
}

int undo_play_back(struct arena *arena, int dir, const struct undo_verb *verbs,
	undo_tell_fn *tell, void *of, struct err *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	VEC(char *) names = {0};
	const struct dirent *entry;
	int code = 0, also;

	if (!list) {
		code = err_errno(err, "reading the work directory");
		fd_closep(&fd);
		return code;
	}
	while ((entry = readdir(list)))
		if (undo_is_list(entry->d_name))
			*vec_push(arena, &names) =
				arena_strdup(arena, entry->d_name);
	closedir(list);
	for (size_t i = 0; i < names.n; i++) {
		also = list_play(arena, dir, names.at[i], verbs, tell, of,
			code ? ERR_UNREAD : err);
		code = code ?: also;
	}
	return code;
}
