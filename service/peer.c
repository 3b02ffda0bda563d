/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "kernel/caps.h"
#include "kernel/keyring.h"
#include "kernel/pidfd.h"
#include "service/restraint.h"

#ifndef SO_PEERPIDFD /* 6.5 */
#define SO_PEERPIDFD 77
#endif

static int groups_read(int socket, struct arena *arena, struct run_owner *owner,
	struct err *err)
{
	socklen_t size = 0;
	gid_t *groups;

	if (!getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, NULL, &size))
		return 0; /* it has none */
	if (errno != ERANGE)
		return err_errno(err, "asking for the groups of the client");
	groups = arena_alloc(arena, size);
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return err_errno(err, "asking for the groups of the client");
	owner->groups = groups;
	owner->n_groups = size / sizeof(*groups);
	return 0;
}

int peer_read(
	int socket, struct arena *arena, struct peer *ret, struct err *err)
{
	struct peer peer = {.pidfd = -1};
	socklen_t size = sizeof(struct ucred);
	struct ucred cred;
	int code;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return err_errno(err, "asking who the client is");
	peer.pid = cred.pid;
	peer.owner.uid = cred.uid;
	peer.owner.gid = cred.gid;
	code = groups_read(socket, arena, &peer.owner, err);
	if (code)
		return code;
	size = sizeof(peer.pidfd);
	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &peer.pidfd, &size)) {
		peer.pidfd = -1;
		if (errno == ENOPROTOOPT && cred.pid > 0)
			pidfd_open_task(cred.pid, 0, &peer.pidfd, ERR_UNREAD);
	}
	*ret = peer;
	return 0;
}

void peer_close(struct peer *peer)
{
	fd_closep(&peer->pidfd);
	peer->pidfd = -1;
}

bool peer_lives(const struct peer *peer)
{
	struct pollfd poll_for = {.fd = peer->pidfd, .events = POLLIN};

	return peer->pidfd >= 0 && poll(&poll_for, 1, 0) == 0;
}

/* As long as it is unset anybody may choose it; only once for all that come
 * after. Kernels without audit have none. */
static int login_take(
	struct arena *arena, const struct peer *peer, struct err *err)
{
	const char *path = arena_printf(arena, "/proc/%d/loginuid", peer->pid);
	const char *own = "/proc/self/loginuid";
	char *his, *ours;
	int code = io_read_file(arena, AT_FDCWD, path, &his, NULL);

	if (code == -ENOENT)
		return 0;
	if (code)
		return err_code(err, code, "reading '%s'", path);
	io_write_text(AT_FDCWD, own, his);
	code = io_read_file(arena, AT_FDCWD, own, &ours, NULL);
	if (code)
		return err_code(err, code, "reading '%s'", own);
	if (!strcmp(his, ours))
		return 0;
	err_set(err, EPERM,
		"the service has the login %s, which does not let it take over "
		"%s, that of process %d",
		ours, his, peer->pid);
	return err_hint(err, "have the service started by init, which has no "
			     "login, or with CAP_AUDIT_CONTROL");
}

int peer_become(struct arena *arena, const struct peer *peer, struct err *err)
{
	const struct run_owner *who = &peer->owner;
	int code = restraint_take(arena, peer, err);

	if (code)
		return code;
	code = login_take(arena, peer, err);
	if (code)
		return code;
	if (setgroups(who->n_groups, who->groups) ||
		setresgid(who->gid, who->gid, who->gid) ||
		prctl(PR_SET_KEEPCAPS, 1) ||
		setresuid(who->uid, who->uid, who->uid) ||
		prctl(PR_SET_KEEPCAPS, 0))
		return err_errno(err, "becoming user %u", who->uid);
	code = caps_keep_only(1ull << CAP_CHECKPOINT_RESTORE, err);
	if (!code)
		code = keyring_leave(err);
	if (!code)
		code = restraint_take_limits(peer, err);
	if (!code && !peer_lives(peer))
		code = err_set(err, ESRCH,
			"the client has ended, or cannot be held by a pidfd");
	if (code)
		return code;
	/* The newborns of a restore must be traceable by us. The client has
	 * less capabilities than we, so it may not trace us for all that. */
	if (prctl(PR_SET_DUMPABLE, 1))
		return err_errno(err, "becoming user %u", who->uid);
	return 0;
}
