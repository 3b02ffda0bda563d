/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/dump.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cpuinfo/cpuinfo.h"
#include "dump/capture.h"
#include "dump/discover.h"
#include "dump/files.h"
#include "dump/freeze.h"
#include "dump/freezer.h"
#include "dump/interview.h"
#include "dump/kept.h"
#include "dump/memory.h"
#include "dump/outlet.h"
#include "dump/owner.h"
#include "dump/pages.h"
#include "dump/registry.h"
#include "dump/room.h"
#include "dump/rounds.h"
#include "dump/shared.h"
#include "dump/track.h"
#include "hooks/hooks.h"
#include "kinds/kinds.h"
#include "model/external.h"
#include "options/version.h"
#include "pages/connect.h"
#include "pages/tls.h"

/* Seconds for which a page server may stand still while the tree does. */
enum { WIRE_IDLE = 60 };

static int victims_freeze(
	struct dump *dump, struct freezer *freezer, struct err *err)
{
	struct stats_clock clock = stats_clock_start();
	int code;

	code = run_step(dump->run, "dump.freeze", err);
	if (!code)
		code = freezer_hold(freezer, err);
	if (!code)
		code = freeze_tree(dump, dump->run->opt->tree, err);
	dump->frozen_at = parent_uptime();
	if (!code)
		code = freezer_thaw(freezer, err);
	if (!code)
		code = freezer_check_tree(dump, err);
	stats_clock_add(&clock, &dump->run->stats.freezing_time);
	dump->run->stats.tasks = dump->victims.n;
	for (size_t i = 0; i < dump->victims.n; i++)
		dump->run->stats.threads += dump->victims.at[i]->threads.n;
	log_info("froze %zu processes", dump->victims.n);
	return code ?: owner_check_victims(dump, err);
}

static int all_capture(
	struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	struct stats_clock clock;
	int code;

	code = run_step(dump->run, "dump.capture", err);
	if (!code)
		code = capture_threads(dump, err);
	if (!code)
		code = run_step(dump->run, "dump.files", err);
	if (!code)
		code = files_capture(dump, err);
	clock = stats_clock_start();
	if (!code)
		code = run_step(dump->run, "dump.memory", err);
	if (!code)
		code = memory_capture(dump, jobs, err);
	if (!code)
		code = kinds_finish(dump, err);
	if (!code)
		code = room_check(dump, err);
	external_tell_unused(dump);
	if (!code)
		code = shared_capture(dump, jobs, err);
	if (!code)
		code = pages_copy(dump, jobs, err);
	stats_clock_add(&clock, &dump->run->stats.memdump_time);
	return code ?: capture_tree(dump, err);
}

static int images_commit(struct dump *dump, struct err *err)
{
	struct utsname name;
	struct image_facts facts = {
		.machine = dump->run->be->name,
		.page_size = (uint32_t)dump->run->page_size,
		.stasis_version = STASIS_VERSION,
		.created = (uint64_t)time(NULL),
		.cpuinfo = dump->cpuinfo,
		.cpu = dump->cpuinfo ? dump->run->be->cpu_model(dump->cpuinfo)
				     : NULL,
		.remote_pages = dump->wire != NULL,
	};
	int code;

	uname(&name);
	facts.kernel = name.release;
	facts.hostname = name.nodename;
	code = run_step(dump->run, "dump.commit", err);
	if (!code && dump->track->parent)
		image_set_link_parent(dump->images, dump->track->parent->path);
	if (!code)
		code = image_set_commit(dump->images, &facts, err);
	if (!code)
		track_confirm(dump, dump->track);
	return code;
}

static int victims_dump(
	struct dump *dump, struct freezer *freezer, struct err *err)
{
	struct pages_jobs jobs;
	int code;

