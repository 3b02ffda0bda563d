/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks of flock, of fcntl (a process's and an open file's) and leases are held
 * by who held them, and by nobody else. */
/* options: --file-locks */
#include "checkpoint.h"

#include <sys/file.h>

enum { MANY = 300 };

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len};
}

static int make(const char *name)
{
	char path[PATH_MAX];

	return (int)CHECK_SYS(
		open(checkpoint_path(path, name), O_RDWR | O_CREAT, 0600));
}

static int again(const char *name, int flags)
{
	char path[PATH_MAX];

	return (int)CHECK_SYS(open(checkpoint_path(path, name), flags));
}

static void take(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock flock = range(type, start, len);

	CHECK_SYS(fcntl(fd, cmd, &flock));
}

/* What stands in the way of a lock for writing there. */
static void held(int fd, int cmd, off_t start, off_t len, short type, pid_t pid,
	off_t from, off_t to)
{
	struct flock flock = range(F_WRLCK, start, len);

	CHECK_SYS(fcntl(fd, cmd, &flock));
	CHECK_INT(flock.l_type, type);
	if (type == F_UNLCK)
		return;
	CHECK_INT(flock.l_pid, pid);
	CHECK_INT(flock.l_start, from);
	CHECK_INT(flock.l_len, to);
}

static int posix_fd;

static void child(int number)
{
	take(again("posix", O_RDWR), F_SETLK, F_WRLCK, 30, 10);
	peer_up(number);
	checkpoint_wait_go();
	checkpoint_wait("done");
}

/* Nobody who has a lock: what it meets is what others hold. */
static void stranger(pid_t parent, pid_t peer)
{
	int fd = again("posix", O_RDWR), of_file = again("ofd", O_RDWR);

	held(fd, F_GETLK, 0, 10, F_UNLCK, 0, 0, 0);
	held(fd, F_GETLK, 0, 30, F_WRLCK, parent, 10, 10);
	held(fd, F_GETLK, 35, 1, F_WRLCK, peer, 30, 10);
	held(fd, F_GETLK, 100, 1, F_RDLCK, parent, 100, 0);
	held(fd, F_GETLK, 99, 1, F_UNLCK, 0, 0, 0);
	for (int i = 0; i < MANY; i++)
		held(again("many", O_RDWR), F_GETLK, i * 2, 1, F_WRLCK, parent,
			i * 2, 1);
	held(of_file, F_OFD_GETLK, 0, 10, F_WRLCK, -1, 0, 10);
	held(of_file, F_OFD_GETLK, 20, 5, F_RDLCK, -1, 20, 10);
	CHECK(flock(again("flock", O_RDONLY), LOCK_SH | LOCK_NB) < 0);
	CHECK_INT(errno, EWOULDBLOCK);
	CHECK(flock(again("shared", O_RDONLY), LOCK_EX | LOCK_NB) < 0);
	CHECK_SYS(flock(again("shared", O_RDONLY), LOCK_SH | LOCK_NB));
}

static void stranger_run(pid_t parent, pid_t peer)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		stranger(parent, peer);
		_exit(0);
	}
	child_join(pid);
}

static volatile sig_atomic_t broken;

static void on_broken(int sig)
{
	(void)sig;
	broken++;
}

static void lease_breaks(int lease)
{
	char path[PATH_MAX];

	CHECK_INT(broken, 0);
	CHECK_INT(fcntl(lease, F_GETLEASE), F_RDLCK);
	CHECK(open(checkpoint_path(path, "leased"), O_WRONLY | O_NONBLOCK) < 0);
	CHECK_INT(errno, EWOULDBLOCK);
	CHECK_INT(broken, 1);
	CHECK_SYS(fcntl(lease, F_SETLEASE, F_UNLCK));
}

int main(void)
{
	int flocked = make("flock"), shared = make("shared"), ofd[2], many;
	int lease;
	pid_t peer;

	posix_fd = make("posix");
	many = make("many");
	ofd[0] = make("ofd");
	ofd[1] = again("ofd", O_RDWR);
	close(make("leased"));
	lease = again("leased", O_RDONLY);
	signal(SIGIO, on_broken);
	CHECK_SYS(flock(flocked, LOCK_EX));
	CHECK_SYS(flock(shared, LOCK_SH));
	peer = child_start(child, 0);
	take(posix_fd, F_SETLK, F_WRLCK, 10, 10);
	take(posix_fd, F_SETLK, F_RDLCK, 100, 0);
	for (int i = 0; i < MANY; i++)
		take(many, F_SETLK, F_WRLCK, i * 2, 1);
	take(ofd[0], F_OFD_SETLK, F_WRLCK, 0, 10);
	take(ofd[1], F_OFD_SETLK, F_RDLCK, 20, 10);
	if (fcntl(lease, F_SETLEASE, F_RDLCK))
		checkpoint_skip("this file system has no leases");
	peers_wait(1);
	stranger_run(getpid(), peer);

	checkpoint_here();
	stranger_run(getpid(), peer);
	lease_breaks(lease);
	/* Of the open file that the child has, too. */
	CHECK_SYS(flock(flocked, LOCK_UN));
	CHECK_SYS(flock(again("flock", O_RDONLY), LOCK_EX | LOCK_NB));
	take(ofd[1], F_OFD_SETLK, F_UNLCK, 20, 10);
	held(ofd[0], F_OFD_GETLK, 20, 10, F_UNLCK, 0, 0, 0);
	checkpoint_mark("done");
	child_join(peer);
	checkpoint_ok();
}
