/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/ending.h"
#include "base/index.h"
#include "pages/source.h"
#include "inspect/machine.h"
#include "inspect/memory.h"
#include "proto/cpuinfo.pb-c.h"

/* In the auxiliary vector. */
enum { AUX_PAGESZ = 6, PAGE_SIZE_DEFAULT = 4096 };

/* As long as anybody would want to see. */
enum { COMMAND_MAX = 4096 };

/* The first record of an image; NULL if there is none. */
static int record_load(struct image_set *set, enum image_type type, uint64_t id,
	const ProtobufCMessage **ret_msg, struct err *err)
{
	struct image_list list = {0};
	int code;

	code = image_load(set, type, id, &list, err);
	if (code < 0)
		return code;
	*ret_msg = list.n ? list.at[0].msg : NULL;
	return 0;
}

static const char *state_text(struct arena *arena, const TaskCoreEntry *tc)
{
	char label[ENDING_LABEL];
	int status;

	if (!tc)
		return "unknown";
	status = (int)tc->exit_code;
	switch (tc->task_state) {
	case 1:
		return "alive";
	case 2:
		if (WIFSIGNALED(status))
			return arena_printf(arena, "zombie, killed by %s",
				ending_label(status, label));
		return arena_printf(
			arena, "zombie, exit status %d", WEXITSTATUS(status));
	case 3:
		return "stopped";
	default:
		return arena_printf(arena, "state %u", tc->task_state);
	}
}

/* A zombie has a thread list of [0] and its core under its pid. */
static int threads_gather(
	struct inspection *in, struct inspect_task *task, struct err *err)
{
	const ProtobufCMessage *msg = NULL;
	struct inspect_thread *thread;
	size_t n = task->entry->n_threads;
	int code;

	if (n == 0 || (n == 1 && task->entry->threads[0] == 0))
		n = 1;
	task->threads = arena_newn(in->arena, struct inspect_thread, n);
	for (size_t i = 0; i < n; i++) {
		thread = &task->threads[i];
		thread->tid = i < task->entry->n_threads
				      ? task->entry->threads[i]
				      : task->entry->pid;
		if (thread->tid == 0)
			thread->tid = task->entry->pid;
		code = record_load(in->set, IMAGE_CORE, thread->tid, &msg, err);
		if (code < 0)
			return code;
		thread->core = (const CoreEntry *)msg;
		task->n_threads++;
		in->n_threads++;
		if (!thread->core)
			continue;
		if (thread->core->thread_core)
			thread->comm = thread->core->thread_core->comm;
		thread->has_pc =
			machine_pc_sp(thread->core, &thread->pc, &thread->sp);
	}
	return 0;
}

static void leader_tell(struct inspection *in, struct inspect_task *task)
{
	const CoreEntry *core = task->threads[0].core;

	task->state = state_text(in->arena, core ? core->tc : NULL);
	task->comm = core && core->tc ? core->tc->comm : "?";
	if (!core)
		return;
	if (!task->threads[0].comm)
		task->threads[0].comm = task->comm;
	if (core->thread_core)
		task->creds = core->thread_core->creds;
	if (!in->machine)
		in->machine = machine_name(core);
}

static int fds_gather(
	struct inspection *in, struct inspect_task *task, struct err *err)
{
	struct image_list list = {0};
	const FdinfoEntry *entry;
	struct inspect_fd *fd;
	int code;

	if (!task->ids)
		return 0;
	code = image_load(
		in->set, IMAGE_FDINFO, task->ids->files_id, &list, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < list.n; i++) {
		entry = (const FdinfoEntry *)list.at[i].msg;
		fd = vec_push(in->arena, &task->fds);
		fd->fd = entry->fd;
		fd->id = entry->id;
		fd->cloexec = entry->flags & 1;
		fd->file = file_describe(&in->files, entry);
	}
	return 0;
}

static uint32_t auxv_page_size(const MmEntry *mm)
{
	for (size_t i = 0; i + 1 < mm->n_mm_saved_auxv; i += 2)
		if (mm->mm_saved_auxv[i] == AUX_PAGESZ)
			return (uint32_t)mm->mm_saved_auxv[i + 1];
	return 0;
}

static void page_size_find(struct inspection *in, const MmEntry *mm)
{
	uint32_t size = mm ? auxv_page_size(mm) : 0;

	if (!in->page_size && size >= 4096 && !(size & (size - 1)))
		in->page_size = size;
}

