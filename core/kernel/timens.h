/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timens: what /proc/PID/timens_offsets says (5.6). Pure. */
#ifndef STASIS_KERNEL_TIMENS_H
#define STASIS_KERNEL_TIMENS_H

#include <stdint.h>

/* Nanoseconds that the time namespace adds to a clock, "monotonic" or
 * "boottime"; 0 when the text does not name it. May be negative. */
int64_t timens_offset_parse(const char *text, const char *clock);

#endif
