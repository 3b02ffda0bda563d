/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "hooks/hooks.h"
#include "kernel/oom.h"
#include "kinds/kinds.h"
#include "model/tracer.h"
#include "restore/cpu.h"
#include "restore/birth.h"
#include "restore/cgroups.h"
#include "restore/host.h"
#include "restore/inherit.h"
#include "restore/lazy.h"
#include "restore/make.h"
#include "restore/owner.h"
#include "restore/perform.h"
#include "restore/read.h"
#include "kinds/file/lib/memory_object.h"

static int images_open(struct restore *restore, struct err *err)
{
	struct run *run = restore->run;
	const StasisManifest *manifest;
	int code;

	/* What a lazy-pages daemon brings it has verified. */
	if (run->source)
		code = image_set_open_streamed(restore->arena, run->images_dir,
			run->source, &restore->images, err);
	else if (run->opt->lazy_pages)
		code = image_set_open_small(
			restore->arena, run->images_dir, &restore->images, err);
	else
		code = image_set_open(
			restore->arena, run->images_dir, &restore->images, err);
	if (code)
		return code;
	manifest = image_set_manifest(restore->images);
	restore->page_size =
		manifest ? manifest->page_size : restore->run->page_size;
	return 0;
}

static int machine_check(
	struct restore *restore, const char *made_on, struct err *err)
{
	if (strcmp(made_on, restore->run->be->name) == 0)
		return 0;
	err_set(err, EINVAL, "the image was made on %s, this machine is %s",
		made_on, restore->run->be->name);
	return err_hint(err, "restore it on a machine of its kind");
}

/* What the manifest tells, before anything is read: areas are in pages. */
static int manifest_check(struct restore *restore, struct err *err)
{
	const StasisManifest *manifest = image_set_manifest(restore->images);
	int code =
		manifest ? machine_check(restore, manifest->machine, err) : 0;

	if (code || restore->page_size == restore->run->page_size)
		return code;
	err_set(err, EINVAL,
		"the image has pages of %llu bytes, this kernel has %llu",
		(unsigned long long)restore->page_size,
		(unsigned long long)restore->run->page_size);
	return err_hint(
		err, "restore it under a kernel with the same page size");
}

static int seccomp_read(
	struct restore *restore, struct facts *facts, struct err *err)
{
	struct image_list list;
	int code;

	code = image_load(restore->images, IMAGE_SECCOMP, 0, &list, err);
	if (!code && list.n)
		facts->seccomp = (const SeccompEntry *)list.at[0].msg;
	return code;
}

static int root_open(struct restore *restore, struct err *err)
{
	const char *path = restore->run->opt->root ?: "/";

	restore->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (restore->root < 0)
		return err_errno(err, "opening the root directory %s", path);
	return 0;
}

struct made {
	struct host host;
	struct facts facts;
	struct plan plan;
};

static int plan_prepare(
	struct restore *restore, struct made *made, struct err *err)
{
	struct kernel_features features = {0};
	int code;

	code = host_read(restore, &made->host, err);
	if (!code)
		code = facts_read(restore->arena, &features, &made->facts, err);
	return code ?: seccomp_read(restore, &made->facts, err);
}

static int plan_fill(
	struct restore *restore, struct made *made, struct err *err)
{
	made->plan = (struct plan){
		.arena = restore->arena,
		.host = &made->host,
		.facts = &made->facts,
		.tree = &restore->tree,
		.objects = &restore->objects,
		.shell_job = restore->run->opt->shell_job,
		.lazy = restore->run->opt->lazy_pages,
	};
	return plan_make(&made->plan, err);
}

static int tree_bear(struct birth_ward *ward, struct err *err)
{
	struct run *run = ward->restore->run;
	struct stats_clock clock = stats_clock_start();
	int code;

	code = birth_begin(ward, err);
	if (!code)
		code = run_step(run, "restore.birth", err);
	if (!code)
		code = birth_tree(ward, err);
	if (!code)
		code = lazy_announce(ward, err);
	stats_clock_add(&clock, &run->stats.forking_time);
	return code;
}

static int tree_place(struct birth_ward *ward, struct err *err)
{
	struct run *run = ward->restore->run;
	int exposed = oom_hide(), code;

	code = run_step(run, "restore.perform", err);
	if (!code)
		code = perform_tapes(ward, err);
	if (!code)
		code = memory_shelf_seal(ward->restore, err);
	if (!code)
		code = run_step(run, "restore.place", err);
	if (!code)
		code = perform_place(ward, err);
	perform_forget(ward);
	oom_expose(exposed);
	return code;
}

/* The last moment at which all can be undone. */
static int tree_commit(struct birth_ward *ward, pid_t root, struct err *err)
{
	struct run *run = ward->restore->run;
	int code = run_step(run, "restore.depart", err);

	if (!code)
		code = hooks_run(run, "post-restore", root, err);
	if (!code)
		code = run_check_interrupt(
			run, "before", "the tasks depart", err);
	if (!code)
		code = lazy_finish(ward->restore, err);
	return code ?: perform_commit(ward, err);
}

