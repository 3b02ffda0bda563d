/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in flight over unix sockets arrive, also sockets in whose queues there
 * are files, and a socket that lies in its own queue. */
#include "checkpoint.h"
#include <sys/eventfd.h>
#include <sys/socket.h>

static void file_send(
	int over, const char *text, size_t size, const int *fds, size_t n)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = {0};
	struct iovec iov = {(void *)text, size};
	struct msghdr head = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&head);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	CHECK_INT(sendmsg(over, &head, 0), size);
}

static void file_receive(int over, const char *text, int *fds, size_t n)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = {0}, got[64] = "";
	struct iovec iov = {got, strlen(text)};
	struct msghdr head = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c;

	CHECK_INT(recvmsg(over, &head, MSG_DONTWAIT), strlen(text));
	CHECK_STR(got, text);
	c = CMSG_FIRSTHDR(&head);
	CHECK(c);
	CHECK_INT(c->cmsg_type, SCM_RIGHTS);
	CHECK_INT(c->cmsg_len, CMSG_LEN(n * sizeof(int)));
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
}

int main(void)
{
	int stream[2], packets[2], inner[2], circle[2], held[2], fds[3];
	int pipe_ends[2], event, file;
	char path[PATH_MAX], text[32] = "";
	eventfd_t value;

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM, 0, inner));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, circle));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, held));
	CHECK_SYS(pipe(pipe_ends));
	file = (int)CHECK_SYS(
		open(checkpoint_path(path, "file"), O_RDWR | O_CREAT, 0600));
	CHECK_SYS(write(file, "0123456789", 10));
	CHECK_SYS(lseek(file, 3, SEEK_SET));
	event = (int)CHECK_SYS(eventfd(42, 0));

	/* The pipe's ends are only here. */
	CHECK_SYS(write(pipe_ends[1], "inside", 6));
	file_send(packets[0], "two", 3, pipe_ends, 2);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	/* One that a task still has. */
	CHECK_SYS(write(stream[0], "before", 6));
	file_send(stream[0], "F", 1, &file, 1);
	CHECK_SYS(write(stream[0], "after", 5));
	/* A socket, with a file in its queue. */
	file_send(inner[0], "deep", 4, &event, 1);
	close(event);
	file_send(packets[0], "socket", 6, &inner[1], 1);
	close(inner[1]);
	/* A circle. */
	file_send(circle[0], "self", 4, &circle[1], 1);
	checkpoint_here();
	file_receive(packets[1], "two", fds, 2);
	CHECK_INT(read(fds[0], text, sizeof(text)), 6);
	CHECK(!memcmp(text, "inside", 6));
	CHECK_SYS(write(fds[1], "x", 1));
	CHECK_INT(read(fds[0], text, 1), 1);
	CHECK_INT(recv(stream[1], text, 6, MSG_DONTWAIT), 6);
	CHECK(!memcmp(text, "before", 6));
	file_receive(stream[1], "F", fds, 1);
	CHECK_INT(lseek(fds[0], 0, SEEK_CUR), 3);
	CHECK_SYS(lseek(fds[0], 7, SEEK_SET));
	CHECK_INT(lseek(file, 0, SEEK_CUR), 7);
	CHECK_INT(recv(stream[1], text, 6, MSG_DONTWAIT), 5);
	CHECK(!memcmp(text, "after", 5));
	file_receive(packets[1], "socket", fds, 1);
	file_receive(fds[0], "deep", &fds[1], 1);
	CHECK_SYS(eventfd_read(fds[1], &value));
	CHECK_INT(value, 42);
	CHECK_SYS(write(inner[0], "on", 2));
	CHECK_INT(read(fds[0], text, sizeof(text)), 2);
	file_receive(circle[1], "self", fds, 1);
	CHECK_SYS(write(circle[0], "y", 1));
	CHECK_INT(read(fds[0], text, 1), 1);
	checkpoint_ok();
}
