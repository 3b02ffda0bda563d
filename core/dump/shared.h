/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shared: memory objects that several mappings, tasks or fds see (memfd,
 * shared anonymous memory): their pages, once each.
 *
 * Kinds tell of them (kinds/file/lib/memory_object.h) while files and mappings
 * are captured; afterwards shared_capture lists their pages for copying. Who
 * writes to one need not be a victim, nor write through a mapping: so what the
 * parent of the images has of it is compared, and left there where it is equal.
 */
#ifndef STASIS_DUMP_SHARED_H
#define STASIS_DUMP_SHARED_H

#include "dump/pages.h"

int shared_capture(struct dump *dump, struct pages_jobs *jobs, struct err *err);

/* For a round: those of frozen victims are found and held open. What cannot be
 * opened is left to the last dump. */
void shared_find(struct dump *dump);
void shared_close(struct dump *dump);

#endif
