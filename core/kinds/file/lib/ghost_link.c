/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/ghost_link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

int ghost_link_read(struct arena *arena, int fd, char **ret)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	*ret = arena_strdup(arena, target);
	return 0;
}

int ghost_link_open(int fd, const char *name, int *ret_fd, struct err *err)
{
	struct stat stat;
	int copy;

	if (fstat(fd, &stat) || !S_ISLNK(stat.st_mode))
		return err_set(err, EBADMSG,
			"the deleted file '%s' was a symbolic link, and its "
			"content is none",
			name);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return err_errno(err, "opening the deleted link '%s'", name);
	*ret_fd = copy;
	return 0;
}

static struct timespec time_of(const Timeval *from)
{
	if (!from)
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	return (struct timespec){
		(time_t)from->tv_sec, (long)(from->tv_usec % 1000000) * 1000};
}

/* Nobody may change the mode of a link. AT_EMPTY_PATH of utimensat: 5.8. */
static int facts_set(int fd, const GhostFileEntry *entry)
{
	const struct timespec times[2] = {
		time_of(entry->atim), time_of(entry->mtim)};

	if (fchownat(fd, "", entry->uid, entry->gid, AT_EMPTY_PATH) ||
		utimensat(fd, "", times, AT_EMPTY_PATH))
		return -errno;
	return 0;
}

int ghost_link_borrow(struct undo *undo, int dir, const char *base,
	const GhostFileEntry *entry, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	undo_line line;
	int code;

	if (!entry->symlnk_target)
		return err_set(err, EBADMSG,
			"where the deleted link '%s' leads is not in the image",
			base);
	code = undo_note_link(undo, dir, base, &line, err);
	if (code)
		return code;
	if (symlinkat(entry->symlnk_target, dir, base)) {
		code = err_errno(err, "making the deleted link '%s'", base);
		undo_done(undo, line);
		return code;
	}
	fd = openat(dir, base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	code = fd < 0 ? -errno : 0;
	if (unlinkat(dir, base, 0) && !code)
		code = -errno;
	undo_done(undo, line);
	code = code ?: facts_set(fd, entry);
	if (code)
		return err_code(
			err, code, "making the deleted link '%s'", base);
	*ret_fd = fd_take(&fd);
	return 0;
}
