/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a unix socket, and whose the messages are that
 * wait in it (SO_PEERCRED, SCM_CREDENTIALS). */
#include "checkpoint.h"
#include <sys/socket.h>
#include <sys/un.h>

enum { USER = 12345, GROUP = 23456 };

static struct sockaddr_un host_name;
static int over[2];

static void child(int number)
{
	int fd = (int)CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));

	if (geteuid() == 0) {
		CHECK_SYS(setresgid(GROUP, GROUP, GROUP));
		CHECK_SYS(setresuid(USER, USER, USER));
	}
	CHECK_SYS(
		connect(fd, (struct sockaddr *)&host_name, sizeof(host_name)));
	CHECK_INT(send(over[0], "mine", 4, 0), 4);
	peer_up(number);
	checkpoint_wait_go();
}

static struct ucred peer_of(int fd)
{
	struct ucred cred = {0};
	socklen_t size = sizeof(cred);

	CHECK_SYS(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size));
	return cred;
}

static struct ucred sender_of(int fd)
{
	char control[CMSG_SPACE(sizeof(struct ucred))], text[8];
	struct iovec iov = {text, sizeof(text)};
	struct msghdr head = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct ucred cred;

	CHECK_INT(recvmsg(fd, &head, MSG_DONTWAIT), 4);
	CHECK_INT(CMSG_FIRSTHDR(&head)->cmsg_type, SCM_CREDENTIALS);
	memcpy(&cred, CMSG_DATA(CMSG_FIRSTHDR(&head)), sizeof(cred));
	return cred;
}

int main(void)
{
	int host = (int)CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
	int pair[2], accepted, one = 1;
	struct ucred cred;
	uid_t user;
	pid_t pid;

	host_name.sun_family = AF_UNIX;
	snprintf(host_name.sun_path + 1, 60, "stasis-creds-%d", getpid());
	CHECK_SYS(bind(host, (struct sockaddr *)&host_name, sizeof(host_name)));
	CHECK_SYS(listen(host, 3));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM, 0, over));
	CHECK_SYS(setsockopt(
		over[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	user = geteuid() ? geteuid() : USER;
	pid = child_start(child, 0);
	peers_wait(1);
	accepted = (int)CHECK_SYS(accept(host, NULL, NULL));
	checkpoint_here();
	cred = peer_of(accepted);
	CHECK_INT(cred.pid, pid);
	CHECK_INT(cred.uid, user);
	cred = peer_of(pair[0]);
	CHECK_INT(cred.pid, getpid());
	CHECK_INT(cred.uid, geteuid());
	cred = sender_of(over[1]);
	CHECK_INT(cred.pid, pid);
	CHECK_INT(cred.uid, user);
	child_join(pid);
	checkpoint_ok();
}