	pages_jobs_init(&jobs, dump);
	code = victims_freeze(dump, freezer, err);
	if (!code)
		code = hooks_tell(dump->run, "query-ext-files",
			dump->run->opt->tree, err);
	if (!code)
		code = run_step(dump->run, "dump.discover", err);
	if (!code)
		code = discover_victims(dump, err);
	if (!code)
		code = run_step(dump->run, "dump.track", err);
	if (!code)
		code = track_look(dump, dump->track, err);
	if (!code)
		code = run_step(dump->run, "dump.interview", err);
	if (!code)
		code = interview_victims(dump, err);
	if (!code)
		code = all_capture(dump, &jobs, err);
	if (!code)
		code = run_step(dump->run, "dump.again", err);
	if (!code)
		code = track_again(dump, dump->track, err);
	if (!code)
		code = run_step(dump->run, "dump.keep", err);
	if (!code)
		code = track_keep(dump, dump->track, err);
	if (!code)
		code = run_step(dump->run, "dump.depart", err);
	return code ?: images_commit(dump, err);
}

/* The images are whole, the tasks still frozen; a script that fails wants
 * the tasks back, so the images must not look whole any more. */
static int post_dump(struct dump *dump, struct outlet *outlet, struct err *err)
{
	int code = hooks_run(dump->run, "post-dump", dump->run->opt->tree, err);

	if (!code)
		return outlet_end(outlet, err);
	dump->run->scripts_decide = dump->run->script_status != 0;
	outlet_spoil(outlet);
	return code;
}

/* Images of which pages are lost are none. */
static int pages_give(struct dump *dump, struct outlet *outlet, struct err *err)
{
	int code = kept_serve(dump, err);

	if (code)
		outlet_spoil(outlet);
	return code;
}

static enum freeze_release release_wanted(const struct run *run)
{
	if (run->opt->leave_running)
		return RELEASE_RUN;
	return run->opt->leave_stopped ? RELEASE_STOP : RELEASE_KILL;
}

/* A frozen cgroup is frozen again before its tasks can run. */
static int victims_release(struct dump *dump, struct freezer *freezer,
	enum freeze_release how, struct err *err)
{
	int code = 0, also;

	if (how != RELEASE_KILL)
		code = freezer_return(freezer, err);
	also = freeze_release(dump, how, code ? ERR_UNREAD : err);
	code = code ?: also;
	also = freezer_return(freezer, code ? ERR_UNREAD : err);
	freezer_close(freezer);
	return code ?: also;
}

/* Frozen for the look alone. */
static int round_take(struct dump *dump, struct freezer *freezer,
	bool *ret_released, struct err *err)
{
	struct stats_clock clock;
	struct pages_jobs jobs;
	int code, released;

	pages_jobs_init(&jobs, dump);
	clock = stats_clock_start();
	code = victims_freeze(dump, freezer, err);
	if (!code)
		code = rounds_look(dump, &jobs, err);
	released = victims_release(
		dump, freezer, RELEASE_RUN, code ? ERR_UNREAD : err);
	*ret_released = true;
	stats_clock_add(&clock, &dump->run->stats.frozen_time);
	code = code ?: released;
	if (!code)
		code = rounds_store(dump, &jobs, err);
	pages_jobs_close(&jobs);
	shared_close(dump);
	return code ?: images_commit(dump, err);
}

/* A CPU that cannot be described is a failure only where it was asked for. */
static int cpu_store(struct dump *dump, struct err *err)
{
	struct err told = {0};
	int code = cpuinfo_describe(dump->arena, &dump->cpuinfo, &told);

	if (!(dump->run->opt->cpu_cap & CPU_CAP_IMAGE)) {
		if (code)
			log_info("%s", told.text);
		return 0;
	}
	if (code) {
		*err = told;
		return code;
	}
	return cpuinfo_append(dump->images, dump->cpuinfo, err);
}

static int send_look(void *of, struct err *err)
{
	return run_check_interrupt(of, "while", "pages were sent", err);
}

/* Before anything is frozen. */
static int wire_open(struct dump *dump, struct wire *wire, struct err *err)
{
	const struct options *o = dump->run->opt;
	int code = 0;

	if (!o->page_server)
		return 0;
	wire->fd = o->ps_fd;
	if (o->ps_fd < 0)
		code = connect_to(o->address, o->port, wire, err);
	if (!code)
		code = wire_begin(wire, err);
	if (!code && o->tls)
		code = tls_connect(dump->arena, wire, o, err);
	if (!code)
		dump->wire = wire;
	return code;
}

