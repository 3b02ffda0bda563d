/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/pidfd.h"

/* fds of one packet; SCM_MAX_FD of the kernel is 253. */
enum { BATCH = 128, PATIENCE_SECONDS = 5, TICK_MS = 1000 };

#define MAGIC 0x3150454b53415453ull /* "STASKEP1" */
#define COMM "stasis-keeper"
enum { WORD_TAKEN = 'T' };

/* Which inventory a keeper speaks of. */
struct mark {
	uint64_t dev, ino, size;
	int64_t seconds, nanoseconds;
};

struct head {
	uint64_t magic, n;
	struct mark mark;
};

struct entry {
	int64_t pid;
	uint64_t start_time;
};

static int mark_find(int dir, struct mark *ret)
{
	struct stat st;

	if (fstatat(dir, "inventory.img", &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	memset(ret, 0, sizeof(*ret));
	*ret = (struct mark){st.st_dev, st.st_ino, (uint64_t)st.st_size,
		st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
	return 0;
}

/* By the fd of the directory: paths may be long. */
static struct sockaddr_un address(int dir)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", dir,
		KEEPER_NAME);
	return at;
}

static bool peer_is_own(int socket)
{
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;

	return !getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       peer.uid == geteuid();
}

static void patience_set(int socket)
{
	struct timeval limit = {.tv_sec = PATIENCE_SECONDS};

	setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* --- packets with fds ----------------------------------------------------- */

struct batch {
	struct entry entries[BATCH];
	union {
		char room[CMSG_SPACE(BATCH * sizeof(int))];
		struct cmsghdr head;
	} control;
};

static int batch_send(int socket, const struct keeper_task *tasks, size_t n)
{
	struct batch batch = {0};
	struct iovec iov = {batch.entries, n * sizeof(struct entry)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = batch.control.room,
		.msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int *fds = (int *)(void *)CMSG_DATA(head);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (size_t i = 0; i < n; i++) {
		batch.entries[i] =
			(struct entry){tasks[i].pid, tasks[i].start_time};
		fds[i] = tasks[i].uffd;
	}
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* As many fds as entries, or all of them are closed again. */
static size_t batch_receive(
	struct arena *arena, int socket, struct keeper_lease *lease)
{
	struct batch batch = {0};
	struct iovec iov = {batch.entries, sizeof(batch.entries)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = batch.control.room,
		.msg_controllen = sizeof(batch.control.room)};
	ssize_t got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	size_t n = got > 0 ? (size_t)got / sizeof(struct entry) : 0, n_fds;
	const int *fds;

	if (!head || head->cmsg_level != SOL_SOCKET ||
		head->cmsg_type != SCM_RIGHTS)
		return 0;
	fds = (const int *)(const void *)CMSG_DATA(head);
	n_fds = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n_fds != n || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		*vec_push(arena, &lease->tasks) =
			(struct keeper_task){.pid = (pid_t)batch.entries[i].pid,
				.start_time = batch.entries[i].start_time,
				.uffd = fds[i],
				.pidfd = -1};
	return n;
}

/* --- the keeper ----------------------------------------------------------- */

struct keeping {
	int dir, listener, go, signals;
	ino_t socket_ino;
	struct keeper_task *tasks;
	size_t n;
	struct mark mark;
	time_t until; /* CLOCK_BOOTTIME */
	bool over;
};

static time_t seconds_now(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

static bool fd_is_kept(const struct keeping *k, int fd)
{
	if (fd == k->dir || fd == k->listener || fd == k->go)
		return true;
	for (size_t i = 0; i < k->n; i++)
		if (fd == k->tasks[i].uffd || fd == k->tasks[i].pidfd)
			return true;
	return false;
}

/* Nobody waits for the end of a pipe that we have by chance. */
static void others_close(const struct keeping *k)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;
	DIR *list = opendir("/proc/self/fd");
	const struct dirent *entry;

	for (fd = 0; fd < 3; fd++)
		dup2(null, fd);
	while (list && (entry = readdir(list))) {
		fd = atoi(entry->d_name);
		if (fd > 2 && fd != dirfd(list) && !fd_is_kept(k, fd))
			close(fd);
	}
	if (list)
		closedir(list);
}

/* TERM and INT end it in order, and nothing else does but KILL. */
static void signals_take(struct keeping *k)
{
	sigset_t ends;

	sigfillset(&ends);
	sigprocmask(SIG_SETMASK, &ends, NULL);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	k->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void task_forget(struct keeping *k, size_t i)
{
	close(k->tasks[i].uffd);
	fd_closep(&k->tasks[i].pidfd);
	k->tasks[i] = k->tasks[--k->n];
}

static void dead_forget(struct keeping *k)
{
	struct pollfd look;

	for (size_t i = k->n; i-- > 0;) {
		look = (struct pollfd){
			.fd = k->tasks[i].pidfd, .events = POLLIN};
		if (poll(&look, 1, 0) > 0)
			task_forget(k, i);
	}
}

static int all_send(const struct keeping *k, int client)
{
	const struct head head = {MAGIC, k->n, k->mark};
	int code = send(client, &head, sizeof(head), MSG_NOSIGNAL) < 0 ? -errno
								       : 0;

	for (size_t at = 0; at < k->n && !code; at += BATCH)
		code = batch_send(client, k->tasks + at,
			k->n - at < BATCH ? k->n - at : BATCH);
	return code;
}

/* As long as the client has the copies; it may say that it uses them. */
static void client_serve(struct keeping *k)
{
	_cleanup_fd_ int client =
		accept4(k->listener, NULL, NULL, SOCK_CLOEXEC);
	struct timeval for_ever = {0};
	char word = 0;

	if (client < 0 || !peer_is_own(client))
		return;
	patience_set(client);
	if (all_send(k, client))
		return;
	setsockopt(
		client, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	k->over = recv(client, &word, 1, 0) == 1 && word == WORD_TAKEN;
	/* Before the client sees us go. */
	while (k->over && k->n)
		task_forget(k, k->n - 1);
}

/* The engine says when the round is done, and what its inventory is. */
static bool confirmed(struct keeping *k)
{
	ssize_t got = recv(k->go, &k->mark, sizeof(k->mark), 0);

	close(fd_take(&k->go));
	return got == sizeof(k->mark);
}

static void keep(struct keeping *k)
{
	struct pollfd wait_for[2] = {{.fd = k->listener, .events = POLLIN},
		{.fd = k->signals, .events = POLLIN}};

	while (!k->over && k->n && seconds_now() < k->until) {
		if (poll(wait_for, 2, TICK_MS) > 0) {
			if (wait_for[1].revents)
				return;
			client_serve(k);
		}
		dead_forget(k);
	}
}

static void socket_remove(const struct keeping *k)
{
	struct stat st;

	if (!fstatat(k->dir, KEEPER_NAME, &st, AT_SYMLINK_NOFOLLOW) &&
		S_ISSOCK(st.st_mode) && st.st_ino == k->socket_ino)
		unlinkat(k->dir, KEEPER_NAME, 0);
}

static _Noreturn void keeper_live(struct keeping k, struct arena *scrap)
{
	size_t size = k.n * sizeof(*k.tasks);
	struct keeper_task *tasks = malloc(size + 1);

	if (!tasks)
		_exit(1);
	memcpy(tasks, k.tasks, size);
	k.tasks = tasks;
	setsid();
	/* Nobody's directory is in use because of us, but the images'. */
	if (chdir("/"))
		_exit(1);
	prctl(PR_SET_NAME, COMM);
	others_close(&k);
	arena_free(scrap);
	signals_take(&k);
	if (confirmed(&k))
		keep(&k);
	socket_remove(&k);
	_exit(0);
}

/* --- who starts it -------------------------------------------------------- */

static bool is_own_socket(int dir)
{
	struct stat st;

	return !fstatat(dir, KEEPER_NAME, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

/* -1: nobody is there. */
static int keeper_connect(int dir)
{
	struct sockaddr_un at = address(dir);
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (!is_own_socket(dir) || fd < 0)
		return -1;
	patience_set(fd);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) || !peer_is_own(fd))
		return -1;
	return fd_take(&fd);
}

bool keeper_sweep(int dir)
{
	_cleanup_fd_ int fd = keeper_connect(dir);

	return fd < 0 && is_own_socket(dir) && !unlinkat(dir, KEEPER_NAME, 0);
}

/* The set that an older one belongs to is about to be replaced. */
static void older_end(int dir)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct keeper_lease lease = KEEPER_LEASE_NONE;
	const char *why;

	keeper_ask(arena, dir, &lease, &why);
	keeper_dismiss(&lease);
	keeper_return(&lease);
	if (is_own_socket(dir))
		unlinkat(dir, KEEPER_NAME, 0);
}

static int listener_make(int dir, int *ret_fd, ino_t *ret_ino, struct err *err)
{
	struct sockaddr_un at = address(dir);
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct stat st;

	older_end(dir);
	/* The file gets the mode of the socket: who may swap its name has no
	 * moment for it. */
	if (fd < 0 || fchmod(fd, 0600) ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return err_errno(err, "making the keeper's socket");
	if (fstatat(dir, KEEPER_NAME, &st, AT_SYMLINK_NOFOLLOW) ||
		listen(fd, 4))
		return err_errno(err, "listening on the keeper's socket");
	*ret_ino = st.st_ino;
	*ret_fd = fd_take(&fd);
	return 0;
}

int keeper_start(struct arena *scrap, int dir, const struct keeper_task *tasks,
	size_t n, unsigned seconds, struct keeper *ret, struct err *err)
{
	struct keeping k = {.dir = dir,
		.tasks = (struct keeper_task *)(uintptr_t)tasks,
		.n = n,
		.until = seconds_now() + (time_t)seconds};
	int pair[2], code;
	pid_t pid;

	code = listener_make(dir, &k.listener, &k.socket_ino, err);
	if (code)
		return code;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		code = err_errno(err, "making the keeper's socket");
		unlinkat(dir, KEEPER_NAME, 0);
		close(k.listener);
		return code;
	}
	k.go = pair[1];
	pid = fork();
	if (!pid) {
		close(pair[0]);
		keeper_live(k, scrap);
	}
	if (pid < 0) {
		code = err_errno(err, "starting the keeper");
		unlinkat(dir, KEEPER_NAME, 0);
		close(pair[0]);
	} else {
		*ret = (struct keeper){pid, pair[0], false};
	}
	close(pair[1]);
	close(k.listener);
	return code;
}

int keeper_confirm(struct keeper *keeper, int dir, struct err *err)
{
	struct mark mark;
	int code = mark_find(dir, &mark);

	if (!code && send(keeper->go, &mark, sizeof(mark), MSG_NOSIGNAL) < 0)
		code = -errno;
	if (code)
		return err_code(err, code, "telling the keeper to stay");
	keeper->stays = true;
	return 0;
}

void keeper_close(struct keeper *keeper)
{
	if (keeper->go < 0)
		return;
	close(fd_take(&keeper->go));
	if (!keeper->stays)
		waitpid(keeper->pid, NULL, 0);
}

/* --- keepers whose directory is not known ----------------------------------
 */

static bool is_keeper(int proc, const char *name)
{
	char path[300], comm[sizeof(COMM)] = "";
	struct stat st;
	int fd;

	if (name[0] < '1' || name[0] > '9' || fstatat(proc, name, &st, 0) ||
		st.st_uid != geteuid())
		return false;
	snprintf(path, sizeof(path), "%s/comm", name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, comm, sizeof(comm) - 1) < 0)
		comm[0] = '\0';
	close(fd);
	return !strcmp(comm, COMM);
}

/* Does it hold such a one? */
static bool keeper_holds(int proc, const char *name, int pidfd,
	bool (*of_it)(void *of, int uffd), void *of)
{
	char path[300], target[40];
	const struct dirent *entry;
	bool holds = false;
	ssize_t size;
	DIR *list;
	int fd, copy;

	snprintf(path, sizeof(path), "%s/fd", name);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	while (list && !holds && (entry = readdir(list))) {
		size = readlinkat(
			dirfd(list), entry->d_name, target, sizeof(target) - 1);
		target[size > 0 ? size : 0] = '\0';
		if (strcmp(target, "anon_inode:[userfaultfd]") ||
			pidfd_copy_file(pidfd, 0, atoi(entry->d_name), &copy,
				ERR_UNREAD))
			continue;
		holds = of_it(of, copy);
		close(copy);
	}
	if (list)
		closedir(list);
	return holds;
}

void keepers_end(bool (*of_it)(void *of, int uffd), void *of)
{
	DIR *list = opendir("/proc");
	struct pollfd wait_for = {.events = POLLIN};
	const struct dirent *entry;

	while (list && (entry = readdir(list))) {
		if (!is_keeper(dirfd(list), entry->d_name) ||
			pidfd_open_task(atoi(entry->d_name), 0, &wait_for.fd,
				ERR_UNREAD))
			continue;
		if (is_keeper(dirfd(list), entry->d_name) &&
			keeper_holds(dirfd(list), entry->d_name, wait_for.fd,
				of_it, of) &&
			!pidfd_kill(wait_for.fd, 0, SIGTERM, ERR_UNREAD))
			poll(&wait_for, 1, PATIENCE_SECONDS * 1000);
		close(wait_for.fd);
	}
	if (list)
		closedir(list);
}

/* --- who comes back ------------------------------------------------------- */

static const char *lease_receive(
	struct arena *arena, int dir, struct keeper_lease *lease)
{
	struct mark here;
	struct head head;
	size_t got;

	if (recv(lease->socket, &head, sizeof(head), 0) != sizeof(head) ||
		head.magic != MAGIC)
		return "it does not answer";
	if (mark_find(dir, &here) || memcmp(&here, &head.mark, sizeof(here)))
		return "it belongs to other images than those that are there "
		       "now";
	while (lease->tasks.n < head.n) {
		got = batch_receive(arena, lease->socket, lease);
		if (!got)
			return "it does not hand over what it has";
	}
	return NULL;
}

void keeper_ask(struct arena *arena, int dir, struct keeper_lease *ret,
	const char **ret_why)
{
	*ret = KEEPER_LEASE_NONE;
	*ret_why = NULL;
	ret->socket = keeper_connect(dir);
	if (ret->socket < 0)
		return;
	*ret_why = lease_receive(arena, dir, ret);
	if (*ret_why)
		keeper_return(ret);
}

void keeper_dismiss(struct keeper_lease *lease)
{
	char word = WORD_TAKEN;

	if (lease->socket < 0)
		return;
	/* Its copies are closed when it has closed the connection. */
	if (send(lease->socket, &word, 1, MSG_NOSIGNAL) == 1)
		recv(lease->socket, &word, 1, 0);
	close(fd_take(&lease->socket));
}

void keeper_return(struct keeper_lease *lease)
{
	for (size_t i = 0; i < lease->tasks.n; i++)
		fd_closep(&lease->tasks.at[i].uffd);
	lease->tasks.n = 0;
	fd_closep(&lease->socket);
	lease->socket = -1;
}
