/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "hooks/hooks.h"
#include "options/version.h"
#include "service/listener.h"
#include "service/worker.h"
#include "session/pidfile.h"

enum {
	SHARE = 4, /* of the workers, for one confined user */
	REFUSE_AFTER_MS = 2000,
};

struct daemon_child {
	pid_t pid;
	uid_t uid;
};

struct daemon {
	struct arena *arena;
	const struct options *options;
	struct guests guests;
	struct listener listener;
	int signals; /* signalfd */
	sigset_t mask;
	VEC(struct daemon_child) children;
};

/* --- a client's process ------------------------------------------------------
 */

/* From now on the worker has so much time; then SIGTERM, which undoes. */
static int deadline_set(int socket, int seconds, struct err *err)
{
	struct timeval wait = {.tv_sec = seconds};
	struct itimerspec when = {.it_value = {.tv_sec = seconds}};
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
	timer_t timer;

	if (!seconds)
		return 0;
	if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
		setsockopt(
			socket, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ||
		timer_create(CLOCK_MONOTONIC, &event, &timer) ||
		timer_settime(timer, 0, &when, NULL))
		return err_errno(err, "setting a time limit");
	return 0;
}

/* Nothing of ours is the client's to see or use. */
static void environment_clear(void)
{
	clearenv();
	setenv("PATH",
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin",
		1);
}

static int client_admit(const struct daemon *daemon, int socket,
	struct peer *peer, struct err *err)
{
	int rc = peer_read(socket, daemon->arena, peer, err);

	if (!rc)
		rc = guests_admit(&daemon->guests, peer, err);
	if (!rc && peer->confined) {
		environment_clear();
		rc = peer_become(daemon->arena, peer, err);
	}
	if (!rc)
		rc = deadline_set(
			socket, daemon->options->request_timeout, err);
	return rc;
}

static void client_serve(struct daemon *daemon, int socket)
	__attribute__((noreturn));
static void client_serve(struct daemon *daemon, int socket)
{
	struct pollfd request = {.fd = socket, .events = POLLIN};
	struct peer peer = {.pidfd = -1};
	struct err err = {0};

	close(daemon->listener.fd);
	close(daemon->signals);
	/* SIGTERM only undoes walks, between their steps. */
	sigdelset(&daemon->mask, SIGINT);
	sigaddset(&daemon->mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &daemon->mask, NULL);
	if (client_admit(daemon, socket, &peer, &err)) {
		log_error("service", &err);
		/* Some clients look for an answer only after asking. */
		poll(&request, 1, REFUSE_AFTER_MS);
		worker_refuse(socket, &err);
		_exit(WORKER_FAILED);
	}
	log_info("process %d of user %u is served%s", peer.pid, peer.owner.uid,
		peer.confined ? ", confined" : "");
	_exit(worker_serve(socket, &peer, false));
}

/* --- all of them
 * --------------------------------------------------------------- */

static int room_check(const struct daemon *daemon, uid_t uid, struct err *err)
{
	size_t most = (size_t)daemon->options->max_workers, his = 0;

	for (size_t i = 0; i < daemon->children.n; i++)
		his += daemon->children.at[i].uid == uid;
	if (daemon->children.n < most &&
		(uid == 0 || uid == geteuid() || his * SHARE < most))
		return 0;
	err_set(err, EAGAIN,
		"the service is busy with %zu requests, %zu of "
		"them of user %u",
		daemon->children.n, his, uid);
	return err_hint(err, "try again later, or raise --max-workers");
}

static uid_t client_uid(int socket)
{
	socklen_t size = sizeof(struct ucred);
	struct ucred cred;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return (uid_t)-1;
	return cred.uid;
}

static void client_accept(struct daemon *daemon)
{
	_cleanup_fd_ int socket =
		accept4(daemon->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	struct daemon_child child;
	struct err err = {0};

	if (socket < 0)
		return;
	child.uid = client_uid(socket);
	if (!room_check(daemon, child.uid, &err)) {
		child.pid = fork();
		if (child.pid == 0)
			client_serve(daemon, fd_take(&socket));
		if (child.pid > 0) {
			*vec_push(daemon->arena, &daemon->children) = child;
			return;
		}
		err_errno(&err, "making a process for the client");
	}
	log_error("service", &err);
	worker_refuse(socket, &err);
}

static void children_reap(struct daemon *daemon)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < daemon->children.n; i++) {
			if (daemon->children.at[i].pid != pid)
				continue;
			log_info("worker %d ended with status %#x", pid,
				(unsigned)status);
			daemon->children.at[i] =
				daemon->children.at[--daemon->children.n];
			break;
		}
}

