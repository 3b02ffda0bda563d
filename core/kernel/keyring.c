/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int keyring_leave(struct err *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
		errno != ENOSYS && errno != EPERM)
		return err_errno(err, "leaving the session keyring");
	return 0;
}
