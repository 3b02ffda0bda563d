/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/track.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "dump/interview.h"
#include "kernel/features.h"
#include "kernel/pagemap.h"
#include "kernel/uffd_watch.h"
#include "pages/send.h"

/* Nobody comes back for an hour: what was written since is then more than what
 * was not, and the watching costs the tree a fault a page. */
enum { KEEP_SECONDS = 3600 };

static enum track_how how_find(void)
{
	struct kernel_features features = {0};

	if (features_have(&features, FEATURE_SOFT_DIRTY))
		return TRACK_SOFT_DIRTY;
	return features_track(&features) ? TRACK_UFFD : TRACK_NONE;
}

int track_open(struct dump *dump, struct track *track, struct err *err)
{
	const struct options *o = dump->run->opt;
	int code;

	*track = TRACK_CLOSED;
	track->again = o->verb == VERB_PRE_DUMP ||
		       (o->track_mem && (o->leave_running || o->leave_stopped));
	code = parent_open(dump, &track->parent, err);
	if (code || (!o->track_mem && !track->again && !track->parent))
		return code;
	track->how = how_find();
	if (track->how != TRACK_NONE)
		return 0;
	err_set(err, ENOTSUP,
		"this kernel cannot tell which memory was written");
	return err_hint(err,
		"it needs soft-dirty marks (CONFIG_MEM_SOFT_DIRTY), or "
		"userfaultfd with WP_ASYNC and PAGEMAP_SCAN (Linux 6.7); dump "
		"without --track-mem and --prev-images-dir");
}

/* --- what was written ----------------------------------------------------- */

struct track_victim *track_of(
	const struct track *track, const struct victim *victim)
{
	return &track->victims[victim->task->index];
}

static void lease_look(struct dump *dump, struct track *track)
{
	const char *why;

	keeper_ask(dump->arena, track->parent->dir, &track->lease, &why);
	if (why)
		log_warn("the keeper of '%s': %s", track->parent->path, why);
	if (track->lease.socket < 0)
		log_warn("nobody has kept track of what was written since "
			 "'%s': all memory is stored again",
			track->parent->path);
}

/* A copy of the fd, if it is of this very process. */
static void lease_take(
	struct track *track, struct victim *victim, struct track_victim *tv)
{
	const struct proc_stat *stat = &victim->threads.at[0]->stat;
	struct keeper_task *task;

	for (size_t i = 0; i < track->lease.tasks.n; i++) {
		task = &track->lease.tasks.at[i];
		if (task->pid != victim->pid ||
			task->start_time != stat->start_time)
			continue;
		tv->uffd = fd_take(&task->uffd);
		return;
	}
}

/* Watched, and by our fd: by another one it would be busy. */
static void areas_look(struct victim *victim, struct track_victim *tv)
{
	const uint64_t watched = MAP_VM_UM | MAP_VM_UW | MAP_VM_UI;
	bool any = false;
	struct map *map;

	for (size_t i = 0; i < victim->maps.n; i++) {
		map = &victim->maps.at[i];
		if ((map->flags & watched) != MAP_VM_UW ||
			uffd_watch(tv->uffd, map->start, map->end))
			continue;
		map->flags &= ~MAP_VM_UW;
		map->tracked = any = true;
	}
	/* Another program by now: it must be begun anew. */
	if (!any)
		fd_closep(&tv->uffd);
	if (!any)
		tv->uffd = -1;
}

/* A page server is asked, task by task. */
static int parent_find(struct dump *dump, const struct parent *parent,
	const struct victim *victim, struct track_victim *tv, struct err *err)
{
	if (!dump->wire) {
		tv->parent = parent_task(parent, victim->vpid);
		return 0;
	}
	return send_parent_ask(dump->wire, WIRE_TASK, (uint64_t)victim->vpid,
		&tv->remote, err);
}

static int victim_look(struct dump *dump, struct track *track,
	struct victim *victim, struct track_victim *tv, struct err *err)
{
	const struct proc_stat *stat = &victim->threads.at[0]->stat;
	const struct parent *parent = track->parent;

	if (!parent || (track->how == TRACK_SOFT_DIRTY && parent->passed))
		return 0;
	if (track->how == TRACK_UFFD)
		lease_take(track, victim, tv);
	if (tv->uffd >= 0)
		areas_look(victim, tv);
	if ((track->how == TRACK_UFFD && tv->uffd < 0) ||
		!parent_knows(parent, stat->start_time))
		return 0;
	return parent_find(dump, parent, victim, tv, err);
}

