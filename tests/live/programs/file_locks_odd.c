/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks on what is no regular file, of processes that share their fds, and a
 * lease for writing, with a wait for a lock that is held on. */
/* options: --file-locks */
#include "checkpoint.h"

#include <sys/file.h>

static int shared_table, memfd;

static int table_peer(void *arg)
{
	(void)arg;
	peer_up(0);
	checkpoint_wait_go();
	checkpoint_wait("done");
	_exit(0);
}

static pid_t table_share(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	return (pid_t)CHECK_SYS(clone(table_peer, stack + sizeof(stack),
		CLONE_FILES | SIGCHLD, NULL));
}

/* Waits in the kernel until the parent gives its lock back. */
static void waiter(int number)
{
	struct flock flock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct flock own = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 9};
	char path[PATH_MAX];
	int fd = (int)CHECK_SYS(open(checkpoint_path(path, "table"), O_RDWR));

	/* Of an open file that the parent has, too. */
	CHECK_SYS(fcntl(memfd, F_SETLK, &own));
	peer_up(number);
	CHECK_SYS(fcntl(fd, F_SETLKW, &flock));
	if (!checkpoint_seen("given"))
		FAIL("it was taken before it was given back");
}

static bool is_flocked(int fd)
{
	char link[32];
	int other;
	bool is;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	other = (int)CHECK_SYS(open(link, O_RDWR | O_NONBLOCK));
	is = flock(other, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(other);
	return is;
}

static void given_back(pid_t peer, pid_t waits)
{
	struct flock flock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	checkpoint_mark("given");
	CHECK_SYS(fcntl(shared_table, F_SETLK, &flock));
	child_join(waits);
	checkpoint_mark("done");
	child_join(peer);
}

int main(void)
{
	struct flock flocks = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int pipes[2], folder, leased;
	pid_t peer, waits;
	char path[PATH_MAX];
	void *map;

	memfd = (int)CHECK_SYS(memfd_create("locked", 0));
	CHECK_SYS(pipe(pipes));
	folder = (int)CHECK_SYS(
		open(checkpoint_path(path, "."), O_RDONLY | O_DIRECTORY));
	CHECK_SYS(flock(folder, LOCK_SH));
	CHECK_SYS(flock(memfd, LOCK_EX));
	CHECK_SYS(flock(pipes[1], LOCK_EX));
	shared_table = (int)CHECK_SYS(
		open(checkpoint_path(path, "table"), O_RDWR | O_CREAT, 0600));
	CHECK_SYS(ftruncate(shared_table, 4096));
	map = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		shared_table, 0));
	CHECK_SYS(fcntl(shared_table, F_SETLK, &flocks));
	waits = child_start(waiter, 1);
	peer = table_share();
	leased = (int)CHECK_SYS(
		open(checkpoint_path(path, "w"), O_RDWR | O_CREAT, 0600));
	if (fcntl(leased, F_SETLEASE, F_WRLCK))
		checkpoint_skip("this file system has no such leases");
	peers_wait(2);

	checkpoint_here();
	CHECK_INT(fcntl(leased, F_GETLEASE), F_WRLCK);
	CHECK(is_flocked(memfd));
	CHECK(is_flocked(pipes[1]));
	CHECK(flock((int)CHECK_SYS(open(checkpoint_path(path, "."),
			    O_RDONLY | O_DIRECTORY)),
		      LOCK_EX | LOCK_NB) < 0);
	memset(map, 1, 4096);
	CHECK_SYS(fcntl(memfd, F_GETLK, &flocks));
	CHECK_INT(flocks.l_pid, waits);
	CHECK_INT(flocks.l_len, 9);
	given_back(peer, waits);
	checkpoint_ok();
}
