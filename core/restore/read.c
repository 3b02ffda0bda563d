/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/read.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "image/extra.h"
#include "kinds/kinds.h"
#include "model/vma.h"
#include "proto/inventory.pb-c.h"
#include "restore/cgroups.h"
#include "restore/read_memory.h"

static int inventory_read(struct restore *restore, struct err *err)
{
	const InventoryEntry *entry;
	struct image_item item;
	int code;

	code = image_load_one(restore->images, IMAGE_INVENTORY, 0, &item, err);
	if (code)
		return code;
	entry = (const InventoryEntry *)item.msg;
	if (entry->img_version == 0) {
		err_set(err, EINVAL,
			"the images are a pre-dump: memory only, no tasks");
		return err_hint(err, "restore the final dump of the series");
	}
	if (!entry->fdinfo_per_id || !entry->has_root_cg_set ||
		!entry->root_cg_set)
		return err_set(err, EINVAL,
			"the images are of an old version that this engine "
			"does not read");
	restore->inventory = entry;
	return 0;
}

static int threads_fill(struct restore *restore, struct task *task,
	const PstreeEntry *entry, struct err *err)
{
	size_t n = entry->n_threads ?: 1;
	struct image_item item;
	int code;

	task->threads = arena_newn(restore->arena, struct thread, n);
	task->n_threads = n;
	for (size_t i = 0; i < n; i++) {
		task->threads[i].task = task;
		/* A lone thread is the task itself: for a zombie, other
		 * engines leave any number here. */
		task->threads[i].tid = n > 1 && entry->threads[i]
					       ? (pid_t)entry->threads[i]
					       : task->pid;
		code = image_load_one(restore->images, IMAGE_CORE,
			(uint64_t)task->threads[i].tid, &item, err);
		if (code)
			return code;
		task->threads[i].core = (CoreEntry *)item.msg;
	}
	return 0;
}

static int core_check(struct restore *restore, const struct task *task,
	const struct thread *thread, struct err *err)
{
	const CoreEntry *core = thread->core;
	bool leader = thread == &task->threads[0];

	if (!restore->be)
		restore->be = backend_by_mtype(core->mtype);
	if (!restore->be || core->mtype != restore->be->core_mtype)
		return err_set(err, EINVAL,
			"core-%d.img is of a machine (type %d) that this "
			"engine does not know",
			thread->tid, core->mtype);
	if (leader != (core->tc != NULL))
		return err_set(err, EBADMSG,
			"core-%d.img %s the state of a task", thread->tid,
			leader ? "lacks" : "of a mere thread has");
	if (!core->thread_core && task->state != TASK_DEAD)
		return err_set(err, EBADMSG,
			"core-%d.img lacks the state of its thread",
			thread->tid);
	return 0;
}

/* What wait() may tell of one that is dead. */
static bool is_end(uint32_t status)
{
	if (!WIFSIGNALED((int)status))
		return !(status & ~0xff00u);
	if (status & ~0xffu || WTERMSIG(status) > 64)
		return false;
	switch (WTERMSIG(status)) {
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGCONT:
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return false;
	default:
		return true;
	}
}

static int task_state_read(
	struct restore *restore, struct task *task, struct err *err)
{
	const CoreEntry *core = task->threads[0].core;
	int code;

	if (core->tc)
		task->state = (enum task_state)core->tc->task_state;
	if (core->tc &&
		(task->state < TASK_ALIVE || task->state > TASK_STOPPED))
		return err_set(err, EBADMSG,
			"core-%d.img: task state %u is unknown", task->pid,
			core->tc->task_state);
	if (core->tc && task->state == TASK_DEAD &&
		!is_end(core->tc->exit_code))
		return err_set(err, EBADMSG,
			"core-%d.img: %u is no end that a process can have",
			task->pid, core->tc->exit_code);
	for (size_t i = 0; i < task->n_threads; i++) {
		code = core_check(restore, task, &task->threads[i], err);
		if (code)
			return code;
	}
	return 0;
}

