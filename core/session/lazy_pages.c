/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/lazy_pages.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "kernel/oom.h"
#include "pages/announce.h"
#include "pages/connect.h"
#include "pages/lazy.h"
#include "pages/serve.h"
#include "pages/tls.h"

enum { LOOK_MS = 100, SERVER_IDLE = 60 };

/* --- who is asked while it waits ------------------------------------------
 */

struct interest {
	struct run *run;
	const bool *finished; /* NULL: there is no restore yet */
	bool told;
};

static int signal_take(void)
{
	const struct timespec at_once = {0};
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	return sigtimedwait(&wanted, NULL, &at_once);
}

static int interest_look(void *of, struct err *err)
{
	struct interest *interest = of;
	const char *name;
	int sig;

	if (!interest->finished || !*interest->finished || interest->told)
		return run_check_interrupt(
			interest->run, "while", "lazy pages were served", err);
	sig = signal_take();
	if (sig <= 0)
		return 0;
	name = sig == SIGINT ? "SIGINT" : "SIGTERM";
	log_warn("%s: the pages that are still missing are brought first; "
		 "another one ends the tasks that miss them",
		name);
	interest->told = true;
	return 0;
}

/* --- coming up ------------------------------------------------------------
 */

static int connect_look(void *of, struct err *err)
{
	return run_check_interrupt(
		of, "while", "the page server was connected to", err);
}

static int server_connect(
	struct run *run, struct lazy_pages *daemon, struct err *err)
{
	const struct options *o = run->opt;
	int code = 0;

	if (!o->page_server)
		return 0;
	daemon->wire.idle_seconds = SERVER_IDLE;
	daemon->wire.look = connect_look;
	daemon->wire.of = run;
	daemon->wire.fd = o->ps_fd;
	if (o->ps_fd < 0)
		code = connect_to(o->address, o->port, &daemon->wire, err);
	if (!code)
		code = wire_begin(&daemon->wire, err);
	return code || !o->tls ? code
			       : tls_connect(run->arena, &daemon->wire, o, err);
}

