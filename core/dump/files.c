/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/files.h"

#include "dump/registry.h"

static int fd_capture(
	struct dump *dump, struct victim *victim, int fd, struct err *err)
{
	FdinfoEntry *entry = arena_new1(dump->arena, FdinfoEntry);
	struct task *task = victim->task;
	struct registry_file file;
	bool cloexec;
	int code;

	code = registry_fd(dump, victim, fd, &file, &cloexec, err);
	if (code)
		return code;
	fdinfo_entry__init(entry);
	entry->id = file.id;
	entry->type = file.type;
	entry->fd = (uint32_t)fd;
	entry->flags = cloexec;
	task->fds[task->n_fds++] = entry;
	return image_append(dump->images, IMAGE_FDINFO, task->ids->files_id,
		&entry->base, NULL, 0, err);
}

static int table_capture(
	struct dump *dump, struct victim *victim, struct err *err)
{
	size_t n;
	int *fds, code;

	code = proc_list_fds(dump->arena, &victim->proc, &fds, &n, err);
	if (!code)
		code = image_touch(dump->images, IMAGE_FDINFO,
			victim->task->ids->files_id, err);
	if (!code)
		victim->task->fds =
			arena_newn(dump->arena, FdinfoEntry *, n + 1);
	for (size_t i = 0; i < n && !code; i++)
		code = fd_capture(dump, victim, fds[i], err);
	return code;
}

static int fs_capture(struct dump *dump, struct victim *victim, struct err *err)
{
	FsEntry *entry = arena_new1(dump->arena, FsEntry);
	struct registry_file cwd, root;
	int code;

	code = registry_path(
		dump, victim, "cwd", "the working directory", NULL, &cwd, err);
	if (!code)
		code = registry_path(dump, victim, "root", "the root directory",
			NULL, &root, err);
	if (code)
		return code;
	fs_entry__init(entry);
	entry->cwd_id = cwd.id;
	entry->root_id = root.id;
	entry->has_umask = true;
	entry->umask = victim->threads.at[0]->status.umask;
	victim->task->fs = entry;
	return image_append(dump->images, IMAGE_FS, (uint64_t)victim->task->pid,
		&entry->base, NULL, 0, err);
}

int files_capture(struct dump *dump, struct err *err)
{
	struct victim *victim;
	uint32_t id, last = 0;
	int code = 0;

	for (size_t i = 0; i < dump->victims.n && !code; i++) {
		victim = dump->victims.at[i];
		if (victim->state == TASK_DEAD)
			continue;
		/* Ids were given in this order: a higher one is a new table. */
		id = victim->task->ids->files_id;
		if (id > last) {
			last = id;
			code = table_capture(dump, victim, err);
		}
		if (!code)
			code = fs_capture(dump, victim, err);
	}
	return code;
}