/* A connection that was given stays the giver's. */
static void wire_close(const struct dump *dump, struct wire *wire)
{
	tls_close(wire->tls);
	if (dump->run->opt->ps_fd < 0)
		fd_closep(&wire->fd);
}

struct walk {
	struct dump dump;
	struct track track;
	struct freezer freezer;
	struct wire wire;
	struct outlet outlet;
	struct stats_clock clock; /* since they are frozen */
	bool whole;		  /* the images are */
	bool released;
};

static void walk_undo(void *of)
{
	struct walk *walk = of;
	struct dump *dump = &walk->dump;

	if (walk->whole)
		outlet_spoil(&walk->outlet);
	else
		image_set_abort(dump->images);
	if (!walk->released)
		victims_release(dump, &walk->freezer, RELEASE_RUN, ERR_UNREAD);
	track_close(dump, &walk->track);
	undo_close(dump->run->undo);
}

/* Until it is decided what becomes of the victims. */
static int walk_go(struct walk *walk, struct err *err)
{
	struct arena_end end = {.undo = walk_undo, .of = walk};
	struct dump *dump = &walk->dump;
	int code;

	arena_end_push(dump->arena, &end);
	code = cpu_store(dump, err);
	if (!code)
		code = wire_open(dump, &walk->wire, err);
	if (!code)
		code = kept_open(dump, err);
	if (!code)
		code = run_step(dump->run, "dump.parent", err);
	if (!code)
		code = track_open(dump, &walk->track, err);
	if (!code)
		code = freezer_open(dump->run, &walk->freezer, err);
	if (!code && dump->run->opt->verb == VERB_PRE_DUMP)
		code = round_take(dump, &walk->freezer, &walk->released, err);
	walk->clock = stats_clock_start();
	if (!code && !walk->released)
		code = victims_dump(dump, &walk->freezer, err);
	walk->whole = !code;
	if (code)
		image_set_abort(dump->images);
	else if (!walk->released)
		code = post_dump(dump, &walk->outlet, err)
			       ?: pages_give(dump, &walk->outlet, err);
	arena_end_pop(dump->arena, &end);
	return code;
}

int dump_run(struct run *run, struct err *err)
{
	static const struct dump_ops ops = {.file_of_ours = registry_ours};
	struct walk walk = {
		.dump = {.run = run, .arena = run->arena, .ops = &ops},
		.track = TRACK_CLOSED,
		.freezer = {.dir = -1},
		.outlet = OUTLET_CLOSED,
		.wire = {.fd = -1,
			.idle_seconds = WIRE_IDLE,
			.look = send_look,
			.of = run},
	};
	int code = 0, released = 0;

	/* The moments of a dump are not those of a round. */
	if (run->opt->verb == VERB_DUMP)
		code = hooks_run(run, "pre-dump", run->opt->tree, err);
	if (!code)
		code = outlet_open(&walk.dump, &walk.outlet, err);
	if (code) {
		outlet_close(&walk.outlet);
		return code;
	}
	walk.clock = stats_clock_start();
	walk.dump.track = &walk.track;
	code = walk_go(&walk, err);
	if (!walk.released) {
		released = victims_release(&walk.dump, &walk.freezer,
			code ? RELEASE_RUN : release_wanted(run),
			code ? ERR_UNREAD : err);
		stats_clock_add(&walk.clock, &run->stats.frozen_time);
	}
	code = code ?: released;
	if (!code)
		code = outlet_done(&walk.outlet, err);
	if (!code)
		keeper_dismiss(&walk.track.lease);
	track_close(&walk.dump, &walk.track);
	wire_close(&walk.dump, &walk.wire);
	kept_close(&walk.dump);
	image_set_close(walk.dump.images);
	outlet_close(&walk.outlet);
	return code;
}
