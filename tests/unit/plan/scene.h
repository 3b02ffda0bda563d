/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scene: trees, files and memory made by hand, for tests of the planner. */
#ifndef STASIS_TEST_SCENE_H
#define STASIS_TEST_SCENE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/vma.h"
#include "plan/plan.h"
#include "test.h"

enum { SCENE_PAGE = 4096, SCENE_LAST_CAP = 40, SCENE_ACTIONS = 62 };

struct scene {
	struct arena *arena;
	struct facts facts;
	struct host host;
	struct tree tree;
	struct objects objects;
	struct plan plan;
	struct err err;
	uint32_t caps[2], no_caps[2];
};

/* A file that needs nothing and does nothing. */
static const struct kind scene_kind = {.name = "plain", .scope = SCOPE_FILE};

static inline void scene_start(struct scene *s, const struct backend *be)
{
	*s = (struct scene){.arena = arena_new()};
	s->facts = (struct facts){.proc_fd = -1,
		.last_cap = SCENE_LAST_CAP,
		.timer_restore_ids = true,
		.affinity_all = true,
		.loginuid = UINT32_MAX,
		.coredump_filter = 0x33,
		.timerslack = 50000,
		.dumpable = 1};
	s->facts.cap_prm = s->facts.cap_bnd = facts_all_caps(&s->facts);
	s->caps[0] = UINT32_MAX;
	s->caps[1] = (1u << (SCENE_LAST_CAP - 31)) - 1;
	s->host = (struct host){.be = be, .page_size = SCENE_PAGE};
	s->objects.max_id = 64;
	s->objects.by_id = arena_newn(s->arena, struct object *, 65);
}

static inline void scene_end(struct scene *s)
{
	arena_free(s->arena);
}

static inline struct object *scene_file(
	struct scene *s, uint32_t id, const struct kind *kind)
{
	struct object *object = arena_new1(s->arena, struct object);

	object->id = id;
	object->kind = kind;
	object->rank = object->slot = object->write_slot = -1;
	object->shelf_fd = -1;
	s->objects.by_id[id] = object;
	*vec_push(s->arena, &s->objects.list) = object;
	return object;
}

static inline void scene_actions(struct scene *s, TaskCoreEntry *tc)
{
	tc->n_sigactions = SCENE_ACTIONS;
	tc->sigactions = arena_newn(s->arena, SaEntry *, SCENE_ACTIONS);
	for (int i = 0; i < SCENE_ACTIONS; i++) {
		tc->sigactions[i] = arena_new1(s->arena, SaEntry);
		sa_entry__init(tc->sigactions[i]);
	}
}

static inline CoreEntry *scene_core(struct scene *s, bool leader)
{
	CredsEntry *creds = arena_new1(s->arena, CredsEntry);
	CoreEntry *core = arena_new1(s->arena, CoreEntry);

	core_entry__init(core);
	core->mtype = s->host.be->core_mtype;
	core->thread_core = arena_new1(s->arena, ThreadCoreEntry);
	thread_core_entry__init(core->thread_core);
	core->thread_core->creds = creds;
	creds_entry__init(creds);
	creds->cap_prm = creds->cap_eff = creds->cap_bnd = s->caps;
	creds->n_cap_prm = creds->n_cap_eff = creds->n_cap_bnd = 2;
	creds->cap_inh = creds->cap_amb = s->no_caps;
	creds->n_cap_inh = creds->n_cap_amb = 2;
	if (leader) {
		core->tc = arena_new1(s->arena, TaskCoreEntry);
		task_core_entry__init(core->tc);
		core->tc->comm = arena_strdup(s->arena, "player");
		scene_actions(s, core->tc);
	}
	return core;
}

static inline void scene_threads(struct scene *s, struct task *task, size_t n)
{
	task->threads = arena_newn(s->arena, struct thread, n);
	task->n_threads = n;
	for (size_t i = 0; i < n; i++) {
		task->threads[i].task = task;
		task->threads[i].tid = task->pid + (pid_t)i;
		task->threads[i].core = scene_core(s, i == 0);
	}
}

/* Alone in its fd table, with file 1 as directory, root and executable. */
static inline struct task *scene_task(
	struct scene *s, pid_t pid, pid_t ppid, pid_t pgid, pid_t sid)
{
	struct task *task = tree_add(s->arena, &s->tree, pid);