static bool is_watched(const struct victim *victim)
{
	for (size_t i = 0; i < victim->maps.n; i++)
		if (victim->maps.at[i].flags & MAP_VM_UW)
			return true;
	return false;
}

/* Is it the fd that watches an area of a victim? (Or, of a keeper of ours, one
 * of its brother's: that keeper is meant all the same.) */
static bool victim_is_watched_by(void *of, int uffd)
{
	const struct victim *victim = of;

	for (size_t i = 0; i < victim->maps.n; i++)
		if (victim->maps.at[i].flags & MAP_VM_UW &&
			!uffd_watch(uffd, victim->maps.at[i].start,
				victim->maps.at[i].end))
			return true;
	return false;
}

/* This dump is none of the rounds for which somebody still watches. What is
 * watched afterwards is so by others. */
static int others_end(struct dump *dump, struct victim *victim, struct err *err)
{
	struct maps now = {0};
	int code;

	keepers_end(victim_is_watched_by, victim);
	code = maps_read(dump->arena, &victim->proc, &now, err);
	for (size_t i = 0; i < victim->maps.n && i < now.n && !code; i++)
		if (!(now.at[i].flags & MAP_VM_UW))
			victim->maps.at[i].flags &= ~MAP_VM_UW;
	if (!code && !is_watched(victim))
		log_info("process %d was watched for other rounds, which are "
			 "over",
			victim->pid);
	return code;
}

int track_look(struct dump *dump, struct track *track, struct err *err)
{
	struct victim *victim;
	int code = 0;

	track->victims = arena_newn(
		dump->arena, struct track_victim, dump->victims.n + 1);
	for (size_t i = 0; i < dump->victims.n; i++)
		track->victims[i].uffd = track->victims[i].pidfd = -1;
	if (track->how == TRACK_UFFD && track->parent)
		lease_look(dump, track);
	if (track->how == TRACK_SOFT_DIRTY && track->parent &&
		track->parent->passed)
		log_warn("'%s' was already followed by another round: all "
			 "memory is stored again",
			track->parent->path);
	for (size_t i = 0; i < dump->victims.n && !code; i++) {
		victim = dump->victims.at[i];
		if (victim->state != TASK_DEAD)
			code = victim_look(
				dump, track, victim, &track->victims[i], err);
		if (!code && is_watched(victim))
			code = others_end(dump, victim, err);
	}
	return code;
}

bool track_is_clean(const struct track *track, const struct victim *victim,
	const struct map *map, uint32_t pagemap_flags)
{
	const struct track_victim *tv = track_of(track, victim);

	if (!tv->parent && !tv->remote)
		return false;
	if (track->how == TRACK_SOFT_DIRTY)
		return !(pagemap_flags & PAGEMAP_SOFT_DIRTY);
	return map->tracked && !(pagemap_flags & PAGEMAP_WRITTEN);
}

uint64_t track_there(const struct source *parent, uint64_t start, uint64_t end,
	bool *ret_there)
{
	size_t i = source_behind(parent, start);
	const struct source_piece *piece;

	*ret_there = false;
	while (i < parent->n && start < end) {
		piece = &parent->pieces[i++];
		/* What is still elsewhere is not there. */
		if (piece->file == SOURCE_ELSEWHERE)
			continue;
		if (piece->vaddr > start && *ret_there)
			return start;
		if (piece->vaddr > start)
			return piece->vaddr < end ? piece->vaddr : end;
		*ret_there = true;
		start = source_piece_end(parent, piece);
	}
	return start < end && *ret_there ? start : end;
}

/* --- from now on ---------------------------------------------------------- */

/* Private memory that may hold pages of its own. Huge pages are never watched,
 * nor is what is stored as a whole each time. */
static bool can_watch(const struct map *map)
{
	const uint64_t not = MAP_VM_UM | MAP_VM_UW | MAP_VM_UI | MAP_VM_HT |
			     MAP_VM_SS | MAP_VM_DP | MAP_VM_IO | MAP_VM_PF;

	return !map->shared && !(map->flags & not ) && map->end <= INT64_MAX &&
	       strcmp(map->path, "[vdso]") && strncmp(map->path, "[vvar", 5) &&
	       strcmp(map->path, "[vsyscall]") &&
	       strcmp(map->path, "[uprobes]");
}

/* The pages that were found and are not protected any more, and no others: one
 * that is not there would get a mark and look like a page (WP_ASYNC implies
 * WP_UNPOPULATED). *at: the first span that ends behind what was protected. */