/* From here on the tasks are there to stay: a failure is only told. */
static int tree_release(struct birth_ward *ward, pid_t root, struct err *err)
{
	struct run *run = ward->restore->run;
	struct err told = {0};
	int code;

	if (hooks_run(run, "pre-resume", root, &told))
		log_warn("%s", told.text);
	cgroups_finish(ward);
	code = perform_depart(ward, err);
	if (hooks_run(run, "post-resume", root, &told))
		log_warn("%s", told.text);
	return code;
}

/* In the process that traces: the newborns are its parent's children. */
static int tree_trace(void *of, struct err *err)
{
	struct birth_ward *ward = of;
	pid_t root = ward->restore->tree.root->host;
	int code;

	code = tree_place(ward, err);
	if (!code)
		code = tree_commit(ward, root, err);
	if (!code)
		return tree_release(ward, root, err);
	birth_kill(ward);
	return code;
}

static void ward_undo(void *of)
{
	struct birth_ward *ward = of;

	birth_abort(ward);
	birth_end(ward);
	make_clear(ward->restore, ward->plan);
	undo_close(ward->restore->run->undo);
}

static int tree_restore(struct restore *restore, struct made *made,
	pid_t *ret_root, struct err *err)
{
	struct birth_ward ward = {.restore = restore,
		.plan = &made->plan,
		.reels = REELS_NONE,
		.time_ns = -1};
	struct arena_end end = {.undo = ward_undo, .of = &ward};
	int code;

	arena_end_push(restore->run->arena, &end);
	code = run_step(restore->run, "restore.make", err);
	if (!code)
		code = make_shelf(restore, &made->plan, err);
	if (!code)
		code = tree_bear(&ward, err);
	if (!code)
		code = image_set_check_source(restore->images, err);
	if (!code)
		code = tracer_run(restore->run, tree_trace, &ward, err);
	arena_end_pop(restore->run->arena, &end);
	if (code && !(ward.board && board_departs(ward.board)))
		birth_abort(&ward);
	birth_end(&ward);
	make_clear(restore, &made->plan);
	if (!code)
		*ret_root = restore->tree.root->host;
	return code;
}

static void pages_count(struct restore *restore)
{
	struct stats *stats = &restore->run->stats;
	const struct task *task;

	stats->tasks = restore->tree.tasks.n;
	for (size_t i = 0; i < restore->tree.tasks.n; i++) {
		task = restore->tree.tasks.at[i];
		stats->pages_restored += task->pages.stored;
		stats->threads += task->n_threads;
	}
}

int restore_run(struct run *run, pid_t *ret_root, struct err *err)
{
	/* Newborns read it, and the more of them there are, the bigger it is.
	 */
	_cleanup_arena_ struct arena *arena = arena_new_shared(run->arena);
	struct restore restore = {
		.run = run, .arena = arena, .lazy = -1, .root = -1};
	struct stats_clock clock = stats_clock_start();
	struct made made;
	int code;

	code = hooks_run(run, "pre-restore", 0, err);
	if (!code)
		code = run_step(run, "restore.read", err);
	if (!code)
		code = lazy_begin(&restore, err);
	if (!code)
		code = images_open(&restore, err);
	if (!code)
		code = manifest_check(&restore, err);
	if (!code)
		code = read_images(&restore, err);
	if (!code)
		code = machine_check(&restore, restore.be->name, err);
	if (!code)
		code = image_set_check_source(restore.images, err);
	if (!code)
		code = owner_check_images(&restore, err);
	if (!code)
		code = cpu_check(&restore, err);
	if (!code)
		code = root_open(&restore, err);
	if (!code)
		code = inherit_look(&restore, err);
	if (!code)
		code = run_step(run, "restore.plan", err);
	if (!code)
		code = plan_prepare(&restore, &made, err);
	if (!code)
		code = plan_fill(&restore, &made, err);
	if (!code)
		code = tree_restore(&restore, &made, ret_root, err);
	pages_count(&restore);
	stats_clock_add(&clock, &run->stats.restore_time);
	lazy_end(&restore);
	fd_closep(&restore.root);
	kinds_release(&restore, code);
	memory_shelf_close(&restore);
	image_set_closep(&restore.images);
	return code;
}

int restore_plan_print(struct run *run, FILE *out, struct err *err)
{
	struct restore restore = {
		.run = run, .arena = run->arena, .lazy = -1, .root = -1};
	struct made made;
	int code;

	code = images_open(&restore, err);
	if (!code)
		code = read_images(&restore, err);
	if (!code)
		host_imagine(&restore, &made.host, &made.facts);
	if (!code)
		code = seccomp_read(&restore, &made.facts, err);
	if (!code)
		code = plan_fill(&restore, &made, err);
	if (!code)
		plan_print(&made.plan, out);
	image_set_closep(&restore.images);
	return code;
}
