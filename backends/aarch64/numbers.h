/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numbers: the system call numbers of aarch64. */
#ifndef STASIS_AARCH64_NUMBERS_H
#define STASIS_AARCH64_NUMBERS_H

#include "calls.h"

extern const uint16_t calls_aarch64[CALL_COUNT];

#endif
