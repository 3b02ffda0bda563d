/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory: the address spaces of all victims: areas, and which pages of them
 * must be stored.
 *
 * Zero pages and pages that are still as in their file are not stored. The
 * pages themselves are copied later (dump/pages.h), from the lists made here.
 */
#ifndef STASIS_DUMP_MEMORY_H
#define STASIS_DUMP_MEMORY_H

#include "dump/pages.h"
#include "model/dump.h"

/* Writes mm and pagemap images; appends the copying that is to be done. What
 * the parent has and was not written since (dump->track) is left there. */
int memory_capture(struct dump *dump, struct pages_jobs *jobs, struct err *err);

/* For a round whose victims go on: pagemaps alone, and nothing is refused.
 * What the last dump stores as a whole in any case is left out. */
int memory_capture_round(
	struct dump *dump, struct pages_jobs *jobs, struct err *err);

#endif
