/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/attend.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

static int client_admit(struct arena *arena, int socket, struct peer *peer,
	const struct guests *guests, int seconds, struct err *err)
{
	const int keep[] = {socket, peer->pidfd};
	int rc = shed_session(err) ?: guests_admit(guests, peer, err);

	if (!rc && peer->confined)
		rc = shed_belongings(keep, err)
			     ?: peer_become(arena, peer, err);
	return rc ?: deadline_set(socket, seconds, err);
}

void attend_client(struct arena *arena, int socket, struct peer *peer,
	const struct guests *guests, int seconds, const sigset_t *mask)
{
	struct pollfd request = {.fd = socket, .events = POLLIN};
	sigset_t blocked = *mask;
	struct err err = {0};

	/* SIGTERM only undoes walks, between their steps. */
	sigdelset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	if (client_admit(arena, socket, peer, guests, seconds, &err)) {
		log_error("service", &err);
		/* Some clients look for an answer only after asking. */
		poll(&request, 1, REFUSE_AFTER_MS);
		worker_refuse(socket, &err);
		_exit(WORKER_FAILED);
	}
	log_info("process %d of user %u is served%s", peer->pid,
		peer->owner.uid, peer->confined ? ", confined" : "");
	_exit(worker_serve(socket, peer, false));
}