	task->ppid = ppid;
	task->pgid = pgid;
	task->sid = sid;
	task->state = TASK_ALIVE;
	scene_threads(s, task, 1);
	task->ids = arena_new1(s->arena, TaskKobjIdsEntry);
	task_kobj_ids_entry__init(task->ids);
	task->ids->vm_id = task->ids->files_id = task->ids->fs_id =
		(uint32_t)pid;
	task->mm = arena_new1(s->arena, MmEntry);
	mm_entry__init(task->mm);
	task->mm->exe_file_id = 1;
	task->fs = arena_new1(s->arena, FsEntry);
	fs_entry__init(task->fs);
	task->fs->cwd_id = task->fs->root_id = 1;
	task->pages.page_size = SCENE_PAGE;
	return task;
}

static inline void scene_fd(
	struct scene *s, struct task *task, int fd, uint32_t id)
{
	FdinfoEntry **fds =
		arena_newn(s->arena, FdinfoEntry *, task->n_fds + 1);

	for (size_t i = 0; i < task->n_fds; i++)
		fds[i] = task->fds[i];
	fds[task->n_fds] = arena_new1(s->arena, FdinfoEntry);
	fdinfo_entry__init(fds[task->n_fds]);
	fds[task->n_fds]->fd = (uint32_t)fd;
	fds[task->n_fds]->id = id;
	task->fds = fds;
	task->n_fds++;
}

/* Behind the ones that it has. */
static inline VmaEntry *scene_vma(struct scene *s, struct task *task,
	uint64_t start, uint64_t end, uint32_t prot, uint32_t flags,
	uint32_t status)
{
	MmEntry *mm = task->mm;
	VmaEntry **vmas = arena_newn(s->arena, VmaEntry *, mm->n_vmas + 1);
	VmaEntry *vma = arena_new1(s->arena, VmaEntry);

	for (size_t i = 0; i < mm->n_vmas; i++)
		vmas[i] = mm->vmas[i];
	vma_entry__init(vma);
	vma->start = start;
	vma->end = end;
	vma->prot = prot;
	vma->flags = flags;
	vma->status = status;
	vma->fd = -1;
	vmas[mm->n_vmas] = vma;
	mm->vmas = vmas;
	mm->n_vmas++;
	return vma;
}

/* Pages are stored one behind the other, in the order of these calls. */
static inline void scene_pages(
	struct scene *s, struct task *task, uint64_t vaddr, uint64_t n)
{
	struct source *pages = &task->pages;
	struct source_piece *pieces =
		arena_newn(s->arena, struct source_piece, pages->n + 1);

	for (size_t i = 0; i < pages->n; i++)
		pieces[i] = pages->pieces[i];
	pieces[pages->n++] = (struct source_piece){
		vaddr, n, PAGES_PRESENT, 0, pages->stored * SCENE_PAGE};
	pages->pieces = pieces;
	pages->stored += n;
	pages->files = arena_new1(s->arena, struct source_file);
	pages->n_files = 1;
}

static inline void scene_map(
	struct scene *s, uint64_t start, uint64_t end, const char *path)
{
	*vec_push(s->arena, &s->host.maps) =
		(struct map){.start = start, .end = end, .path = path};
}

/* All inputs are there: link the tree, and plan. */
static inline void scene_plan_begin(struct scene *s)
{
	CHECK_INT(tree_link(s->arena, &s->tree, &s->err), 0);
	s->plan = (struct plan){.arena = s->arena,
		.host = &s->host,
		.facts = &s->facts,
		.tree = &s->tree,
		.objects = &s->objects};
	s->plan.tasks =
		arena_newn(s->arena, struct plan_task, s->tree.tasks.n + 1);
	for (size_t i = 0; i < s->tree.tasks.n; i++)
		s->plan.tasks[i].task = s->tree.tasks.at[i];
}

static inline int scene_plan(struct scene *s)
{
	int code;

	scene_plan_begin(s);
	code = plan_make(&s->plan, &s->err);
	if (code)
		printf("# %s\n", s->err.text);
	return code;
}

/* Numbers that look random and are the same each time. */
static inline uint64_t scene_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

#endif