/* Each memory takes an fd or two, and children of tasks have one, too. */
static void files_expect(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int lazy_pages_open(struct run *run, struct lazy_pages *ret, struct err *err)
{
	struct lazy_pages daemon = LAZY_PAGES_CLOSED;
	int code;

	files_expect();
	code = image_set_open(run->arena, run->images_dir, &daemon.images, err);
	if (!code)
		code = server_connect(run, &daemon, err);
	if (!code)
		code = announce_listen(&daemon.listener, err);
	if (code)
		lazy_pages_close(&daemon);
	else
		*ret = daemon;
	return code;
}

void lazy_pages_close(struct lazy_pages *daemon)
{
	fd_closep(&daemon->listener);
	tls_close(daemon->wire.tls);
	fd_closep(&daemon->wire.fd);
	image_set_closep(&daemon->images);
	*daemon = LAZY_PAGES_CLOSED;
}

/* --- one restore ----------------------------------------------------------
 */

static int restore_await(struct lazy_pages *daemon, struct interest *interest,
	int *ret_fd, struct err *err)
{
	struct pollfd wait_for = {.fd = daemon->listener, .events = POLLIN};
	int code = 0;

	do {
		code = interest_look(interest, err);
		if (code || poll(&wait_for, 1, LOOK_MS) <= 0)
			continue;
		code = announce_accept(daemon->listener, ret_fd, err);
		if (!code)
			return 0;
		if (code == -EAGAIN)
			code = 0;
	} while (!code);
	return code;
}

static void server_leave(
	struct run *run, struct lazy_pages *daemon, struct wire *wire)
{
	struct wire_message end = {.command = run->opt->ps_fd >= 0
						      ? WIRE_FORCE_CLOSE
						      : WIRE_CLOSE};
	int32_t answer;
	struct err told = {0};

	if (daemon->wire.fd < 0)
		return;
	if (wire_send(wire, &end, &told) ||
		wire_take(wire, &answer, sizeof(answer), &told))
		log_warn("all pages are there, but: %s", told.text);
}

static int tasks_end(struct roster *roster, int code, struct err *err)
{
	uint32_t before = roster->killed;

	roster_kill(roster);
	if (roster->killed > before)
		err_wrap(err, "%u tasks that would miss pages were killed",
			roster->killed - before);
	return code;
}

static int tasks_serve(struct run *run, struct lazy_pages *daemon,
	struct lazy *lazy, struct err *err)
{
	int code = lazy_run(lazy, err);

	if (code)
		return tasks_end(lazy->roster, code, err);
	roster_done(lazy->roster);
	if (lazy->wire)
		server_leave(run, daemon, lazy->wire);
	log_info("brought %" PRIu64 " pages, %" PRIu64
		 " of them because they were touched",
		lazy->brought / run->page_size, lazy->faults);
	return 0;
}

int lazy_pages_serve(
	struct run *run, struct lazy_pages *daemon, struct err *err)
{
	struct lazy lazy = {.arena = run->arena,
		.images = daemon->images,
		.page_size = (uint32_t)run->page_size,
		.client = -1,
		.look = interest_look};
	struct interest interest = {.run = run};
	int code = restore_await(daemon, &interest, &lazy.client, err);

	/* One it was to be: others are told so at once. */
	unlinkat(run->work_dir, ANNOUNCE_SOCKET, 0);
	fd_closep(&daemon->listener);
	daemon->listener = -1;
	if (!code)
		code = roster_new(run->page_size, &lazy.roster, err);
	if (code)
		return err_wrap(err, "lazy pages");
	oom_hide();
	interest.finished = &lazy.finished;
	lazy.of = daemon->wire.of = &interest;
	daemon->wire.look = interest_look;
	lazy.wire = daemon->wire.fd >= 0 ? &daemon->wire : NULL;
	lazy.roster->peers[0] = lazy.client;
	lazy.roster->peers[1] = daemon->wire.fd;
	code = tasks_serve(run, daemon, &lazy, err);
	fd_closep(&lazy.client);
	roster_free(lazy.roster);
	return code ? err_wrap(err, "lazy pages") : 0;
}

/* --- the page server ------------------------------------------------------
 */

struct stored {
	struct stored *next;
	uint64_t pid;
	struct source source;
	struct source_reader reader;
};

struct shop {
	struct run *run;
	struct image_set *images;
	struct stored *all;
};

static int stored_find(
	struct shop *shop, uint64_t pid, struct stored **ret, struct err *err)
{
	struct arena *arena = shop->run->arena;
	struct stored *stored = shop->all;
	int code;

	while (stored && stored->pid != pid)
		stored = stored->next;
	if (!stored && !image_exists(shop->images, IMAGE_PAGEMAP, pid))
		return err_set(err, EBADMSG,
			"the peer asks for pages of process %" PRIu64
			", which is not in the images",
			pid);
	if (!stored) {
		stored = arena_new1(arena, struct stored);
		code = source_load(shop->images, IMAGE_PAGEMAP, pid,
			(uint32_t)shop->run->page_size, &stored->source, err);
		if (code)
			return code;
		source_reader_open(&stored->reader, arena, &stored->source);
		stored->pid = pid;
		stored->next = shop->all;
		shop->all = stored;
	}
	*ret = stored;
	return 0;
}

static int shop_read(void *of, uint64_t pid, uint64_t vaddr, void *to,
	uint64_t n, uint64_t *ret_n, struct err *err)
{
	struct shop *shop = of;
	struct stored *stored = NULL;
	const struct source_piece *piece;
	uint64_t page = shop->run->page_size, most;
	int code = stored_find(shop, pid, &stored, err);

	if (code)
		return code;
	*ret_n = 0;
	piece = source_piece_find(&stored->source, vaddr);
	if (!piece || !(piece->flags & PAGES_LAZY))
		return 0;
	most = (source_piece_end(&stored->source, piece) - vaddr) / page;
	n = n < most ? n : most;
	*ret_n = source_read(&stored->reader, vaddr, to, n * page) / page;
	return 0;
}

int lazy_pages_give(struct run *run, struct wire *wire, struct err *err)
{
	struct shop shop = {.run = run};
	const struct serve_from from = {.give = shop_read, .of = &shop};
	struct serve_result result = {0};
	int code =
		image_set_open(run->arena, run->images_dir, &shop.images, err);

	if (!code)
		code = pages_serve(run->arena, wire, (uint32_t)run->page_size,
			&from, run->opt->ps_fd >= 0, &result, err);
	for (struct stored *s = shop.all; s; s = s->next)
		source_reader_close(&s->reader);
	image_set_closep(&shop.images);
	if (!code)
		log_info("gave %" PRIu64 " pages in %" PRIu64 " answers",
			result.pages, result.requests);
	return code;
}
