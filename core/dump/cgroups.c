/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "kernel/cgroup.h"
#include "model/cgroups.h"

/* What one thread was seen in. */
struct set {
	struct set *next; /* of the same hash */
	const char *text; /* of /proc/PID/cgroup */
	CgSetEntry *entry;
	uint32_t id;
};

struct look {
	struct dump *dump;
	char *own, *mounts; /* of the engine */
	struct set *last;
	struct index by_hash;
	CgroupEntry image;
	bool told;
};

static uint64_t text_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
	return hash;
}

/* --- what will not come back -----------------------------------------------
 */

static const char *reason_of(
	const struct look *look, const char *line, struct arena *arena)
{
	const struct run *run = look->dump->run;

	if (run->opt->manage_cgroups == CGROUPS_IGNORE)
		return "control groups are to be ignored";
	if (geteuid() != 0 || run->owner)
		return "only root's restore brings processes into theirs";
	return cgroup_folder(arena, line, look->mounts)
		       ? NULL
		       : "its hierarchy is not mounted here";
}

/* Once for all. */
static void lost_tell(
	struct look *look, const struct victim *victim, const char *text)
{
	struct arena *arena = look->dump->arena;
	char *copy = arena_strdup(arena, text), *line;
	const char *reason;

	while (!look->told && (line = strsep(&copy, "\n"))) {
		if (!*line || cgroup_has_line(line, look->own))
			continue;
		reason = reason_of(look, line, arena);
		if (!reason)
			continue;
		log_warn(
			"process %d is in control group '%s', which is not "
			"kept (%s): a restore leaves it in that of the restore",
			victim->pid, line, reason);
		look->told = true;
	}
}

/* --- sets ------------------------------------------------------------------
 */

static struct set *set_add(
	struct look *look, const char *text, uint64_t hash, uint32_t id)
{
	struct arena *arena = look->dump->arena;
	struct set *set = arena_new1(arena, struct set);
	void **first = index_slot(arena, &look->by_hash, hash);

	*set = (struct set){.next = *first, .text = text, .id = id};
	*first = set;
	if (id != CGROUPS_OWN)
		set->entry = cgroups_set_make(arena, text, id);
	return set;
}

static struct set *set_find(
	struct look *look, const struct victim *victim, const char *text)
{
	uint64_t hash;
	struct set *set;

	if (look->last && !strcmp(look->last->text, text))
		return look->last;
	hash = text_hash(text);
	set = index_get(&look->by_hash, hash);
	while (set && strcmp(set->text, text) != 0)
		set = set->next;
	if (!set) {
		lost_tell(look, victim, text);
		set = set_add(look, text, hash,
			CGROUPS_OWN + 1 + (uint32_t)look->image.n_sets);
		look->image.sets = arena_grow(look->dump->arena,
			look->image.sets,
			look->image.n_sets * sizeof(CgSetEntry *),
			(look->image.n_sets + 1) * sizeof(CgSetEntry *));
		look->image.sets[look->image.n_sets++] = set->entry;
	}
	look->last = set;
	return set;
}

static int victim_look(
	struct look *look, struct victim *victim, struct err *err)
{
	struct arena *arena = look->dump->arena;
	CoreEntry *core;
	struct set *set;
	char *text;
	int code;

	for (size_t i = 0; i < victim->threads.n; i++) {
		core = victim->task->threads[i].core;
		code = proc_read_file(arena, &victim->proc,
			victim->threads.at[i]->tid, "cgroup", &text, NULL, err);
		if (code)
			return code;
		set = set_find(look, victim, text);
		core->thread_core->has_cg_set = true;
		core->thread_core->cg_set = set->id;
		if (!core->tc)
			continue;
		core->tc->has_cg_set = true;
		core->tc->cg_set = set->id;
	}
	return 0;
}

/* --- hierarchies -----------------------------------------------------------
 */

