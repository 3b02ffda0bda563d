/* SPDX-License-Identifier: MIT */
/*
 * global: the one set of options that belongs to the whole program, and the
 * descriptor that came last with a notification.
 *
 * This is all that the library remembers between calls; the interface, in
 * which criu_X() name no set, asks for it.
 */
#ifndef STASIS_CLIENT_GLOBAL_H
#define STASIS_CLIENT_GLOBAL_H

#include "options.h"

criu_opts *global_opts(void);
/* Keeps what criu_get_orphan_pts_master_fd is to return; -1: nothing. */
void global_pty_set(int fd);

#endif
