/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "./criu_service.socket"
#define DEFAULT_BINARY "criu"
/* Tried when no other is named and the first is not installed. */
#define SECOND_BINARY "stasis"

static int socket_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, saved;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Runs between fork and exec, maybe in a program with threads: nothing here
 * may allocate or lock. */
static void worker_exec(const char *binary, int fd, const char *number)
{
	unsigned char why;

	if (fcntl(fd, F_SETFD, 0) == 0) {
		execlp(binary ?: DEFAULT_BINARY, binary ?: DEFAULT_BINARY,
			"swrk", number, (char *)NULL);
		if (!binary && errno == ENOENT)
			execlp(SECOND_BINARY, SECOND_BINARY, "swrk", number,
				(char *)NULL);
	}
	why = errno;
	send(fd, &why, sizeof(why), MSG_NOSIGNAL);
	_exit(127);
}

/* In the child: the worker becomes a child of init, in a session of its own,
 * so that a dump of our whole tree does not find it. */
static void worker_detach(void)
{
	pid_t pid;

	setsid();
	pid = fork();
	if (pid)
		_exit(pid < 0);
}

static void worker_wait(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int worker_start(
	struct connection *connection, const char *binary, bool detached)
{
	char number[16];
	int pair[2], saved;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	snprintf(number, sizeof(number), "%d", pair[1]);
	pid = fork();
	if (pid == 0) {
		if (detached)
			worker_detach();
		worker_exec(binary, pair[1], number);
	}
	saved = errno;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		errno = saved;
		return -1;
	}
	if (detached)
		worker_wait(pid);
	else
		connection->worker = pid;
	connection->fd = pair[0];
	connection->started = true;
	return 0;
}

int connection_open(struct connection *ret_connection,
	struct client_service *service, bool detached)
{
	struct connection connection = {.fd = -1};

	switch (service->comm) {
	case CRIU_COMM_SK:
		connection.fd =
			socket_connect(service->address ?: DEFAULT_ADDRESS);
		if (connection.fd < 0)
			return -ECONNREFUSED;
		break;
	case CRIU_COMM_FD:
		if (service->fd < 0) {
			errno = EBADF;
			return -ECONNREFUSED;
		}
		connection.fd = service->fd;
		service->fd = -1;
		break;
	case CRIU_COMM_BIN:
		if (worker_start(&connection, service->binary, detached))
			return -ECONNREFUSED;
		break;
	}
	*ret_connection = connection;
	return 0;
}

void connection_close(struct connection *connection)
{
	int saved = errno;

	close(connection->fd);
	if (connection->worker)
		worker_wait(connection->worker);
	errno = saved;
}
