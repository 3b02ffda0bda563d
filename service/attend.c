/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/attend.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "service/shed.h"
#include "service/worker.h"

enum { REFUSE_AFTER_MS = 2000 };

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

/* log: stays open. */
static int client_admit(struct arena *arena, int socket, struct peer *peer,
	const struct guests *guests, int seconds, int log, struct err *err)
{
	const int keep[] = {socket, peer->pidfd, log};
	int rc = shed_session(err) ?: guests_admit(guests, peer, err);

	if (!rc && peer->confined)
		rc = shed_belongings(keep, 3, err)
			     ?: peer_become(arena, peer, err);
	return rc ?: deadline_set(socket, seconds, err);
}

/* One line, whoever he is. */
static void refusal_tell(int log, const struct peer *peer, struct err told)
{
	if (log < 0)
		return;
	log_open(log, LOG_ERROR);
	told.hint[0] = '\0';
	err_wrap(&told, "process %d of user %u is not served", peer->pid,
		peer->owner.uid);
	log_error("service", &told);
}

void attend_client(struct arena *arena, int socket, struct peer *peer,
	const struct guests *guests, int seconds, const sigset_t *mask, int log)
{
	/* Out of the way of the standard streams, which are replaced. */
	_cleanup_fd_ int told = log < 0 ? -1 : fcntl(log, F_DUPFD_CLOEXEC, 3);

	struct pollfd request = {.fd = socket, .events = POLLIN};
	sigset_t blocked = *mask;
	struct err err = {0};

	/* SIGTERM only undoes walks, between their steps. */
	sigdelset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	if (client_admit(arena, socket, peer, guests, seconds, told, &err)) {
		refusal_tell(told, peer, err);
		/* Some clients look for an answer only after asking. */
		poll(&request, 1, REFUSE_AFTER_MS);
		worker_refuse(socket, &err);
		_exit(WORKER_FAILED);
	}
	fd_closep(&told);
	told = -1;
	log_info("process %d of user %u is served%s", peer->pid,
		peer->owner.uid, peer->confined ? ", confined" : "");
	_exit(worker_serve(socket, peer, false));
}
