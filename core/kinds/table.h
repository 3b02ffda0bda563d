/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: every kind by name, for kinds.c alone (and for tests of one kind).
 */
#ifndef STASIS_KINDS_TABLE_H
#define STASIS_KINDS_TABLE_H

#include "model/kind.h"

/* Tasks. */
extern const struct kind kind_sigactions;
extern const struct kind kind_rlimits;

/* Threads. */
extern const struct kind kind_altstack;
extern const struct kind kind_tid_address;
extern const struct kind kind_robust_list;
extern const struct kind kind_rseq;
extern const struct kind kind_sched;
extern const struct kind kind_comm;
extern const struct kind kind_creds;

#endif