/* The arguments of the program, as far as their pages are stored. */
static void command_gather(struct inspection *in, struct inspect_task *task)
{
	_cleanup_source_reader_ struct source_reader reader = {0};
	uint64_t from = task->mm->mm_arg_start, to = task->mm->mm_arg_end;
	struct source pages;
	char *text;
	size_t size;

	if (to <= from)
		return;
	size = to - from < COMMAND_MAX ? (size_t)(to - from) : COMMAND_MAX;
	/* A parent that is gone costs no more than the command line. */
	if (source_load(in->set, IMAGE_PAGEMAP, task->entry->pid, in->page_size,
		    &pages, ERR_UNREAD) < 0)
		return;
	source_reader_open(&reader, in->arena, &pages);
	text = arena_alloc(in->arena, size + 1);
	size = source_read(&reader, from, text, size);
	while (size && !text[size - 1])
		size--;
	for (size_t i = 0; i < size; i++)
		if (!text[i])
			text[i] = ' ';
	text[size] = '\0';
	task->command = size ? text : NULL;
}

static int memory_gather(
	struct inspection *in, struct inspect_task *task, struct err *err)
{
	struct pages_map map = {0};
	int code;

	code = pages_load(in->set, IMAGE_PAGEMAP, task->entry->pid,
		in->page_size, &map, err);
	if (code < 0)
		return code;
	in->private_stored += map.stored * in->page_size;
	if (!task->mm)
		return 0;
	memory_sum(task->mm, &map, task->memory);
	command_gather(in, task);
	return 0;
}

static int paths_gather(
	struct inspection *in, struct inspect_task *task, struct err *err)
{
	const ProtobufCMessage *msg = NULL;
	const FsEntry *fs;
	int code;

	if (task->mm)
		task->exe = file_book_path(&in->files, task->mm->exe_file_id);
	code = record_load(in->set, IMAGE_FS, task->entry->pid, &msg, err);
	if (code < 0)
		return code;
	fs = (const FsEntry *)msg;
	if (fs) {
		task->cwd = file_book_path(&in->files, fs->cwd_id);
		task->root = file_book_path(&in->files, fs->root_id);
	}
	return 0;
}

static int task_gather(
	struct inspection *in, struct inspect_task *task, struct err *err)
{
	const ProtobufCMessage *msg = NULL;
	uint32_t pid = task->entry->pid;
	int code;

	code = threads_gather(in, task, err);
	if (code < 0)
		return code;
	leader_tell(in, task);
	code = record_load(in->set, IMAGE_IDS, pid, &msg, err);
	if (code < 0)
		return code;
	task->ids = (const TaskKobjIdsEntry *)msg;
	code = record_load(in->set, IMAGE_MM, pid, &msg, err);
	if (code < 0)
		return code;
	task->mm = (const MmEntry *)msg;
	page_size_find(in, task->mm);
	if (!in->page_size)
		in->page_size = PAGE_SIZE_DEFAULT;
	code = paths_gather(in, task, err) ?: fds_gather(in, task, err);
	if (code < 0)
		return code;
	return memory_gather(in, task, err);
}

/* A record of pstree and the next one with the same parent. */
struct branch {
	const PstreeEntry *entry;
	struct branch *next;
	bool seen;
};

/* By parent, in the order of the list. */
static struct branch *branches_find(struct arena *arena,
	const struct image_list *list, struct index *by_ppid)
{
	struct branch *all = arena_newn(arena, struct branch, list->n + 1);
	void **first;

	for (size_t i = list->n; i-- > 0;) {
		all[i].entry = (const PstreeEntry *)list->at[i].msg;
		first = index_slot(arena, by_ppid, all[i].entry->ppid);
		all[i].next = *first;
		*first = &all[i];
	}
	return all;
}

/* A task, then its children: parents come first in pstree, but siblings of
 * different depth are mixed. */
static void tree_order(struct inspection *in, const struct index *by_ppid,
	uint32_t pid, int depth)
{
	struct branch *branch = index_get(by_ppid, pid);
	struct inspect_task *task;

	for (; branch; branch = branch->next) {
		if (branch->seen)
			continue;
		branch->seen = true;
		task = vec_push(in->arena, &in->tasks);
		task->entry = branch->entry;
		task->depth = depth;
		/* The depth bounds the recursion for damaged trees. */
		if (task->entry->pid != pid && depth < 1000)
			tree_order(in, by_ppid, task->entry->pid, depth + 1);
	}
}

static int core_count(
	void *of, enum image_type type, uint64_t id, struct err *err)
{
	size_t *cores = of;

	(void)id, (void)err;
	*cores += type == IMAGE_CORE;
	return 0;
}

