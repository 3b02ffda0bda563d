/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: the option table as people read it. */
#ifndef STASIS_OPTIONS_HELP_H
#define STASIS_OPTIONS_HELP_H

#include <stdio.h>

#include "options/options.h"

/* All verbs and options, or (verb not VERB_NONE) those of one verb. */
void help_print(FILE *out, enum verb verb);
void help_print_version(FILE *out);

#endif
