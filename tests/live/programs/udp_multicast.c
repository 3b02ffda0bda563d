/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multicast groups that UDP sockets joined still reach them, by source. */
#include "checkpoint.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char group[] = "239.7.7.7";
static struct sockaddr_in to = {.sin_family = AF_INET};

static struct sockaddr_storage ipv4(const char *text)
{
	struct sockaddr_storage ret = {.ss_family = AF_INET};

	inet_pton(AF_INET, text, &((struct sockaddr_in *)&ret)->sin_addr);
	return ret;
}

static int listener_new(void)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_port = to.sin_port};
	int fd = (int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0)), one = 1,
	    zero = 0;
	struct timeval wait = {.tv_sec = 2};
	socklen_t len = sizeof(any);

	CHECK_SYS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 4));
	CHECK_SYS(setsockopt(fd, SOL_IP, IP_MULTICAST_ALL, &zero, 4));
	CHECK_SYS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)));
	CHECK_SYS(bind(fd, (struct sockaddr *)&any, sizeof(any)));
	CHECK_SYS(getsockname(fd, (struct sockaddr *)&any, &len));
	to.sin_port = any.sin_port;
	return fd;
}

static void join(int fd, const char *source)
{
	struct group_source_req wish = {.gsr_interface = if_nametoindex("lo"),
		.gsr_group = ipv4(group)};
	struct group_req plain = {
		.gr_interface = wish.gsr_interface, .gr_group = wish.gsr_group};

	if (source) {
		wish.gsr_source = ipv4(source);
		CHECK_SYS(setsockopt(fd, SOL_IP, MCAST_JOIN_SOURCE_GROUP, &wish,
			sizeof(wish)));
	} else {
		CHECK_SYS(setsockopt(
			fd, SOL_IP, MCAST_JOIN_GROUP, &plain, sizeof(plain)));
	}
}

static int heard(int fd)
{
	char text[8] = "";

	return recv(fd, text, sizeof(text), 0) == 4;
}

int main(void)
{
	int sender = (int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
	int all = listener_new(), ours = listener_new(),
	    others = listener_new(), six, number = 0;
	struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
	struct ipv6_mreq all_of_six = {
		.ipv6mr_interface = if_nametoindex("lo")};
	socklen_t len = sizeof(number);

	inet_pton(AF_INET, group, &to.sin_addr);
	join(all, NULL);
	join(ours, "127.0.0.1");
	join(others, "127.0.0.99");
	CHECK_SYS(setsockopt(
		sender, SOL_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback)));
	six = socket(AF_INET6, SOCK_DGRAM, 0);
	inet_pton(AF_INET6, "ff12::7777", &all_of_six.ipv6mr_multiaddr);
	if (six >= 0) {
		CHECK_SYS(setsockopt(six, SOL_IPV6, IPV6_ADD_MEMBERSHIP,
			&all_of_six, sizeof(all_of_six)));
		CHECK_SYS(setsockopt(six, SOL_IPV6, IPV6_MULTICAST_IF,
			&all_of_six.ipv6mr_interface, 4));
	}
	checkpoint_here();
	CHECK_INT(sendto(sender, "ping", 4, 0, (struct sockaddr *)&to,
			  sizeof(to)),
		4);
	CHECK(heard(all));
	CHECK(heard(ours));
	CHECK(!heard(others));
	if (six >= 0) {
		CHECK_SYS(getsockopt(
			six, SOL_IPV6, IPV6_MULTICAST_IF, &number, &len));
		CHECK_INT(number, (int)all_of_six.ipv6mr_interface);
		/* What one is in one can leave. */
		CHECK_SYS(setsockopt(six, SOL_IPV6, IPV6_DROP_MEMBERSHIP,
			&all_of_six, sizeof(all_of_six)));
	}
	checkpoint_ok();
}
