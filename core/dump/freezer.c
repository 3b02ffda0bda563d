/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"

enum { WAIT_MS = 2000, FILE_MAX = 64 << 10 };

static int file_read(struct arena *arena, const struct freezer *freezer,
	const char *name, char **ret, struct err *err)
{
	int code = io_read_regular(
		arena, freezer->dir, name, FILE_MAX, ret, NULL, err);

	return code ? err_wrap(err, "cgroup %s", freezer->path) : 0;
}

/* Of version 2: cgroup.freeze is its own wish, "frozen" also that of those
 * above. Of version 1 freezer.state is both, and freezer.self_freezing its
 * own. */
static int state_read(
	struct arena *arena, struct freezer *freezer, struct err *err)
{
	const char *own_file =
		freezer->version_2 ? "cgroup.freeze" : "freezer.self_freezing";
	const char *all_file =
		freezer->version_2 ? "cgroup.events" : "freezer.state";
	char *own, *all;
	int code;

	code = file_read(arena, freezer, own_file, &own, err);
	if (!code)
		code = file_read(arena, freezer, all_file, &all, err);
	if (code)
		return code;
	freezer->was_frozen = freezer->frozen = own[0] == '1';
	if (freezer->was_frozen ||
		!strstr(all, freezer->version_2 ? "frozen 1" : "FR"))
		return 0;
	err_set(err, EBUSY, "cgroup %s is frozen by one above it",
		freezer->path);
	return err_hint(err, "thaw that one, or name it as the freeze cgroup");
}

