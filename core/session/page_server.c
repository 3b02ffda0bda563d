/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/page_server.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "pages/connect.h"
#include "pages/dedup.h"
#include "pages/receive.h"
#include "pages/tls.h"
#include "session/lazy_pages.h"

enum { LOOK_MS = 100 };

/* Who sends only what is new says so; what is in the set before is looked for
 * there. A link that is there already must lead to the same. */
static int parent_link(const struct run *run, struct err *err)
{
	const char *parent = run->opt->prev_images_dir;
	char there[PATH_MAX];
	ssize_t size;

	if (!parent || !symlinkat(parent, run->images_dir, "parent"))
		return 0;
	if (errno != EEXIST)
		return err_errno(err, "linking to the parent '%s'", parent);
	size = readlinkat(run->images_dir, "parent", there, sizeof(there) - 1);
	there[size > 0 ? size : 0] = '\0';
	if (!strcmp(there, parent))
		return 0;
	err_set(err, EEXIST, "the images have another parent ('%s') than '%s'",
		there, parent);
	return err_hint(err, "receive into an empty directory");
}

int page_server_open(
	const struct run *run, struct page_server *ret, struct err *err)
{
	const struct options *o = run->opt;
	struct page_server server = PAGE_SERVER_CLOSED;
	int code = parent_link(run, err);

	server.connection = o->ps_fd;
	if (!code && o->ps_fd < 0)
		code = connect_listen(o->address, o->port, &server.listener,
			&server.port, err);
	if (!code)
		*ret = server;
	return code;
}

static int server_look(void *of, struct err *err)
{
	int code = run_check_interrupt(of, "while", "pages were received", err);

	return code ? err_hint(err, "nothing of them is kept") : 0;
}

static int connection_await(struct run *run, struct page_server *server,
	int seconds, struct err *err)
{
	struct pollfd wait_for = {.fd = server->listener, .events = POLLIN};
	int code = 0;

	for (int64_t ms = 0; !code && (!seconds || ms < seconds * 1000ll);
		ms += LOOK_MS) {
		if (poll(&wait_for, 1, LOOK_MS) > 0) {
			server->connection = accept4(
				server->listener, NULL, NULL, SOCK_CLOEXEC);
			if (server->connection < 0)
				return err_errno(err, "accepting a connection");
			/* One it was to be: others are told so at once. */
			fd_closep(&server->listener);
			server->listener = -1;
			return 0;
		}
		code = server_look(run, err);
	}
	return code
		       ?: err_set(err, ETIMEDOUT,
				  "nobody has connected for %d seconds",
				  seconds);
}

static void server_free_old(struct run *run)
{
	struct dedup_result freed = {0};
	struct err err = {0};

	if (!run->opt->auto_dedup)
		return;
	if (dedup_parents(run->arena, run->images_dir, &freed, &err))
		log_warn("freeing old copies of pages: %s", err.text);
	else
		log_info("freed %" PRIu64 " pages of %u image sets",
			freed.pages, freed.sets);
}

int page_server_serve(struct run *run, struct page_server *server, int seconds,
	struct err *err)
{
	struct wire wire = {.look = server_look, .of = run};
	struct receive_result result;
	int code = 0;

	if (server->connection < 0)
		code = connection_await(run, server, seconds, err);
	wire.fd = server->connection;
	if (!code)
		code = wire_begin(&wire, err);
	if (!code && run->opt->tls)
		code = tls_accept(run->arena, &wire, run->opt, err);
	if (!code && run->opt->lazy_pages)
		code = lazy_pages_give(run, &wire, err);
	else if (!code)
		code = pages_receive(run->arena, &wire, run->images_dir,
			(uint32_t)run->page_size, run->opt->ps_fd >= 0, &result,
			err);
	tls_close(wire.tls);
	if (code)
		return err_wrap(err, "page server");
	if (run->opt->lazy_pages)
		return 0;
	server_free_old(run);
	log_info("received %" PRIu64 " pages of %" PRIu64 " memories",
		result.pages, result.objects);
	return 0;
}

void page_server_close(struct page_server *server)
{
	fd_closep(&server->listener);
	fd_closep(&server->connection);
	*server = PAGE_SERVER_CLOSED;
}
