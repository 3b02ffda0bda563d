/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/socket_peer.h"

#include <sys/socket.h>
#include <unistd.h>

bool socket_peer_is_ours(int fd, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	*ret_uid = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	*ret_uid = peer.uid;
	return !peer.uid || peer.uid == geteuid();
}
