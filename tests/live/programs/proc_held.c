/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of /proc about itself, its threads, its child and its parent. */
#include "checkpoint.h"

#include <dirent.h>
#include <sys/epoll.h>

static volatile int word = 0x1234;
static volatile pid_t tid;

static void *thread_run(void *unused)
{
	(void)unused;
	tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

static int file_open(int flags, const char *format, int number)
{
	char path[64];

	snprintf(path, sizeof(path), format, number);
	return (int)CHECK_SYS(open(path, flags));
}

/* It begins with its number. */
static void stat_check(int fd, pid_t pid)
{
	char text[64] = "";

	CHECK(CHECK_SYS(pread(fd, text, sizeof(text) - 1, 0)) > 0);
	CHECK_INT(atoi(text), pid);
}

static void link_check(int fd, const char *format, int pid)
{
	char link[64], wanted[64], got[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(wanted, sizeof(wanted), format, pid);
	CHECK_SYS(readlink(link, got, sizeof(got) - 1));
	CHECK_STR(got, wanted);
}

static void child_run(pid_t parent)
{
	int fd = file_open(O_RDONLY | O_CLOEXEC, "/proc/%d/stat", parent);

	CHECK_SYS(lseek(fd, 2, SEEK_SET));
	peer_up(0);
	checkpoint_wait_go();
	CHECK_INT(lseek(fd, 0, SEEK_CUR), 2);
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	stat_check(fd, parent);
	pause();
}

static bool folder_has(int fd, int number)
{
	DIR *folder = fdopendir(dup(fd));
	struct dirent *entry;
	bool found = false;

	rewinddir(folder);
	while ((entry = readdir(folder)))
		found = found || (entry->d_name[0] != '.' &&
					 atoi(entry->d_name) == number);
	closedir(folder);
	return found;
}

int main(void)
{
	int maps, memory, folder, own, own_dup, of_child, init, path, host, set;
	struct epoll_event event = {.events = EPOLLPRI, .data.u64 = 7};
	pid_t parent = getpid(), child;
	char before[200], now[200] = "";
	pthread_t thread;
	int mounts, value = 0x4321;

	child = fork();
	if (!child)
		child_run(parent);
	maps = file_open(O_RDONLY, "/proc/self/maps", 0);
	CHECK_INT(read(maps, before, 100), 100);
	CHECK_INT(pread(maps, before, 150, 100), 150);
	memory = file_open(O_RDWR | O_CLOEXEC, "/proc/self/mem", 0);
	folder = file_open(O_RDONLY | O_DIRECTORY, "/proc/self/fd", 0);
	path = file_open(O_PATH, "/proc/self/status", 0);
	host = file_open(O_RDONLY, "/proc/meminfo", 0);
	mounts = file_open(O_RDONLY, "/proc/self/mountinfo", 0);
	set = (int)CHECK_SYS(epoll_create1(0));
	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_ADD, mounts, &event));
	CHECK(!pthread_create(&thread, NULL, thread_run, NULL));
	while (!tid)
		usleep(1000);
	own = file_open(O_RDONLY, "/proc/self/task/%d/stat", tid);
	own_dup = (int)CHECK_SYS(fcntl(own, F_DUPFD_CLOEXEC, 70));
	of_child = file_open(O_RDONLY, "/proc/%d/stat", child);
	init = file_open(O_RDONLY, "/proc/1/status", 0);
	peers_wait(1);
	checkpoint_here();
	link_check(maps, "/proc/%d/maps", parent);
	CHECK_INT(lseek(maps, 0, SEEK_CUR), 100);
	CHECK_INT(pread(maps, now, 150, 100), 150);
	CHECK(memcmp(before, now, 150) == 0);
	CHECK_INT(pread(memory, &value, sizeof(value), (off_t)&word), 4);
	CHECK_INT(value, 0x1234);
	value = 0x5678;
	CHECK_INT(pwrite(memory, &value, sizeof(value), (off_t)&word), 4);
	CHECK_INT(word, 0x5678);
	CHECK(folder_has(folder, maps) && folder_has(folder, own_dup));
	link_check(path, "/proc/%d/status", parent);
	CHECK(pread(host, now, sizeof(now), 0) > 0);
	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_MOD, mounts, &event));
	stat_check(own, tid);
	CHECK_INT(fcntl(own, F_GETFD), 0);
	CHECK_SYS(lseek(own, 3, SEEK_SET));
	CHECK_INT(lseek(own_dup, 0, SEEK_CUR), 3);
	CHECK_INT(fcntl(own_dup, F_GETFD), FD_CLOEXEC);
	stat_check(of_child, child);
	link_check(init, "/proc/1/status", 0);
	kill(child, SIGKILL);
	checkpoint_ok();
}
