/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine: the registers of a stored thread by the numbers that debuggers
 * give them (DWARF), for the machines that are unwound.
 */
#ifndef STASIS_INSPECT_MACHINE_H
#define STASIS_INSPECT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/unwind.h"
#include "proto/core.pb-c.h"

/* "x86_64"; "unknown" for what the format may know one day. */
const char *machine_name(const CoreEntry *core);

/* pc and sp; false where this program does not know the machine. */
bool machine_pc_sp(const CoreEntry *core, uint64_t *ret_pc, uint64_t *ret_sp);

/* A general register; false if there is none of that number. */
bool machine_reg(const CoreEntry *core, unsigned number, uint64_t *ret_value);

/* NULL: not known. */
const struct unwind_chain *machine_chain(const CoreEntry *core);

#endif
