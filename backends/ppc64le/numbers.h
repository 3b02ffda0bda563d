/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numbers: the system call numbers of ppc64le. */
#ifndef STASIS_PPC64LE_NUMBERS_H
#define STASIS_PPC64LE_NUMBERS_H

#include "calls.h"

extern const uint16_t calls_ppc64le[CALL_COUNT];

#endif
