/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command: what the compel program does, apart from main.
 *
 * Returns the exit status: 0, 1 (the file cannot be injected or written; one
 * sentence on complaints says why), 2 (wrong usage).
 */
#ifndef STASIS_COMPEL_COMMAND_H
#define STASIS_COMPEL_COMMAND_H

#include <stdio.h>

int command_run(int argc, char *const argv[], FILE *out, FILE *complaints);

#endif
