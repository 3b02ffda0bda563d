/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * external: what the options call external: files that somebody outside of
 * the tree will give back at restore. Kinds ask by dump_external (model/
 * dump.h); what it has marked is found in dump->outside.
 */
#ifndef STASIS_DUMP_EXTERNAL_H
#define STASIS_DUMP_EXTERNAL_H

#include "model/dump.h"

/* Logs which of the options have met nothing. */
void external_tell_unused(struct dump *dump);

#endif
