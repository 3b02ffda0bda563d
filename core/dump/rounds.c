/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/rounds.h"

#include "dump/discover.h"
#include "dump/memory.h"
#include "dump/shared.h"
#include "dump/track.h"
#include "proto/inventory.pb-c.h"

/* Pids may be given anew while they are copied. */
static int sources_hold(struct pages_jobs *jobs, struct err *err)
{
	struct pages_job *job;
	int code = 0;

	for (job = jobs->first; job && !code; job = job->next)
		code = pages_job_hold(job, err);
	return code;
}

int rounds_look(struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	struct stats_clock clock = stats_clock_start();
	int code;

	code = run_step(dump->run, "dump.discover", err);
	if (!code)
		code = discover_briefly(dump, err);
	if (!code)
		code = run_step(dump->run, "dump.track", err);
	if (!code)
		code = track_look(dump, dump->track, err);
	if (!code)
		code = run_step(dump->run, "dump.memory", err);
	if (!code)
		code = memory_capture_round(dump, jobs, err);
	if (!code)
		shared_find(dump);
	if (!code)
		code = sources_hold(jobs, err);
	if (!code)
		code = run_step(dump->run, "dump.again", err);
	if (!code)
		code = track_again(dump, dump->track, err);
	stats_clock_add(&clock, &dump->run->stats.memdump_time);
	return code;
}

static int inventory_append(struct dump *dump, struct err *err)
{
	InventoryEntry entry = INVENTORY_ENTRY__INIT;

	entry.has_dump_uptime = true;
	entry.dump_uptime = dump->frozen_at;
	entry.has_pre_dump_mode = true;
	entry.pre_dump_mode = (uint32_t)dump->run->opt->pre_dump_mode;
	return image_append(
		dump->images, IMAGE_INVENTORY, 0, &entry.base, NULL, 0, err);
}

int rounds_store(struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	int code;

	jobs->running = true;
	code = shared_capture(dump, jobs, err);
	if (!code)
		code = pages_copy(dump, jobs, err);
	if (!code)
		code = inventory_append(dump, err);
	if (!code)
		code = run_step(dump->run, "dump.keep", err);
	return code ?: track_keep(dump, dump->track, err);
}
