/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keyring: the keys that a process has through its session (keyrings(7)). */
#ifndef STASIS_KERNEL_KEYRING_H
#define STASIS_KERNEL_KEYRING_H

#include "base/err.h"

/* On to a new and empty session keyring: whoever holds one may use what is in
 * it, whatever his ids, and children inherit it. No error where the kernel has
 * none or does not let us. */
int keyring_leave(struct err *err);

#endif