static int area_protect(
	const struct track_victim *tv, const struct map *map, size_t *at)
{
	const struct track_span *span;
	int code = 0;

	for (; *at < tv->written.n && !code; ++*at) {
		span = &tv->written.at[*at];
		if (span->start >= map->end)
			break;
		if (span->start >= map->start)
			code = uffd_protect(tv->uffd, span->start, span->end);
	}
	return code;
}

static int areas_watch(
	const struct victim *victim, struct track_victim *tv, struct err *err)
{
	const struct map *map;
	size_t at = 0;
	int code;

	for (size_t i = 0; i < victim->maps.n; i++) {
		map = &victim->maps.at[i];
		if (!can_watch(map))
			continue;
		if (!map->tracked &&
			uffd_watch(tv->uffd, map->start, map->end)) {
			log_debug("process %d: %llx-%llx is not watched",
				victim->pid, (unsigned long long)map->start,
				(unsigned long long)map->end);
			continue;
		}
		code = area_protect(tv, map, &at);
		if (code)
			return err_code(err, code,
				"watching %llx-%llx of process %d for writes",
				(unsigned long long)map->start,
				(unsigned long long)map->end, victim->pid);
	}
	return 0;
}

/* A process that may make no userfaultfd is stored as a whole each time. */
static int uffd_need(struct dump *dump, struct victim *victim,
	struct track_victim *tv, struct err *err)
{
	struct err now = {0};
	int code;

	if (tv->uffd >= 0)
		return 0;
	code = interview_uffd(dump, victim, &tv->uffd, err);
	if (code || tv->uffd < 0)
		return code;
	if (!uffd_begin(tv->uffd, &now))
		return 0;
	log_warn("process %d: %s: its memory is stored as a whole each time",
		victim->pid, now.text);
	close(fd_take(&tv->uffd));
	return 0;
}

static int victim_again(struct dump *dump, struct track *track,
	struct victim *victim, struct err *err)
{
	struct track_victim *tv = track_of(track, victim);
	int code;

	if (track->how == TRACK_SOFT_DIRTY)
		return pagemap_clear_soft_dirty(&victim->proc, err);
	code = uffd_need(dump, victim, tv, err);
	if (!code && tv->uffd >= 0)
		code = areas_watch(victim, tv, err);
	/* The keeper's; the victim's own is closed when it is let go. */
	if (!code && tv->uffd >= 0)
		tv->pidfd = fcntl(victim->pidfd, F_DUPFD_CLOEXEC, 3);
	if (!code && tv->uffd >= 0 && tv->pidfd < 0)
		code = err_errno(err, "holding process %d", victim->pid);
	return code;
}

int track_again(struct dump *dump, struct track *track, struct err *err)
{
	struct victim *victim;
	int code = 0;

	if (!track->again)
		return 0;
	/* From here on what was known since the parent is known no more. */
	if (track->how == TRACK_SOFT_DIRTY && track->parent &&
		parent_pass(track->parent, err))
		log_warn("%s", err->text);
	keeper_dismiss(&track->lease);
	for (size_t i = 0; i < dump->victims.n && !code; i++) {
		victim = dump->victims.at[i];
		if (victim->state != TASK_DEAD)
			code = victim_again(dump, track, victim, err);
	}
	return code;
}

int track_keep(struct dump *dump, struct track *track, struct err *err)
{
	VEC(struct keeper_task) tasks = {0};
	const struct victim *victim;

	if (!track->again || track->how != TRACK_UFFD)
		return 0;
	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		if (track->victims[i].uffd < 0)
			continue;
		*vec_push(dump->arena, &tasks) = (struct keeper_task){
			.pid = victim->pid,
			.start_time = victim->threads.at[0]->stat.start_time,
			.uffd = track->victims[i].uffd,
			.pidfd = track->victims[i].pidfd};
	}
	return tasks.n ? keeper_start(dump->arena, dump->run->images_dir,
				 tasks.at, tasks.n, KEEP_SECONDS,
				 &track->keeper, err)
		       : 0;
}

void track_confirm(struct dump *dump, struct track *track)
{
	struct err err = {0};

	if (track->keeper.go >= 0 &&
		keeper_confirm(&track->keeper, dump->run->images_dir, &err))
		log_warn(
			"%s: the next round stores all memory again", err.text);
}

void track_close(struct dump *dump, struct track *track)
{
	for (size_t i = 0; track->victims && i < dump->victims.n; i++) {
		fd_closep(&track->victims[i].uffd);
		fd_closep(&track->victims[i].pidfd);
	}
	track->victims = NULL;
	keeper_close(&track->keeper);
	keeper_return(&track->lease);
	parent_close(track->parent);
	track->parent = NULL;
}
