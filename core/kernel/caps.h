/* SPDX-License-Identifier: GPL-2.0-or-later */
/* caps: which capabilities this process has in effect. */
#ifndef STASIS_KERNEL_CAPS_H
#define STASIS_KERNEL_CAPS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Bit CAP_x of each set. */
struct caps {
	uint64_t effective, permitted, inheritable;
};

int caps_read(struct caps *ret, struct err *err);
/* Gives up what is not in keep; the rest is permitted and effective, nothing
 * inheritable or ambient. */
int caps_keep_only(uint64_t keep, struct err *err);
/* Asks the kernel each time; false when in doubt. */
bool caps_have(int cap);
/* "CAP_SYS_ADMIN"; "an unknown capability" for what this build knows not. */
const char *caps_name(int cap);

#endif
