/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numbers: the system call numbers of x86_64. */
#ifndef STASIS_X86_64_NUMBERS_H
#define STASIS_X86_64_NUMBERS_H

#include "calls.h"

extern const uint16_t calls_x86_64[CALL_COUNT];

#endif