/* Other engines want to know of each folder that a set names who owns it. */
static CgroupDirEntry *folder_entry(
	struct look *look, const CgMemberEntry *member, CgControllerEntry *of)
{
	struct arena *arena = look->dump->arena;
	const char *folder = cgroup_folder(arena,
		arena_printf(arena, "0:%s:%s", member->name, member->path),
		look->mounts);
	CgroupDirEntry *dir = arena_new1(arena, CgroupDirEntry);
	CgroupPerms *perms = arena_new1(arena, CgroupPerms);
	char *type = NULL;
	struct stat stat;

	cgroup_dir_entry__init(dir);
	dir->dir_name = member->path + (member->path[0] == '/');
	if (!folder || lstat(folder, &stat))
		return dir;
	cgroup_perms__init(perms);
	perms->mode = stat.st_mode;
	perms->uid = stat.st_uid;
	perms->gid = stat.st_gid;
	dir->dir_perms = perms;
	if (!*member->name &&
		!io_read_file(arena, AT_FDCWD,
			arena_printf(arena, "%s/cgroup.type", folder), &type,
			NULL))
		of->is_threaded |= strncmp(type, "threaded", 8) == 0;
	return dir;
}

static CgControllerEntry *controller_make(
	struct arena *arena, const CgMemberEntry *member, size_t sets)
{
	CgControllerEntry *entry = arena_new1(arena, CgControllerEntry);
	char *copy = arena_strdup(arena, member->name), *name;

	cg_controller_entry__init(entry);
	entry->cnames = arena_newn(arena, char *, strlen(copy) + 1);
	while ((name = strsep(&copy, ",")))
		entry->cnames[entry->n_cnames++] = name;
	entry->dirs = arena_newn(arena, CgroupDirEntry *, sets);
	entry->has_is_threaded = true;
	entry->is_threaded = *member->name != '\0';
	return entry;
}

/* All sets are of the same hierarchies, in the same order. */
static void controllers_fill(struct look *look)
{
	CgroupEntry *image = &look->image;
	struct arena *arena = look->dump->arena;
	size_t n = image->sets[0]->n_ctls;
	CgControllerEntry *entry;
	CgMemberEntry *member;
	struct index known;
	void **seen;

	image->controllers = arena_newn(arena, CgControllerEntry *, n);
	for (size_t k = 0; k < n; k++) {
		known = (struct index){0};
		entry = controller_make(
			arena, image->sets[0]->ctls[k], image->n_sets);
		for (size_t i = 0; i < image->n_sets; i++) {
			if (k >= image->sets[i]->n_ctls)
				continue;
			member = image->sets[i]->ctls[k];
			seen = index_slot(
				arena, &known, text_hash(member->path));
			if (*seen)
				continue;
			*seen = member;
			entry->dirs[entry->n_dirs++] =
				folder_entry(look, member, entry);
		}
		image->controllers[image->n_controllers++] = entry;
	}
}

int cgroups_capture(struct dump *dump, struct err *err)
{
	struct look look = {.dump = dump, .image = CGROUP_ENTRY__INIT};
	struct victim *victim;
	int code = 0;

	/* A kernel may have none. */
	if (io_read_file(dump->arena, AT_FDCWD, "/proc/self/cgroup", &look.own,
		    NULL) ||
		io_read_file(dump->arena, AT_FDCWD, "/proc/self/mountinfo",
			&look.mounts, NULL))
		return 0;
	set_add(&look, look.own, text_hash(look.own), CGROUPS_OWN);
	for (size_t i = 0; i < dump->victims.n && !code; i++) {
		victim = dump->victims.at[i];
		if (victim->state != TASK_DEAD)
			code = victim_look(&look, victim, err);
	}
	if (code || !look.image.n_sets)
		return code;
	if (dump->run->opt->manage_cgroups != CGROUPS_IGNORE)
		controllers_fill(&look);
	return image_append(
		dump->images, IMAGE_CGROUP, 0, &look.image.base, NULL, 0, err);
}
