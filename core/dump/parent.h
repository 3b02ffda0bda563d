/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parent: the image set that a round builds upon (--prev-images-dir), and
 * which pages of whom are in it or in its own parents.
 *
 * It is opened before anything is frozen: its maps are verified and resolved
 * through the whole chain, its pages only looked at for their size (who
 * restores verifies them). Valid as long as the dump's image set.
 */
#ifndef STASIS_DUMP_PARENT_H
#define STASIS_DUMP_PARENT_H

#include "base/index.h"
#include "model/dump.h"
#include "pages/source.h"

struct parent {
	const char *path; /* as it was named */
	int dir;
	struct image_set *set;
	struct index tasks, objects; /* struct source, by pid and by shmid */
	bool remote; /* its pages are where the page server is */
	bool has_uptime;
	uint64_t uptime_us; /* after boot, when it was written */
	bool passed;	    /* see IMAGE_PASSED_NAME */
	bool other_boot;    /* it was written before this host was booted */
};

/* *ret NULL: none was asked for. One clear error for each way in which it can
 * be no parent of this dump. */
int parent_open(struct dump *dump, struct parent **ret, struct err *err);
void parent_close(struct parent *parent); /* NULL is fine */

/* Was a process there then, and is it the same? start_time: as in proc_stat. */
bool parent_knows(const struct parent *parent, uint64_t start_time);
/* Pages of a task; NULL: it has none there. */
const struct source *parent_task(const struct parent *parent, pid_t pid);
const struct source *parent_object(const struct parent *parent, uint32_t shmid);

/* Its dirty marks are about to be taken back. */
int parent_pass(const struct parent *parent, struct err *err);

/* Microseconds since boot. */
uint64_t parent_uptime(void);

#endif
