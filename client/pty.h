/* SPDX-License-Identifier: MIT */
/*
 * pty: the terminal that came last with a notification, which the interface
 * asks for without saying of which request.
 */
#ifndef STASIS_CLIENT_PTY_H
#define STASIS_CLIENT_PTY_H

/* Keeps what criu_get_orphan_pts_master_fd is to return; -1: nothing. */
void pty_set(int fd);

#endif
