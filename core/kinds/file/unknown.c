/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unknown: what people call the files that no kind claims. */
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "kinds/file/lib/path.h"
#include "kinds/kinds.h"

struct name {
	const char *begin; /* of the link's target */
	const char *words;
};

static const struct name link_names[] = {
	{"anon_inode:inotify", "an inotify instance"},
	{"anon_inode:[fanotify]", "a fanotify group"},
	{"anon_inode:[io_uring]", "an io_uring"},
	{"anon_inode:[perf_event]", "a performance counter"},
	{"anon_inode:[userfaultfd]", "a userfaultfd"},
	{"anon_inode:[pidfd]", "a pidfd"},
	{"anon_inode:[eventpoll]", "an epoll instance"},
	{"anon_inode:[eventfd]", "an eventfd"},
	{"anon_inode:[signalfd]", "a signalfd"},
	{"anon_inode:[timerfd]", "a timerfd"},
	{"anon_inode:[fscontext]", "a mount that is being set up"},
	{"anon_inode:seccomp notify", "a seccomp listener"},
	{"anon_inode:[landlock-ruleset]", "a Landlock rule set"},
	{"anon_inode:bpf", "a BPF object"},
	{"anon_inode:btf", "a BPF object"},
	{"anon_inode:kvm", "a virtual machine"},
	{"anon_inode:sync_file", "a fence of a graphics device"},
	{"anon_inode:[vfio", "a device given to user space"},
	{"anon_inode:", "a nameless object of the kernel"},
	{"pidfd:[", "a pidfd"},
	{"net:[", "a network namespace"},
	{"mnt:[", "a mount namespace"},
	{"pid:[", "a pid namespace"},
	{"pid_for_children:[", "a pid namespace"},
	{"ipc:[", "an IPC namespace"},
	{"uts:[", "a UTS namespace"},
	{"user:[", "a user namespace"},
	{"time:[", "a time namespace"},
	{"time_for_children:[", "a time namespace"},
	{"cgroup:[", "a cgroup namespace"},
	{"mqueue:", "a message queue"},
	{"/SYSV", "a System V shared memory segment"},
	{"/[aio]", "the ring of an asynchronous I/O context"},
	{"/secretmem", "secret memory"},
	{"/dmabuf:", "a buffer of a device"},
	{"/anon_hugepage", "shared memory of huge pages"},
	{"/drm mm object", "a buffer of a graphics device"},
	{"/i915", "a buffer of a graphics device"},
};

static const struct {
	int family;
	const char *words;
} family_names[] = {
	{AF_UNIX, "a unix socket"},
	{AF_NETLINK, "a netlink socket"},
	{AF_PACKET, "a packet socket"},
	{AF_VSOCK, "a vsock socket"},
	{AF_ALG, "a socket of the kernel's crypto"},
	{AF_BLUETOOTH, "a Bluetooth socket"},
	{AF_CAN, "a CAN socket"},
	{AF_TIPC, "a TIPC socket"},
	{AF_RDS, "an RDS socket"},
	{AF_XDP, "an XDP socket"},
	{AF_SMC, "an SMC socket"},
};

static const struct {
	unsigned first, last; /* majors */
	const char *words;
} device_names[] = {
	{1, 1, "a memory device"},
	{4, 4, "a terminal"},
	{13, 13, "an input device"},
	{116, 116, "a sound device"},
	{128, 135, "the master side of a terminal"},
	{136, 143, "a terminal"},
	{188, 188, "a serial line"},
	{195, 195, "an NVIDIA device"},
	{226, 226, "a graphics device"},
};

static const struct {
	unsigned minor;
	const char *words;
} small_device_names[] = {
	{144, "the non-volatile memory"},
	{130, "a watchdog"},
	{200, "a tun device"},
	{229, "the connection of a FUSE file system"},
	{232, "the virtual machine device"},
	{238, "a vhost device"},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *inet_name(int fd)
{
	int type = 0, protocol = 0;
	socklen_t size = sizeof(int);

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
	if (type == SOCK_RAW)
		return "a raw socket";
	switch (protocol) {
	case IPPROTO_TCP:
		return "a TCP socket";
	case IPPROTO_UDP:
		return "a UDP socket";
	case IPPROTO_UDPLITE:
		return "a UDP-Lite socket";
	case IPPROTO_SCTP:
		return "an SCTP socket";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "a ping socket";
	case IPPROTO_MPTCP:
		return "a multipath TCP socket";
	}
	return "an internet socket";
}

static const char *socket_name(int fd)
{
	socklen_t size = sizeof(int);
	int family = -1;

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
	if (family == AF_INET || family == AF_INET6)
		return inet_name(fd);
	for (size_t i = 0; i < COUNT(family_names); i++)
		if (family_names[i].family == family)
			return family_names[i].words;
	return "a socket of a family that is not supported";
}

static const char *device_name(dev_t dev)
{
	unsigned number = major(dev);

	if (number == 5)
		return minor(dev) == 2 ? "the master side of a terminal"
				       : "a terminal";
	for (size_t i = 0; i < COUNT(small_device_names); i++)
		if (number == 10 && small_device_names[i].minor == minor(dev))
			return small_device_names[i].words;
	for (size_t i = 0; i < COUNT(device_names); i++)
		if (number >= device_names[i].first &&
			number <= device_names[i].last)
			return device_names[i].words;
	return "a character device";
}

const char *kind_unknown_name(const struct sighting *sighting)
{
	const char *target = sighting->target;

	if (S_ISSOCK(sighting->stat.st_mode))
		return socket_name(sighting->fd);
	for (size_t i = 0; i < COUNT(link_names); i++)
		if (strncmp(target, link_names[i].begin,
			    strlen(link_names[i].begin)) == 0)
			return link_names[i].words;
	if (S_ISCHR(sighting->stat.st_mode))
		return device_name(sighting->stat.st_rdev);
	if (S_ISBLK(sighting->stat.st_mode))
		return "a block device";
	if (S_ISFIFO(sighting->stat.st_mode))
		return "a FIFO";
	if (path_is_special(sighting))
		return path_is_special(sighting);
	return "a file of a sort that is not supported";
}
