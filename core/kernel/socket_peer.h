/* SPDX-License-Identifier: GPL-2.0-or-later */
/* socket_peer: who is at the other end of a unix socket (unix(7)). */
#ifndef STASIS_KERNEL_SOCKET_PEER_H
#define STASIS_KERNEL_SOCKET_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Root, or our own user: of one who listens, as he was when he began to. Of
 * another, and where nobody knows (-1), *ret_uid says whose it is. */
bool socket_peer_is_ours(int fd, uid_t *ret_uid);

#endif
