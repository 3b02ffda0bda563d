/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump: the walk from running tasks to images.
 *
 * freeze, discover, interview, capture, pages, commit, depart. Before the
 * commit any failure leaves the tasks running as they were and the image
 * directory as it was; after it the images are whole, and the tasks are
 * killed, stopped or let go, as asked.
 */
#ifndef STASIS_DUMP_DUMP_H
#define STASIS_DUMP_DUMP_H

#include "model/run.h"

/* Dumps the tree of run->opt->tree into run->images_dir. */
int dump_run(struct run *run, struct err *err);

#endif
