/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print: an inspection as text for people or JSON for programs. */
#ifndef STASIS_INSPECT_PRINT_H
#define STASIS_INSPECT_PRINT_H

#include <stdio.h>

#include "inspect/gather.h"

void inspection_print_text(const struct inspection *in, FILE *out);
void inspection_print_json(const struct inspection *in, FILE *out);

#endif