/* Some images may be lost, and what is left is shown; but a thread takes much
 * more to show than the few bytes that name it. */
enum { CORES_LOST = 1000 };

static int tasks_check(const struct inspection *in,
	const struct image_list *list, struct err *err)
{
	size_t cores = 0, named = list->n;
	int code = image_set_each(in->set, core_count, &cores, err);

	if (code)
		return code;
	for (size_t i = 0; i < list->n; i++)
		named += ((const PstreeEntry *)list->at[i].msg)->n_threads;
	if (named <= 2 * cores + CORES_LOST)
		return 0;
	return err_set(err, EBADMSG,
		"pstree.img names %zu processes and threads, but there are "
		"images of %zu threads only",
		named, cores);
}

static int tasks_gather(struct inspection *in, struct err *err)
{
	struct image_list list = {0};
	struct index by_ppid = {0};
	struct branch *all;
	int code;

	code = image_load(in->set, IMAGE_PSTREE, 0, &list, err);
	if (code < 0)
		return code;
	code = tasks_check(in, &list, err);
	if (code < 0)
		return code;
	all = branches_find(in->arena, &list, &by_ppid);
	/* The first is the root; tasks that hang on nothing are shown, too. */
	for (size_t i = 0; i < list.n; i++)
		if (!all[i].seen)
			tree_order(in, &by_ppid, all[i].entry->ppid, 0);
	for (size_t i = 0; i < in->tasks.n; i++)
		if (task_gather(in, &in->tasks.at[i], err) < 0)
			return err_wrap(
				err, "task %u", in->tasks.at[i].entry->pid);
	return 0;
}

/* Maps of shared objects; of a pre-dump, also those of its tasks. */
static int map_gather(
	void *of, enum image_type type, uint64_t id, struct err *err)
{
	struct inspection *in = of;
	struct pages_map map = {0};
	int code;

	if (type != IMAGE_PAGEMAP_SHMEM &&
		!(type == IMAGE_PAGEMAP && !in->tasks.n))
		return 0;
	code = pages_load(in->set, type, id, in->page_size, &map, err);
	if (code)
		return code;
	if (type == IMAGE_PAGEMAP) {
		in->private_stored += map.stored * in->page_size;
		return 0;
	}
	in->shared_stored += map.stored * in->page_size;
	in->shared_objects++;
	return 0;
}

static int cpu_gather(struct inspection *in, struct err *err)
{
	const ProtobufCMessage *msg = NULL;
	const CpuinfoEntry *cpu;
	int code;

	if (in->manifest && in->manifest->cpu) {
		in->cpu = in->manifest->cpu;
		return 0;
	}
	code = record_load(in->set, IMAGE_CPUINFO, 0, &msg, err);
	if (code < 0)
		return code;
	cpu = (const CpuinfoEntry *)msg;
	if (cpu && cpu->n_x86_entry)
		in->cpu = cpu->x86_entry[0]->model_id;
	return 0;
}

int inspection_gather(
	struct image_set *set, struct inspection *ret, struct err *err)
{
	struct inspection in = {.set = set, .arena = image_set_arena(set)};
	const ProtobufCMessage *msg = NULL;
	struct stat st;
	int code;

	in.manifest = image_set_manifest(set);
	if (in.manifest) {
		in.machine = in.manifest->machine;
		in.page_size = in.manifest->page_size;
		if (in.page_size < 4096 || in.page_size & (in.page_size - 1))
			in.page_size = PAGE_SIZE_DEFAULT;
	}
	if (!image_exists(set, IMAGE_INVENTORY, 0)) {
		err_set(err, ENOENT, "there is no inventory.img");
		return err_hint(err, "-D names the directory with the images");
	}
	code = record_load(set, IMAGE_INVENTORY, 0, &msg, err);
	if (code < 0)
		return code;
	in.inventory = (const InventoryEntry *)msg;
	in.pre_dump = in.inventory->img_version == 0;
	in.has_parent = fstatat(image_set_dir(set), "parent", &st,
				AT_SYMLINK_NOFOLLOW) == 0;
	code = file_book_load(set, &in.files, err) ?: tasks_gather(&in, err);
	if (code < 0)
		return code;
	if (!in.page_size)
		in.page_size = PAGE_SIZE_DEFAULT;
	code = image_set_each(in.set, map_gather, &in, err)
		       ?: cpu_gather(&in, err);
	if (code < 0)
		return code;
	*ret = in;
	return 0;
}
