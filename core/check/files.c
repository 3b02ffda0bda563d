/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes of open files and filesystems. */
#include "check/probes.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

/* TFD_IOC_SET_TICKS, 3.17 with CONFIG_CHECKPOINT_RESTORE */
#define TIMERFD_SET_TICKS _IOW('T', 0, uint64_t)

static bool fdinfo_has(int fd, const char *words)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return probe_file_has(path, words);
}

bool probe_mnt_id(void)
{
	_cleanup_fd_ int fd = open("/", O_PATH | O_CLOEXEC);

	return fd >= 0 && fdinfo_has(fd, "mnt_id:");
}

bool probe_timerfd(void)
{
	_cleanup_fd_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t ticks = 1;

	return fd >= 0 && fdinfo_has(fd, "clockid:") &&
	       !ioctl(fd, TIMERFD_SET_TICKS, &ticks);
}

bool probe_fdinfo_lock(void)
{
	_cleanup_fd_ int fd = memfd_create("check", MFD_CLOEXEC);

	return fd >= 0 && !flock(fd, LOCK_EX) && fdinfo_has(fd, "lock:");
}

bool probe_kcmp_epoll(void)
{
	_cleanup_fd_ int target = memfd_create("check", MFD_CLOEXEC);
	_cleanup_fd_ int poll = epoll_create1(EPOLL_CLOEXEC);
	_cleanup_fd_ int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	struct {
		uint32_t epoll, target, nth;
	} slot = {(uint32_t)poll, (uint32_t)timer, 0};

	if (target < 0 || poll < 0 || timer < 0)
		return false;
	return !epoll_ctl(poll, EPOLL_CTL_ADD, timer, &event) &&
	       !syscall(SYS_kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, timer,
		       &slot);
}

bool probe_tun(void)
{
	_cleanup_fd_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	unsigned int features;

	/* TUNGETFEATURES */
	return fd >= 0 && !ioctl(fd, _IOR('T', 207, unsigned int), &features);
}

bool probe_tun_ns(void)
{
	_cleanup_fd_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	_cleanup_fd_ int net = -1;

	if (fd >= 0)
		net = ioctl(fd, SIOCGSKNS);
	return net >= 0;
}

/* Mounts of a child, which vanish with it. */
static bool mounts_are_ours(void)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static bool autofs_shows_pipe(void)
{
	char options[100];
	int ends[2];

	if (!mounts_are_ours() || pipe(ends))
		return false;
	snprintf(options, sizeof(options),
		"fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", ends[1],
		getpgrp());
	return !mount("check", "/tmp", "autofs", 0, options) &&
	       probe_file_has("/proc/self/mountinfo", "pipe_ino=");
}

bool probe_autofs(void)
{
	return probe_in_child(autofs_shows_pipe);
}

/* A mapped file of an overlay is shown as the file that was opened. */
static bool overlay_maps_truly(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct stat opened, mapped;
	char path[80], *at;
	int fd;

	if (!mounts_are_ours() || mount("check", "/tmp", "tmpfs", 0, NULL) ||
		chdir("/tmp") || mkdir("l", 0700) || mkdir("u", 0700) ||
		mkdir("w", 0700) || mkdir("m", 0700) ||
		mount("check", "m", "overlay", 0,
			"lowerdir=l,upperdir=u,workdir=w"))
		return false;
	fd = open("m/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size) || fstat(fd, &opened))
		return false;
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return false;
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		(unsigned long)at, (unsigned long)(at + size));
	return !stat(path, &mapped) && mapped.st_dev == opened.st_dev &&
	       mapped.st_ino == opened.st_ino;
}

bool probe_overlayfs_maps(void)
{
	return probe_in_child(overlay_maps_truly);
}

bool probe_apparmor_stacking(void)
{
	return probe_file_has(
		"/sys/kernel/security/apparmor/features/domain/stack", "yes");
}
