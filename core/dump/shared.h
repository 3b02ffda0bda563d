/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shared: memory objects that several mappings, tasks or fds see (memfd,
 * shared anonymous memory): their pages, once each.
 *
 * Kinds tell of them (memory_object_tell) while files and mappings are
 * captured; afterwards shared_capture lists their pages for copying.
 */
#ifndef STASIS_DUMP_SHARED_H
#define STASIS_DUMP_SHARED_H

#include "dump/pages.h"

int shared_capture(struct dump *dump, struct pages_jobs *jobs, struct err *err);

#endif
