/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "kernel/cgroup.h"
#include "model/cgroups.h"

static bool is_wanted(const struct restore *restore)
{
	return restore->run->opt->manage_cgroups != CGROUPS_IGNORE;
}

static bool is_allowed(const struct restore *restore)
{
	return geteuid() == 0 && !restore->run->owner;
}

int cgroups_read(struct restore *restore, struct err *err)
{
	uint32_t own = restore->inventory->root_cg_set;
	struct image_list list;
	const CgroupEntry *entry;
	char *text;
	int code;

	code = image_load(restore->images, IMAGE_CGROUP, 0, &list, err);
	if (code || !list.n || !is_wanted(restore))
		return code;
	entry = (const CgroupEntry *)list.at[0].msg;
	/* Those of the engine then are those of the engine now. */
	if (entry->n_sets && !io_read_file(restore->arena, AT_FDCWD,
				     "/proc/self/cgroup", &text, NULL))
		*index_slot(restore->arena, &restore->cg_sets, own) =
			cgroups_set_make(restore->arena, text, own);
	for (size_t i = 0; i < entry->n_sets; i++)
		*index_slot(restore->arena, &restore->cg_sets,
			entry->sets[i]->id) = entry->sets[i];
	if (entry->n_sets && !is_allowed(restore))
		log_warn("the tasks stay in the engine's control groups: only "
			 "root's restore brings them into their own");
	return 0;
}

/* 0: none is told. */
static uint32_t set_of(const struct task *task, size_t thread)
{
	const CoreEntry *core = task->threads[thread].core;

	if (core->thread_core && core->thread_core->has_cg_set)
		return core->thread_core->cg_set;
	core = task->threads[0].core;
	return core->tc && core->tc->has_cg_set ? core->tc->cg_set : 0;
}

/* What a move is about. */
struct move {
	struct arena *arena;
	char *mounts;
	const char *whom; /* in cgroup.procs: "0" is ourselves */
	bool thread;	  /* one thread alone */
	bool frozen;	  /* to groups that are frozen, and to no others */
};

static bool file_says(struct arena *arena, const char *folder, const char *name,
	const char *what)
{
	char *text;

	return !io_read_file(arena, AT_FDCWD,
		       arena_printf(arena, "%s/%s", folder, name), &text,
		       NULL) &&
	       strstr(text, what);
}

/* Who enters one would not get on. */
static bool is_frozen(struct arena *arena, const char *folder)
{
	return file_says(arena, folder, "cgroup.events", "frozen 1") ||
	       file_says(arena, folder, "freezer.state", "FR");
}

/* Version 2 has threads of their own only where it was told to. */
static const char *file_of(const struct move *move, const CgMemberEntry *member)
{
	if (!move->thread)
		return "cgroup.procs";
	return *member->name ? "tasks" : "cgroup.threads";
}

/* Paths of images lead nowhere but down, and their names are no paths. */
static const char *folder_of(
	const struct move *move, const CgMemberEntry *member)
{
	const char *path = arena_printf(move->arena, "%s/", member->path);

	if (path[0] != '/' || strstr(path, "/../") ||
		member->name[strcspn(member->name, ":/\n")])
		return NULL;
	return cgroup_folder(move->arena,
		arena_printf(
			move->arena, "0:%s:%s", member->name, member->path),
		move->mounts);
}

static void member_enter(const struct move *move, const CgMemberEntry *member)
{
	const char *folder = folder_of(move, member);
	int code = -ENOENT;

	if (folder && is_frozen(move->arena, folder) != move->frozen)
		return;
	if (folder)
		code = io_write_text(AT_FDCWD,
			arena_printf(move->arena, "%s/%s", folder,
				file_of(move, member)),
			move->whom);
	if (code)
		log_warn("control group '%s:%s' cannot be entered (%s): its "
			 "tasks stay in that of the engine",
			member->name, member->path, strerror(-code));
}

/* was: where it is, as the text of /proc/PID/cgroup. */
static void set_enter(
	const struct move *move, const CgSetEntry *set, const char *was)
{
	struct cgroup_member member;

	for (size_t i = 0; i < set->n_ctls; i++) {
		member = (struct cgroup_member){
			set->ctls[i]->name, set->ctls[i]->path};
		if (!cgroup_has_member(was, &member))
			member_enter(move, set->ctls[i]);
	}
}

static int texts_read(struct move *move, const char *whose, char **ret_was)
{
	return io_read_file(move->arena, AT_FDCWD,
		       arena_printf(move->arena, "/proc/%s/cgroup", whose),
		       ret_was, NULL)
		       ?: io_read_file(move->arena, AT_FDCWD,
				  "/proc/self/mountinfo", &move->mounts, NULL);
}

void cgroups_join(struct birth_ward *ward, const struct task *task)
{
	const struct restore *restore = ward->restore;
	uint32_t id = set_of(task, 0);
	const CgSetEntry *set = index_get(&restore->cg_sets, id);
	_cleanup_arena_ struct arena *arena = NULL;
	struct move move;
	char *was;

	/* Its maker is there, or could not go there either. */
	if (!ward->cg_set)
		ward->cg_set = restore->inventory->root_cg_set;
	if (!set || ward->cg_set == id || !is_allowed(restore))
		return;
	ward->cg_set = id;
	arena = arena_new();
	move = (struct move){.arena = arena, .whom = "0"};
	if (!texts_read(&move, "self", &was))
		set_enter(&move, set, was);
}

static void task_finish(
	const struct restore *restore, const struct task *task, size_t thread)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct move move = {.arena = arena, .thread = thread != 0};
	char *was;

	move.whom = arena_printf(arena, "%d", task->threads[thread].host);
	if (texts_read(&move, move.whom, &was))
		return;
	for (int frozen = thread ? 0 : 1; frozen <= 1; frozen++) {
		move.frozen = frozen;
		set_enter(&move,
			index_get(&restore->cg_sets, set_of(task, thread)),
			was);
	}
}

static bool any_frozen(const struct restore *restore, uint32_t id)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	const CgSetEntry *set = index_get(&restore->cg_sets, id);
	struct move move = {.arena = arena};
	const char *folder;
	char *was;

	if (!set || texts_read(&move, "self", &was))
		return false;
	for (size_t i = 0; i < set->n_ctls; i++) {
		folder = folder_of(&move, set->ctls[i]);
		if (folder && is_frozen(arena, folder))
			return true;
	}
	return false;
}

void cgroups_finish(struct birth_ward *ward)
{
	const struct restore *restore = ward->restore;
	const struct task *task;
	uint32_t last = 0, id;
	bool frozen = false;

	if (!restore->cg_sets.n || !is_allowed(restore))
		return;
	for (size_t t = 0; t < restore->tree.tasks.n; t++) {
		task = restore->tree.tasks.at[t];
		if (task->state == TASK_DEAD)
			continue;
		id = set_of(task, 0);
		if (id != last)
			frozen = any_frozen(restore, id);
		last = id;
		for (size_t i = 1; i < task->n_threads; i++)
			if (set_of(task, i) != id &&
				index_get(&restore->cg_sets, set_of(task, i)))
				task_finish(restore, task, i);
		if (frozen)
			task_finish(restore, task, 0);
	}
}