/* True when it is to end. */
static bool signals_read(struct daemon *daemon)
{
	struct signalfd_siginfo info;

	while (read(daemon->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			return true;
		children_reap(daemon);
	}
	return false;
}

static int clients_serve(struct daemon *daemon, struct err *err)
{
	struct pollfd wait_for[] = {{.fd = daemon->signals, .events = POLLIN},
		{.fd = daemon->listener.fd, .events = POLLIN}};

	for (;;) {
		if (poll(wait_for, 2, -1) < 0 && errno != EINTR)
			return err_errno(err, "waiting for clients");
		if (wait_for[0].revents && signals_read(daemon))
			return 0;
		if (wait_for[1].revents)
			client_accept(daemon);
	}
}

/* --- coming up
 * ------------------------------------------------------------------- */

static int log_begin(const struct options *o, struct err *err)
{
	enum log_level level = o->verbosity < LOG_DEBUG
				       ? (enum log_level)o->verbosity
				       : LOG_DEBUG;
	int fd = STDERR_FILENO;

	if (o->log_file)
		fd = open(o->log_file,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "creating log file '%s'", o->log_file);
	log_open(fd, level);
	return 0;
}

static int signals_take(struct daemon *daemon, struct err *err)
{
	sigset_t all;

	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGTERM);
	sigprocmask(SIG_BLOCK, &all, &daemon->mask);
	daemon->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signals < 0)
		return err_errno(err, "making a signalfd");
	return 0;
}

/* Into the background: the caller goes on when everything is ready. */
static int background_enter(int *ret_ready, struct err *err)
{
	int ready[2], null;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return err_errno(err, "making a pipe");
	pid = fork();
	if (pid < 0)
		return err_errno(err, "going into the background");
	if (pid > 0) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? EXIT_SUCCESS
						    : EXIT_FAILURE);
	}
	close(ready[0]);
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	fd_closep(&null);
	*ret_ready = ready[1];
	return 0;
}

/* To all who wait for it: pidfile, script, status fd, the one in front. */
static int ready_tell(struct daemon *daemon, struct pidfile *pidfile,
	int *ready, struct err *err)
{
	const struct options *o = daemon->options;
	struct run run = {
		.opt = o, .arena = daemon->arena, .images_dir = AT_FDCWD};
	int rc = pidfile_commit(pidfile, getpid(), err);

	if (!rc)
		rc = hooks_run(&run, "status-ready", 0, err);
	if (!rc && o->status_fd >= 0) {
		rc = io_write_all(o->status_fd, "", 1);
		close(o->status_fd);
		if (rc)
			rc = err_code(err, rc, "writing to the status fd %d",
				o->status_fd);
	}
	if (!rc && *ready >= 0 && write(*ready, "", 1) == 1)
		fd_closep(ready);
	log_info("Stasis %s: ready for clients", STASIS_VERSION);
	return rc;
}

static int daemon_live(
	struct daemon *daemon, struct pidfile *pidfile, struct err *err)
{
	int ready = -1, rc = 0;

	if (daemon->options->restore_detached)
		rc = background_enter(&ready, err);
	if (!rc)
		rc = signals_take(daemon, err);
	if (!rc)
		rc = ready_tell(daemon, pidfile, &ready, err);
	return rc ?: clients_serve(daemon, err);
}

int daemon_run(
	struct arena *arena, const struct options *options, struct err *err)
{
	struct daemon daemon = {.arena = arena,
		.options = options,
		.listener = {.fd = -1},
		.signals = -1};
	struct pidfile pidfile;
	int rc;

	if (chdir(options->work_dir))
		return err_errno(err, "entering the work directory '%s'",
			options->work_dir);
	rc = log_begin(options, err);
	if (!rc)
		rc = guests_read(arena, options, &daemon.guests, err);
	if (!rc)
		rc = pidfile_prepare(
			arena, AT_FDCWD, options->pidfile, &pidfile, err);
	if (rc)
		return rc;
	rc = listener_open(options->address ?: "criu_service.socket",
		&daemon.guests, &daemon.listener, err);
	if (!rc)
		rc = daemon_live(&daemon, &pidfile, err);
	if (rc)
		log_error("service", err);
	pidfile_abort(&pidfile);
	if (daemon.listener.fd >= 0)
		listener_close(&daemon.listener);
	return rc;
}
