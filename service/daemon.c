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
#include "base/place.h"
#include "hooks/hooks.h"
#include "options/version.h"
#include "service/attend.h"
#include "service/crowd.h"
#include "service/listener.h"
#include "service/quota.h"
#include "service/worker.h"
#include "session/pidfile.h"
#include "session/ready.h"

struct daemon {
	struct arena *arena;
	const struct options *options;
	struct guests guests;
	struct listener listener;
	int signals; /* signalfd */
	sigset_t mask;
	struct crowd crowd;
	/* of those who are told of in the log: */
	struct quota invited, uninvited;
};

/* Clients in a minute. */
enum { LOG_INVITED = 60, LOG_UNINVITED = 10 };

/* --- all of them ---------------------------------------------------------- */

static int64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static bool client_is_quiet(struct daemon *daemon, enum guest guest)
{
	return guest != GUEST_TRUSTED &&
	       !quota_take(guest == GUEST_UNINVITED ? &daemon->uninvited
						    : &daemon->invited,
		       clock_now_ms());
}

/* Returns when to look again; -1: need not. */
static int quotas_tell(struct daemon *daemon, int64_t now_ms)
{
	unsigned uninvited = quota_end(&daemon->uninvited, now_ms);
	unsigned invited = quota_end(&daemon->invited, now_ms);
	int first = quota_wait(&daemon->uninvited, now_ms);
	int second = quota_wait(&daemon->invited, now_ms);

	if (uninvited)
		log_warn("%u more clients in a minute who may not use this "
			 "service: left out of this log",
			uninvited);
	if (invited)
		log_info("%u more clients in a minute who were invited: left "
			 "out of this log",
			invited);
	return first < 0 || (second >= 0 && second < first) ? second : first;
}

/* In the process that is the client's own. */
static void client_attend(struct daemon *daemon, struct arena *arena,
	int socket, struct peer *peer, bool quiet) __attribute__((noreturn));
static void client_attend(struct daemon *daemon, struct arena *arena,
	int socket, struct peer *peer, bool quiet)
{
	if (quiet)
		log_open(STDERR_FILENO, LOG_NONE);
	listener_leave(&daemon->listener);
	close(daemon->signals);
	attend_client(arena, socket, peer, &daemon->guests,
		daemon->options->request_timeout, &daemon->mask);
}

/* A process of its own for the client, if there is room. */
static int client_seat(struct daemon *daemon, struct arena *arena, int socket,
	struct peer *peer, bool *ret_quiet, struct err *err)
{
	struct crowd_member member = {.since_ms = clock_now_ms()};
	int rc = peer_read(socket, arena, peer, err);

	member.uid = peer->owner.uid;
	member.guest =
		rc ? GUEST_UNINVITED : guests_judge(&daemon->guests, peer);
	member.quiet = *ret_quiet = client_is_quiet(daemon, member.guest);
	if (rc)
		return rc;
	rc = crowd_check_room(&daemon->crowd, member.uid, member.guest, err);
	if (rc)
		return rc;
	member.pid = fork();
	if (member.pid < 0)
		return err_errno(err, "making a process for the client");
	if (!member.pid)
		client_attend(daemon, arena, socket, peer, member.quiet);
	crowd_add(daemon->arena, &daemon->crowd, member);
	return 0;
}

static void client_accept(struct daemon *daemon)
{
	_cleanup_fd_ int socket =
		accept4(daemon->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	_cleanup_arena_ struct arena *arena = NULL;
	struct peer peer = {.pidfd = -1};
	struct err err = {0};
	bool quiet;

	if (socket < 0)
		return;
	arena = arena_new();
	if (client_seat(daemon, arena, socket, &peer, &quiet, &err)) {
		if (!quiet)
			log_error("service", &err);
		worker_refuse(socket, &err);
	}
	peer_close(&peer);
}

static void children_reap(struct daemon *daemon)
{
	const struct crowd_member *member;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		member = crowd_find(&daemon->crowd, pid);
		if (!member || !member->quiet)
			log_info("worker %d ended with status %#x", pid,
				(unsigned)status);
		crowd_remove(&daemon->crowd, pid);
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
	int late, quota;

	for (;;) {
		late = crowd_kill_late(&daemon->crowd, clock_now_ms());
		quota = quotas_tell(daemon, clock_now_ms());
		if (late < 0 || (quota >= 0 && quota < late))
			late = quota;
		if (poll(wait_for, 2, late) < 0 && errno != EINTR)
			return err_errno(err, "waiting for clients");
		if (wait_for[0].revents && signals_read(daemon))
			return 0;
		if (wait_for[1].revents)
			client_accept(daemon);
	}
}

/* --- coming up ------------------------------------------------------------ */

static int log_begin(const struct options *o, struct err *err)
{
	enum log_level level = o->verbosity < LOG_DEBUG
				       ? (enum log_level)o->verbosity
				       : LOG_DEBUG;
	int fd = STDERR_FILENO, code = 0;

	if (o->log_file)
		code = place_append(AT_FDCWD, o->log_file, 0600, &fd, err);
	if (code)
		return err_wrap(err, "the log file");
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

static int daemon_live(
	struct daemon *daemon, struct pidfile *pidfile, struct err *err)
{
	int ready = -1, rc = 0;

	if (daemon->options->restore_detached)
		rc = ready_background(&ready, err);
	if (!rc)
		rc = signals_take(daemon, err);
	if (!rc)
		rc = ready_tell(
			daemon->options, daemon->arena, pidfile, &ready, err);
	log_info("Stasis %s: ready for clients", STASIS_VERSION);
	return rc ?: clients_serve(daemon, err);
}

int daemon_run(
	struct arena *arena, const struct options *options, struct err *err)
{
	struct daemon daemon = {.arena = arena,
		.options = options,
		.crowd = {.most = (size_t)options->max_workers,
			.limit_ms = 1000ll * options->request_timeout *
				    ATTEND_PATIENCE},
		.listener = {.fd = -1, .folder = -1, .file = -1},
		.signals = -1,
		.invited = {.most = LOG_INVITED},
		.uninvited = {.most = LOG_UNINVITED}};
	struct pidfile pidfile;
	int rc;

	if (chdir(options->work_dir))
		return err_errno(err, "entering the work directory '%s'",
			options->work_dir);
	rc = log_begin(options, err);
	if (!rc)
		rc = guests_read(arena, options, &daemon.guests, err);
	if (!rc)
		rc = pidfile_prepare(AT_FDCWD, options->pidfile, &pidfile, err);
	if (rc)
		return rc;
	rc = listener_open(options->address ?: "criu_service.socket",
		&daemon.guests, &daemon.listener, err);
	if (!rc)
		rc = daemon_live(&daemon, &pidfile, err);
	quotas_tell(&daemon, INT64_MAX);
	if (rc)
		log_error("service", err);
	pidfile_abort(&pidfile);
	listener_close(&daemon.listener);
	return rc;
}