static int fds_read(struct restore *restore, struct task *task, struct err *err)
{
	struct image_list list;
	int code;

	code = image_load(
		restore->images, IMAGE_FDINFO, task->ids->files_id, &list, err);
	if (code)
		return code;
	task->n_fds = list.n;
	task->fds = arena_newn(restore->arena, FdinfoEntry *, list.n);
	for (size_t i = 0; i < list.n; i++) {
		task->fds[i] = (FdinfoEntry *)list.at[i].msg;
		if (i && task->fds[i]->fd <= task->fds[i - 1]->fd)
			return err_set(err, EBADMSG,
				"fdinfo-%u.img: fd %u out of order",
				task->ids->files_id, task->fds[i]->fd);
	}
	return 0;
}

static int task_read(
	struct restore *restore, struct task *task, struct err *err)
{
	struct image_set *images = restore->images;
	uint64_t pid = (uint64_t)task->pid;
	struct image_item item;
	int code;

	code = task_state_read(restore, task, err);
	if (code || task->state == TASK_DEAD)
		return code;
	code = image_load_one(images, IMAGE_IDS, pid, &item, err);
	if (code)
		return code;
	task->ids = (TaskKobjIdsEntry *)item.msg;
	code = image_load_one(images, IMAGE_FS, pid, &item, err);
	if (code)
		return code;
	task->fs = (FsEntry *)item.msg;
	code = image_load_one(images, IMAGE_MM, pid, &item, err);
	if (code)
		return code;
	task->mm = (MmEntry *)item.msg;
	code = fds_read(restore, task, err);
	return code ?: read_memory(restore, task, err);
}

static int tree_read(struct restore *restore, struct err *err)
{
	const PstreeEntry *entry;
	struct image_list list;
	struct task *task;
	int code;

	code = image_load(restore->images, IMAGE_PSTREE, 0, &list, err);
	if (!code && !list.n)
		code = err_set(err, EBADMSG, "pstree.img is missing or empty");
	for (size_t i = 0; i < list.n && !code; i++) {
		entry = (const PstreeEntry *)list.at[i].msg;
		if (tree_find(&restore->tree, (pid_t)entry->pid))
			return err_set(err, EBADMSG,
				"pstree.img has task %u twice", entry->pid);
		task = tree_add(
			restore->arena, &restore->tree, (pid_t)entry->pid);
		task->ppid = (pid_t)entry->ppid;
		task->pgid = (pid_t)entry->pgid;
		task->sid = (pid_t)entry->sid;
		code = threads_fill(restore, task, entry, err);
		if (!code)
			code = task_read(restore, task, err);
	}
	return code ?: tree_link(restore->arena, &restore->tree, err);
}

static int object_add(
	struct restore *restore, FileEntry *entry, struct err *err)
{
	struct objects *objects = &restore->objects;
	struct object *object = arena_new1(restore->arena, struct object);
	int code;

	object->id = entry->id;
	object->entry = entry;
	object->rank = object->slot = object->write_slot = -1;
	object->shelf_fd = -1;
	code = kinds_of_entry(entry, &object->kind, err);
	if (code)
		return code;
	if (objects->by_id[entry->id])
		return err_set(
			err, EBADMSG, "files.img has file %u twice", entry->id);
	objects->by_id[entry->id] = object;
	*vec_push(restore->arena, &objects->list) = object;
	return 0;
}

/* A deleted file is made once, and opened again through that. */
static int deleted_mark(struct restore *restore, struct err *err)
{
	const RemapFilePathEntry *remap;
	struct image_list list;
	struct object *object;
	int code;

	code = image_load(restore->images, IMAGE_REMAP_FPATH, 0, &list, err);
	for (size_t i = 0; !code && i < list.n; i++) {
		remap = (const RemapFilePathEntry *)list.at[i].msg;
		/* Brought now, if they are elsewhere: newborns read them. */
		image_exists(
			restore->images, IMAGE_GHOST_FILE, remap->remap_id);
		object = objects_find(&restore->objects, remap->orig_id);
		if (object)
			object->shelved = true;
	}
	return code;
}

