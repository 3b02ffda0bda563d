/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/ending.h"
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
	struct quota invited, uninvited, pauses;
	int64_t deaf_until_ms; /* nobody can be let in before; 0: not so */
	int log;	       /* its fd */
};

/* Clients in a minute, and pauses. */
enum { LOG_INVITED = 60, LOG_UNINVITED = 10, LOG_PAUSES = 1 };
enum { PAUSE_MS = 500 };

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

/* -1: never. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Returns when to look again; -1: need not. */
static int quotas_tell(struct daemon *daemon, int64_t now_ms)
{
	unsigned uninvited = quota_end(&daemon->uninvited, now_ms);
	unsigned invited = quota_end(&daemon->invited, now_ms);
	unsigned pauses = quota_end(&daemon->pauses, now_ms);

	if (uninvited)
		log_warn("%u more clients in a minute who may not use this "
			 "service: left out of this log",
			uninvited);
	if (invited)
		log_info("%u more clients in a minute who were invited: left "
			 "out of this log",
			invited);
	if (pauses)
		log_warn("clients had to wait %u more times in a minute",
			pauses);
	return sooner(quota_wait(&daemon->pauses, now_ms),
		sooner(quota_wait(&daemon->uninvited, now_ms),
			quota_wait(&daemon->invited, now_ms)));
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
		daemon->options->request_timeout, &daemon->mask,
		quiet ? -1 : daemon->log);
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

/* Who cannot be given a place in a table stays in front of the door, so that
 * asking again at once would be all that we do. */
static void accept_pause(struct daemon *daemon, int code)
{
	int64_t now_ms = clock_now_ms();

	/* He has gone, or somebody else let him in. */
	if (code == EINTR || code == EAGAIN || code == ECONNABORTED)
		return;
	if (quota_take(&daemon->pauses, now_ms))
		log_warn("clients have to wait: letting one in: %s",
			strerror(code));
	daemon->deaf_until_ms = now_ms + PAUSE_MS;
}

/* In how many milliseconds it ends; -1: there is none. */
static int pause_left(struct daemon *daemon, int64_t now_ms)
{
	if (daemon->deaf_until_ms > now_ms)
		return (int)(daemon->deaf_until_ms - now_ms);
	daemon->deaf_until_ms = 0;
	return -1;
}

static void client_accept(struct daemon *daemon)
{
	_cleanup_fd_ int socket =
		accept4(daemon->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	_cleanup_arena_ struct arena *arena = NULL;
	struct peer peer = {.pidfd = -1};
	struct err err = {0};
	bool quiet;

	if (socket < 0) {
		accept_pause(daemon, errno);
		return;
	}
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
	char label[ENDING_LABEL];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		member = crowd_find(&daemon->crowd, pid);
		if (!member || !member->quiet)
			log_info("worker %d ended: %s", pid,
				ending_label(status, label));
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
	int late, pause;

	for (;;) {
		pause = pause_left(daemon, clock_now_ms());
		late = crowd_kill_late(&daemon->crowd, clock_now_ms());
		late = sooner(late, quotas_tell(daemon, clock_now_ms()));
		wait_for[0].revents = wait_for[1].revents = 0;
		wait_for[1].fd = pause < 0 ? daemon->listener.fd : -1;
		if (poll(wait_for, 2, sooner(late, pause)) < 0 &&
			errno != EINTR)
			return err_errno(err, "waiting for clients");
		if (wait_for[0].revents && signals_read(daemon))
			return 0;
		if (wait_for[1].revents)
			client_accept(daemon);
	}
}

/* --- coming up ------------------------------------------------------------ */

static int log_begin(const struct options *o, int *ret_fd, struct err *err)
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
	*ret_fd = level < LOG_ERROR ? -1 : fd;
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
		.uninvited = {.most = LOG_UNINVITED},
		.pauses = {.most = LOG_PAUSES},
		.log = -1};
	struct pidfile pidfile;
	int rc;

	if (chdir(options->work_dir))
		return err_errno(err, "entering the work directory '%s'",
			options->work_dir);
	rc = log_begin(options, &daemon.log, err);
	if (!rc)
		rc = guests_read(arena, options, &daemon.guests, err);
	if (!rc)
		rc = pidfile_prepare(AT_FDCWD, options->pidfile, &pidfile, err);
	if (rc)
		return rc;
	rc = listener_open(arena, options->address ?: "criu_service.socket",
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
