/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "dump/cgroups.h"
#include "dump/namespaces.h"
#include "image/extra.h"
#include "inject/regs.h"
#include "kinds/kinds.h"
#include "model/extra.h"
#include "kinds/task/lib/seccomp_book.h"
#include "proto/inventory.pb-c.h"

enum { IMAGE_VERSION = 2 };

static CoreEntry *core_new(struct dump *dump)
{
	CoreEntry *core = arena_new1(dump->arena, CoreEntry);

	core_entry__init(core);
	core->mtype = dump->run->be->core_mtype;
	return core;
}

static TaskCoreEntry *task_core_new(
	struct dump *dump, const struct victim *victim)
{
	TaskCoreEntry *tc = arena_new1(dump->arena, TaskCoreEntry);
	struct victim_thread *leader = victim->threads.at[0];

	task_core_entry__init(tc);
	tc->task_state = victim->state;
	tc->exit_code = (uint32_t)victim->exit_code;
	tc->flags = leader->stat.flags;
	tc->blk_sigset = leader->sigmask;
	tc->comm = leader->stat.comm;
	if (victim->state == TASK_STOPPED) {
		tc->has_stop_signo = true;
		tc->stop_signo = (uint32_t)victim->stop_signal;
	}
	return tc;
}

/* What the format has no field for goes into our own image. */
static int extra_capture(struct dump *dump, struct victim_thread *thread,
	const struct regs *regs, struct err *err)
{
	StasisThreadExtra *extra;
	struct regs_extra *sets;
	StasisRegset *set;
	size_t n;
	int code;

	code = dump->run->be->extra_save(dump->arena, regs, &sets, &n, err);
	if (code || !n)
		return code;
	extra = extra_of_thread(dump->arena, thread);
	extra->regset = arena_newn(dump->arena, StasisRegset *, n);
	extra->n_regset = n;
	for (size_t i = 0; i < n; i++) {
		set = extra->regset[i] = arena_new1(dump->arena, StasisRegset);
		stasis_regset__init(set);
		set->note = sets[i].note;
		set->bytes.data =
			arena_copy(dump->arena, sets[i].bytes, sets[i].size);
		set->bytes.len = sets[i].size;
	}
	return 0;
}

static int registers_capture(struct dump *dump, struct victim_thread *thread,
	CoreEntry *core, struct err *err)
{
	const struct backend *be = dump->run->be;
	struct regs regs = regs_copy(dump->arena, &thread->regs);
	int code;

	code = be->settle(regs.set[0].bytes, thread->restart);
	if (code)
		return err_code(err, code,
			"making its registers such as can be placed anywhere");
	code = be->thread_to_image(dump->arena, &regs, core, err);
	return code ?: extra_capture(dump, thread, &regs, err);
}

static int thread_capture(
	struct dump *dump, struct victim *victim, size_t i, struct err *err)
{
	struct victim_thread *thread = victim->threads.at[i];
	CoreEntry *core = core_new(dump);
	int code;

	victim->task->threads[i].core = core;
	if (i == 0)
		core->tc = task_core_new(dump, victim);
	if (victim->state == TASK_DEAD)
		return 0;
	core->thread_core = arena_new1(dump->arena, ThreadCoreEntry);
	thread_core_entry__init(core->thread_core);
	if (i > 0) {
		core->thread_core->has_blk_sigset = true;
		core->thread_core->blk_sigset = thread->sigmask;
	}
	code = registers_capture(dump, thread, core, err);
	if (!code)
		code = kinds_capture(dump, thread, i == 0, core, err);
	if (code && i == 0)
		return err_wrap(err, "process %d", victim->pid);
	return code ? err_wrap(err, "thread %d of process %d", thread->tid,
			      victim->pid)
		    : 0;
}

int capture_threads(struct dump *dump, struct err *err)
{
	struct victim *victim;
	int code;

	for (size_t v = 0; v < dump->victims.n; v++) {
		victim = dump->victims.at[v];
		for (size_t i = 0; i < victim->threads.n; i++) {
			code = thread_capture(dump, victim, i, err);
			if (code)
				return code;
		}
	}
	return 0;
}

