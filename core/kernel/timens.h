/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timens: what /proc/PID/timens_offsets says (5.6). Pure. */
#ifndef STASIS_KERNEL_TIMENS_H
#define STASIS_KERNEL_TIMENS_H

#include <stdint.h>

/* The kernel sets no clock of a namespace beyond it (KTIME_SEC_MAX / 2): so
 * neither offsets nor moments leave an int64_t, nor does the sum of both. */
#define TIMENS_SECONDS_MAX INT64_C(4611686000)

/* Nanoseconds that the time namespace adds to a clock, "monotonic" or
 * "boottime"; 0 when the text does not name it. May be negative. */
int64_t timens_offset_parse(const char *text, const char *clock);

#endif