static int objects_read(struct restore *restore, struct err *err)
{
	struct objects *objects = &restore->objects;
	struct image_list list;
	FileEntry *entry;
	int code;

	code = image_load(restore->images, IMAGE_FILES, 0, &list, err);
	for (size_t i = 0; i < list.n && !code; i++) {
		entry = (FileEntry *)list.at[i].msg;
		if (entry->id > 64 * list.n + 4096)
			return err_set(err, EBADMSG,
				"files.img is damaged: it has file number %u, "
				"and only %zu files",
				entry->id, list.n);
		if (entry->id > objects->max_id)
			objects->max_id = entry->id;
	}
	objects->by_id = arena_newn(
		restore->arena, struct object *, objects->max_id + 1);
	for (size_t i = 0; i < list.n && !code; i++)
		code = object_add(restore, (FileEntry *)list.at[i].msg, err);
	return code ?: deleted_mark(restore, err) ?: kinds_load(restore, err);
}

static int outside_mark(struct restore *restore, uint32_t id, struct err *err)
{
	struct object *object = objects_find(&restore->objects, id);

	if (!object || !object->kind->key)
		return err_set(err, EBADMSG,
			"stasis.img says that file %u was given from outside "
			"(--external), and files of its sort never are",
			id);
	object->outside = true;
	return 0;
}

/* Extras are found by tid and pid. */
static int extra_read(struct restore *restore, struct err *err)
{
	struct extra *extra = arena_new1(restore->arena, struct extra);
	struct task *task;
	int code;

	code = extra_load(restore->images, extra, err);
	for (size_t i = 0; !code && i < extra->n_outside; i++)
		code = outside_mark(restore, extra->outside[i], err);
	for (size_t t = 0; t < restore->tree.tasks.n && !code; t++) {
		task = restore->tree.tasks.at[t];
		task->extra = (StasisTaskExtra *)extra_task_find(
			extra, (uint32_t)task->pid);
		for (size_t i = 0; i < task->n_threads; i++)
			task->threads[i].extra =
				(StasisThreadExtra *)extra_thread_find(
					extra, (uint32_t)task->threads[i].tid);
	}
	return code;
}

/* Time namespaces are the exception: restore/timens.c makes them. */
static const char *other_namespace(
	const TaskKobjIdsEntry *own, const TaskKobjIdsEntry *root)
{
	const struct {
		const char *name;
		protobuf_c_boolean has;
		uint32_t own, root;
	} all[] = {
		{"pid", own->has_pid_ns_id, own->pid_ns_id, root->pid_ns_id},
		{"network", own->has_net_ns_id, own->net_ns_id,
			root->net_ns_id},
		{"IPC", own->has_ipc_ns_id, own->ipc_ns_id, root->ipc_ns_id},
		{"UTS", own->has_uts_ns_id, own->uts_ns_id, root->uts_ns_id},
		{"mount", own->has_mnt_ns_id, own->mnt_ns_id, root->mnt_ns_id},
		{"user", own->has_user_ns_id, own->user_ns_id,
			root->user_ns_id},
		{"cgroup", own->has_cgroup_ns_id, own->cgroup_ns_id,
			root->cgroup_ns_id},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].has && all[i].own != all[i].root)
			return all[i].name;
	return NULL;
}

/* What lived in a namespace of its own must not land in the host's. */
static int namespaces_check(const struct restore *restore, struct err *err)
{
	const TaskKobjIdsEntry *root = restore->inventory->root_ids;
	const struct task *task;
	const char *name;

	for (size_t i = 0; root && i < restore->tree.tasks.n; i++) {
		task = restore->tree.tasks.at[i];
		name = task->ids ? other_namespace(task->ids, root) : NULL;
		if (!name)
			continue;
		err_set(err, EOPNOTSUPP,
			"task %d lived in a %s namespace of its own, which "
			"cannot be restored yet",
			task->pid, name);
		return err_hint(
			err, "restore it with the engine that made the image");
	}
	return 0;
}

int read_images(struct restore *restore, struct err *err)
{
	int code;

	code = inventory_read(restore, err);
	if (!code)
		code = tree_read(restore, err);
	if (!code)
		code = objects_read(restore, err);
	if (!code)
		code = namespaces_check(restore, err);
	if (!code)
		code = cgroups_read(restore, err);
	return code ?: extra_read(restore, err);
}