/* Where version 2 is mounted, alone or beside version 1. */
static const char *const mounts[] = {
	"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};

/* The path of version 2 in the text of a cgroup file; NULL: there is none. */
static char *path_of_version_2(char *text)
{
	char *path = strstr(text, "0::/");

	if (!path || (path != text && path[-1] != '\n'))
		return NULL;
	path += strlen("0::");
	path[strcspn(path, "\n")] = '\0';
	return path;
}

static bool same_folder(int dir, const char *path)
{
	struct stat a, b;

	return !fstat(dir, &a) && !stat(path, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* We would freeze ourselves, and nobody could thaw it. */
static int ourselves_check(
	struct arena *arena, const struct freezer *freezer, struct err *err)
{
	char *text, *path, *end;
	bool inside = false;

	if (!freezer->version_2 ||
		io_read_file(arena, AT_FDCWD, "/proc/self/cgroup", &text, NULL))
		return 0;
	path = path_of_version_2(text);
	for (end = path ? path + strlen(path) : NULL; end && !inside;
		end = strrchr(path, '/')) {
		*end = '\0';
		for (int i = 0; mounts[i] && !inside; i++)
			inside = same_folder(freezer->dir,
				arena_printf(arena, "%s%s", mounts[i], path));
	}
	if (!inside)
		return 0;
	err_set(err, EDEADLK, "the engine itself is in the freeze cgroup '%s'",
		freezer->path);
	return err_hint(err, "start it, or its client, in another cgroup");
}

int freezer_open(const struct run *run, struct freezer *ret, struct err *err)
{
	struct freezer freezer = {
		.path = run->opt->freeze_cgroup, .undo = run->undo, .dir = -1};
	int code;

	*ret = freezer;
	if (!freezer.path)
		return 0;
	freezer.dir = open(freezer.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (freezer.dir < 0)
		return err_errno(
			err, "opening the freeze cgroup '%s'", freezer.path);
	freezer.version_2 = !faccessat(freezer.dir, "cgroup.freeze", F_OK, 0);
	if (!freezer.version_2 &&
		faccessat(freezer.dir, "freezer.state", F_OK, 0)) {
		err_set(err, EINVAL, "'%s' is no cgroup that can be frozen",
			freezer.path);
		code = err_hint(err, "it has neither cgroup.freeze nor "
				     "freezer.state");
	} else {
		code = ourselves_check(run->arena, &freezer, err)
			       ?: state_read(run->arena, &freezer, err);
	}
	if (code) {
		close(freezer.dir);
		return code;
	}
	*ret = freezer;
	return 0;
}

static const char *state_name(const struct freezer *freezer)
{
	return freezer->version_2 ? "cgroup.freeze" : "freezer.state";
}

static const char *state_text(const struct freezer *freezer, bool frozen)
{
	if (freezer->version_2)
		return frozen ? "1" : "0";
	return frozen ? "FROZEN" : "THAWED";
}

static int state_write(struct freezer *freezer, bool frozen, struct err *err)
{
	const char *name = state_name(freezer);
	int code = 0;

	if (freezer->dir < 0 || freezer->frozen == frozen)
		return 0;
	if (frozen != freezer->was_frozen && !freezer->changed)
		code = undo_note_text(freezer->undo, freezer->dir, name,
			state_text(freezer, freezer->was_frozen),
			&freezer->changed, err);
	if (code)
		return code;
	code = io_write_text(freezer->dir, name, state_text(freezer, frozen));
	if (code)
		return err_code(err, code, "%s cgroup %s",
			frozen ? "freezing" : "thawing", freezer->path);
	freezer->frozen = frozen;
	if (frozen == freezer->was_frozen) {
		undo_done(freezer->undo, freezer->changed);
		freezer->changed = 0;
	}
	log_info(
		"cgroup %s is %s", freezer->path, frozen ? "frozen" : "thawed");
	return 0;
}

/* What does not freeze soon is stopped all the same, just not together. */
static void frozen_await(const struct freezer *freezer)
{
	const struct timespec nap = {.tv_nsec = 1000 * 1000};
	char text[200];
	ssize_t size;
	_cleanup_fd_ int fd =
		openat(freezer->dir, "cgroup.events", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < WAIT_MS; i++) {
		size = pread(fd, text, sizeof(text) - 1, 0);
		if (size < 0)
			return;
		text[size] = '\0';
		if (strstr(text, "frozen 1"))
			return;
		nanosleep(&nap, NULL);
	}
	log_warn("cgroup %s does not freeze", freezer->path);
}

int freezer_hold(struct freezer *freezer, struct err *err)
{
	int code = state_write(freezer, freezer->version_2, err);

	if (!code && freezer->dir >= 0 && freezer->version_2)
		frozen_await(freezer);
	return code;
}

int freezer_thaw(struct freezer *freezer, struct err *err)
{
	return state_write(freezer, false, err);
}

int freezer_return(struct freezer *freezer, struct err *err)
{
	return state_write(freezer, freezer->was_frozen, err);
}

static bool path_is_frozen(struct arena *arena, const char *path)
{
	char *events;

	for (int i = 0; mounts[i]; i++)
		if (!io_read_file(arena, AT_FDCWD,
			    arena_printf(arena, "%s%s/cgroup.events", mounts[i],
				    path),
			    &events, NULL))
			return strstr(events, "frozen 1") != NULL;
	return false;
}

/* Its tasks are stopped, but could not play a tape. */
int freezer_check_tree(struct dump *dump, struct err *err)
{
	pid_t root = dump->run->opt->tree;
	char *text, *path;
	int code;

	code = io_read_file(dump->arena, AT_FDCWD,
		arena_printf(dump->arena, "/proc/%d/cgroup", root), &text,
		NULL);
	if (code == -ENOENT) /* a kernel without cgroups */
		return 0;
	if (code)
		return err_code(
			err, code, "reading the cgroups of process %d", root);
	path = path_of_version_2(text);
	if (!path || !path_is_frozen(dump->arena, path))
		return 0;
	err_set(err, EBUSY, "process %d is in a frozen cgroup, %s", root, path);
	return err_hint(err, "name it with --freeze-cgroup, or thaw it");
}

void freezer_close(struct freezer *freezer)
{
	fd_closep(&freezer->dir);
	freezer->dir = -1;
}
