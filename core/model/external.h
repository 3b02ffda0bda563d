/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * external: what the options call external: files that somebody outside of
 * the tree will give back at restore.
 */
#ifndef STASIS_MODEL_EXTERNAL_H
#define STASIS_MODEL_EXTERNAL_H

#include "model/dump.h"

/* Is that name, "pipe:[42]", one of --external? Such a file need not be made
 * again; without a way of its own to say so in its message it is marked. */
bool dump_external(struct dump *dump, const char *name);
/* Marks it: its id is then in dump->outside. */
void dump_outside(struct dump *dump, uint32_t id);

/* Logs which of the options have met nothing. */
void external_tell_unused(struct dump *dump);

#endif
