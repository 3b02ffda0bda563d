/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of unix sockets: paths, relative ones, abstract, deleted, moved; who
 * listens, was accepted, waits, and talks to whom. */
#include "checkpoint.h"
#include <sys/socket.h>
#include <sys/un.h>

static socklen_t address(struct sockaddr_un *ret, const char *name, size_t size)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, name, size);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static int named(int type, const char *name, size_t size)
{
	int fd = (int)CHECK_SYS(socket(AF_UNIX, type, 0));
	struct sockaddr_un to;
	socklen_t length = address(&to, name, size);

	CHECK_SYS(bind(fd, (struct sockaddr *)&to, length));
	return fd;
}

static int to_name(int type, const char *name, size_t size)
{
	int fd = (int)CHECK_SYS(socket(AF_UNIX, type, 0));
	struct sockaddr_un to;
	socklen_t length = address(&to, name, size);

	CHECK_SYS(connect(fd, (struct sockaddr *)&to, length));
	return fd;
}

static void name_is(int fd, bool peer, const char *name, size_t size)
{
	struct sockaddr_un is = {0};
	socklen_t length = sizeof(is);

	if (peer)
		CHECK_SYS(getpeername(fd, (struct sockaddr *)&is, &length));
	else
		CHECK_SYS(getsockname(fd, (struct sockaddr *)&is, &length));
	CHECK_INT(length, offsetof(struct sockaddr_un, sun_path) + size);
	CHECK(!memcmp(is.sun_path, name, size));
}

static void talk(int from, int to)
{
	char got[8] = "";

	CHECK_INT(write(from, "ping", 4), 4);
	CHECK_INT(recv(to, got, sizeof(got), MSG_DONTWAIT), 4);
	CHECK_STR(got, "ping");
}

/* Somebody new is let in, and heard. */
static void welcome(int host, int guest)
{
	talk(guest, (int)CHECK_SYS(accept(host, NULL, NULL)));
}

static void reads(int fd, const char *text)
{
	char got[16] = "";

	CHECK_INT(recv(fd, got, sizeof(got), MSG_DONTWAIT), strlen(text));
	CHECK_STR(got, text);
}

#define NAME(text) (text), sizeof(text)

static int host, client, accepted, waits, relative, gone, gone_client;
static int gone_accepted, moved, box, writer, abstract, abstract_client;
static int abstract_accepted, abstract_box, lone, ring[2];
static char path[100], name[PATH_MAX];
static size_t size;

static void streams_make(void)
{
	char dir[PATH_MAX];

	CHECK_SYS(chdir(checkpoint_path(dir, "")));
	snprintf(path, sizeof(path), "%.60s/host", checkpoint_dir);
	size = strlen(path) + 1;
	host = named(SOCK_STREAM, path, size);
	CHECK_SYS(chmod(path, 0640));
	CHECK_SYS(listen(host, 5));
	client = to_name(SOCK_STREAM, path, size);
	accepted = (int)CHECK_SYS(accept(host, NULL, NULL));
	CHECK_SYS(write(accepted, "early", 5));
	waits = to_name(SOCK_STREAM, path, size);
	relative = named(SOCK_DGRAM, NAME("relative"));
	gone = named(SOCK_SEQPACKET, NAME("gone"));
	CHECK_SYS(listen(gone, 1));
	gone_client = to_name(SOCK_SEQPACKET, NAME("gone"));
	gone_accepted = (int)CHECK_SYS(accept(gone, NULL, NULL));
	close(gone);
	CHECK_SYS(unlink("gone"));
}

static void others_make(void)
{
	struct sockaddr_un from;

	moved = named(SOCK_STREAM, NAME("before"));
	CHECK_SYS(listen(moved, 1));
	CHECK_SYS(rename("before", "behind"));
	box = named(SOCK_DGRAM, NAME("box"));
	writer = to_name(SOCK_DGRAM, NAME("box"));
	CHECK_SYS(write(writer, "letter", 6));
	snprintf(name, sizeof(name), "%cstasis-%d", 0, getpid());
	abstract = named(SOCK_STREAM, name, 12);
	CHECK_SYS(listen(abstract, 2));
	abstract_client = to_name(SOCK_STREAM, name, 12);
	abstract_accepted = (int)CHECK_SYS(accept(abstract, NULL, NULL));
	name[1] = 'b';
	abstract_box = named(SOCK_DGRAM, name, 12);
	CHECK_SYS(sendto(relative, "signed", 6, 0, (struct sockaddr *)&from,
		address(&from, name, 12)));
	lone = (int)CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
	/* A talks to B, which talks to nobody it hears. */
	CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM, 0, ring));
	CHECK_SYS(connect(ring[1], (struct sockaddr *)&from,
		address(&from, NAME("relative"))));
}

static void streams_check(void)
{
	struct stat stat;

	name_is(host, false, path, size);
	CHECK_SYS(lstat(path, &stat));
	CHECK(S_ISSOCK(stat.st_mode));
	CHECK_INT(stat.st_mode & 07777, 0640);
	name_is(client, true, path, size);
	name_is(accepted, false, path, size);
	reads(client, "early");
	talk(client, accepted);
	talk(accepted, client);
	close(accepted);
	accepted = (int)CHECK_SYS(accept(host, NULL, NULL));
	talk(waits, accepted);
	welcome(host, to_name(SOCK_STREAM, path, size));
}

static void others_check(void)
{
	struct sockaddr_un from;
	socklen_t length;

	name_is(relative, false, NAME("relative"));
	name_is(gone_accepted, false, NAME("gone"));
	name_is(gone_client, true, NAME("gone"));
	talk(gone_client, gone_accepted);
	CHECK(access("gone", F_OK) && errno == ENOENT);
	name_is(moved, false, NAME("before"));
	CHECK(access("before", F_OK) && errno == ENOENT);
	welcome(moved, to_name(SOCK_STREAM, NAME("behind")));
	reads(box, "letter");
	talk(writer, box);
	name[1] = 's';
	name_is(abstract_accepted, false, name, 12);
	talk(abstract_client, abstract_accepted);
	welcome(abstract, to_name(SOCK_STREAM, name, 12));
	length = sizeof(from);
	CHECK_INT(recvfrom(abstract_box, name, sizeof(name), MSG_DONTWAIT,
			  (struct sockaddr *)&from, &length),
		6);
	CHECK(!memcmp(name, "signed", 6));
	CHECK_STR(from.sun_path, "relative");
	CHECK(send(lone, "x", 1, MSG_NOSIGNAL) < 0 && errno == ENOTCONN);
	talk(ring[1], relative);
	CHECK(send(ring[0], "x", 1, MSG_NOSIGNAL) < 0);
}

int main(void)
{
	streams_make();
	others_make();
	checkpoint_here();
	streams_check();
	others_check();
	checkpoint_ok();
}
