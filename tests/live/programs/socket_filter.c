/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A classic filter of a socket goes on to drop what it dropped. */
#include "checkpoint.h"
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Behind the header of UDP: the first byte must be 'a'. */
static struct sock_filter filter[] = {
	{BPF_LD | BPF_B | BPF_ABS, 0, 0, 8},
	{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'a'},
	{BPF_RET | BPF_K, 0, 0, 0x40000},
	{BPF_RET | BPF_K, 0, 0, 0},
};

static void say(int from, const char *text, const struct sockaddr_in *to)
{
	CHECK_INT(sendto(from, text, strlen(text), 0, (struct sockaddr *)to,
			  sizeof(*to)),
		(ssize_t)strlen(text));
}

/* Loopback delivers before send returns, in order. */
static void filter_check(int fd, int from, const struct sockaddr_in *address)
{
	char got[16] = "";

	say(from, "bad", address);
	say(from, "able", address);
	CHECK_INT(recv(fd, got, sizeof(got), 0), 4);
	CHECK_STR(got, "able");
	CHECK(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

int main(void)
{
	struct sock_fprog program = {COUNT_OF(filter), filter};
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = (int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
	int from = (int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_SYS(bind(fd, (struct sockaddr *)&address, size));
	CHECK_SYS(getsockname(fd, (struct sockaddr *)&address, &size));
	CHECK_SYS(setsockopt(
		fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	filter_check(fd, from, &address);
	checkpoint_here();
	filter_check(fd, from, &address);
	checkpoint_ok();
}