static int pstree_append(struct dump *dump, struct task *task, struct err *err)
{
	PstreeEntry entry = PSTREE_ENTRY__INIT;

	entry.pid = (uint32_t)task->pid;
	entry.ppid = task->parent ? (uint32_t)task->ppid : 0;
	entry.pgid = (uint32_t)task->pgid;
	entry.sid = (uint32_t)task->sid;
	entry.threads = arena_newn(dump->arena, uint32_t, task->n_threads);
	entry.n_threads = task->n_threads;
	for (size_t i = 0; i < task->n_threads; i++)
		entry.threads[i] = task->state == TASK_DEAD
					   ? 0
					   : (uint32_t)task->threads[i].tid;
	return image_append(
		dump->images, IMAGE_PSTREE, 0, &entry.base, NULL, 0, err);
}

static int task_append(struct dump *dump, struct task *task, struct err *err)
{
	int code = pstree_append(dump, task, err);

	for (size_t i = 0; i < task->n_threads && !code; i++)
		code = image_append(dump->images, IMAGE_CORE,
			(uint64_t)task->threads[i].tid,
			&task->threads[i].core->base, NULL, 0, err);
	if (!code && task->ids)
		code = image_append(dump->images, IMAGE_IDS,
			(uint64_t)task->pid, &task->ids->base, NULL, 0, err);
	return code;
}

static int extra_append(struct dump *dump, struct err *err)
{
	struct extra extra;
	struct task *task;

	extra_init(&extra, dump->arena);
	for (size_t t = 0; t < dump->tree.tasks.n; t++) {
		task = dump->tree.tasks.at[t];
		if (task->extra)
			*vec_push(dump->arena, &extra.tasks) = task->extra;
		for (size_t i = 0; i < task->n_threads; i++)
			if (task->threads[i].extra)
				*vec_push(dump->arena, &extra.threads) =
					task->threads[i].extra;
	}
	extra.outside = dump->outside.at;
	extra.n_outside = dump->outside.n;
	return extra_save(&extra, dump->images, err);
}

/* A random UUID, as other engines put into their inventory. */
static char *run_id_make(struct dump *dump)
{
	char *text;
	size_t size;

	if (io_read_file(dump->arena, AT_FDCWD, "/proc/sys/kernel/random/uuid",
		    &text, &size))
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int inventory_append(struct dump *dump, struct err *err)
{
	InventoryEntry entry = INVENTORY_ENTRY__INIT;
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;

	namespaces_fill_own(&ids);
	entry.img_version = IMAGE_VERSION;
	entry.has_fdinfo_per_id = entry.fdinfo_per_id = true;
	entry.has_ns_per_id = entry.ns_per_id = true;
	entry.root_ids = &ids;
	entry.has_root_cg_set = true;
	entry.root_cg_set = CGROUPS_OWN;
	entry.has_lsmtype = true;
	entry.lsmtype = LSMTYPE__NO_LSM;
	entry.has_network_lock_method = true;
	entry.plugins_entry = &plugins;
	entry.dump_criu_run_id = run_id_make(dump);
	/* Who builds upon this set tells by it which pids were given anew. */
	entry.has_dump_uptime = dump->run->opt->track_mem;
	entry.dump_uptime = dump->frozen_at;
	return image_append(
		dump->images, IMAGE_INVENTORY, 0, &entry.base, NULL, 0, err);
}

/* The format wants it even when nobody has filters. */
static int seccomp_append(struct dump *dump, struct err *err)
{
	SeccompEntry none = SECCOMP_ENTRY__INIT;
	SeccompEntry *entry = dump->seccomp ? &dump->seccomp->entry : &none;

	return image_append(
		dump->images, IMAGE_SECCOMP, 0, &entry->base, NULL, 0, err);
}

int capture_tree(struct dump *dump, struct err *err)
{
	int code = cgroups_capture(dump, err);

	for (size_t i = 0; i < dump->tree.tasks.n && !code; i++)
		code = task_append(dump, dump->tree.tasks.at[i], err);
	if (!code)
		code = namespaces_capture_time(dump, err);
	if (!code)
		code = seccomp_append(dump, err);
	if (!code)
		code = extra_append(dump, err);
	if (!code)
		code = inventory_append(dump, err);
	return code;
}
