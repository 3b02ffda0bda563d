/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * regular: open files and directories with a name, and memory devices, which
 * are all the same wherever they are opened. Also exe, cwd, root and mapped
 * files.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/path.h"
#include "kinds/file/lib/path_again.h"
#include "kinds/file/lib/proc_held.h"
#include "kinds/table.h"

/* Numbers below major 1. */
enum { NULL_MINOR = 3, ZERO = 5, FULL = 7, RANDOM = 8, URANDOM = 9 };

static bool device_is_plain(const struct stat *stat)
{
	unsigned minor_number = minor(stat->st_rdev);

	return S_ISCHR(stat->st_mode) && major(stat->st_rdev) == 1 &&
	       (minor_number == NULL_MINOR || minor_number == ZERO ||
		       minor_number == FULL || minor_number == RANDOM ||
		       minor_number == URANDOM);
}

static bool regular_claims(const struct sighting *sighting)
{
	const struct stat *stat = &sighting->stat;

	if (!path_is_named(sighting) || path_is_special(sighting))
		return false;
	/* Of what O_PATH opens, only the name is used. */
	return sighting->info.flags & O_PATH || S_ISREG(stat->st_mode) ||
	       S_ISDIR(stat->st_mode) || device_is_plain(stat);
}

static int regular_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	FileEntry *entry = msg;

	entry->type = FD_TYPES__REG;
	return path_capture(dump, sighting, entry->id, &entry->reg, err);
}

/* A path without its first slash, or what --external called it. */
static int regular_key(struct restore *restore, const struct object *object,
	struct object_key *ret, struct err *err)
{
	const RegFileEntry *reg = object->entry->reg;

	(void)err;
	(void)restore;
	ret->name = reg->name + (reg->name[0] == '/');
	ret->flags = reg->flags;
	ret->outside = path_is_outside(reg);
	return 0;
}

static int regular_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const RegFileEntry *reg = object->entry->reg;

	if (proc_held_is(object))
		return proc_held_make(restore, object, ret_fd, err);
	return path_open(restore, reg, 0, ret_fd, err);
}

static int regular_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const RegFileEntry *reg = object->entry->reg;

	(void)err;
	if (proc_held_is(object))
		proc_held_emit(tape, object, holder);
	if (holder->fd >= 0 && !(reg->flags & O_PATH))
		fown_emit(tape, holder, reg->fown, reg->flags);
	return 0;
}

const struct kind kind_regular = {
	.name = "regular file",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__REG,
	.schema = &reg_file_entry__descriptor,
	.claims = regular_claims,
	.capture = regular_capture,
	.again = proc_held_again,
	.mapped = path_map_check,
	.key = regular_key,
	.plan = plan_alone,
	.make = regular_make,
	.emit = regular_emit,
};
