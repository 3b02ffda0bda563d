/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/serve.h"

#include <errno.h>
#include <inttypes.h>

#include "base/arena.h"
#include "image/pages.h"

enum { PIECE = 4 << 20 };

struct server {
	struct wire *wire;
	uint32_t page_size;
	const struct serve_from *from;
	char *room;
	struct serve_result result;
};

static int pages_give(struct server *server, const struct wire_message *request,
	struct err *err)
{
	uint64_t n = request->nr_pages, most = PIECE / server->page_size;
	struct wire_message answer = *request;
	int code = wire_check_pages(request, server->page_size, err);

	if (code)
		return code;
	code = server->from->give(server->from->of, request->object,
		request->vaddr, server->room, n < most ? n : most, &n, err);
	if (!code && !n)
		code = err_set(err, EBADMSG,
			"the peer asks for the page at 0x%" PRIx64
			" of process %" PRIu64 ", which is not kept for it",
			request->vaddr, request->object);
	if (code)
		return code;
	answer.command = WIRE_ADD_F | PAGES_PRESENT << 16;
	answer.nr_pages = n;
	server->result.requests++;
	server->result.pages += n;
	return wire_send(server->wire, &answer, err)
		       ?: wire_put(server->wire, server->room,
				  n * server->page_size, err);
}

static int close_answer(struct server *server, bool shared_fd, struct err *err)
{
	const int32_t answer = 0;
	int code = wire_put(server->wire, &answer, sizeof(answer), err);

	server->result.closed = !code;
	/* So that the connection's last state stays with the other end. */
	if (!code && !shared_fd)
		wire_await_end(server->wire, ERR_UNREAD);
	return code;
}

static int requests_answer(
	struct server *server, bool shared_fd, struct err *err)
{
	struct wire_message request;
	bool end;
	int code;

	for (;;) {
		code = wire_receive(server->wire, &request, &end, err);
		if (code || end)
			return code;
		switch (wire_command(&request)) {
		case WIRE_GET:
			code = pages_give(server, &request, err);
			break;
		case WIRE_CLOSE:
		case WIRE_FORCE_CLOSE:
			return close_answer(server, shared_fd, err);
		default:
			code = err_set(err, EBADMSG,
				"the peer says something that one who serves "
				"lazy pages does not know (command %u)",
				request.command);
			err_hint(err, "it must be a lazy-pages daemon of CRIU "
				      "4.2 or newer, or ours");
		}
		if (code)
			return code;
	}
}

int pages_serve(struct arena *arena, struct wire *wire, uint32_t page_size,
	const struct serve_from *from, bool shared_fd, struct serve_result *ret,
	struct err *err)
{
	struct server server = {.wire = wire,
		.page_size = page_size,
		.from = from,
		.room = arena_alloc(arena, PIECE)};
	int code = requests_answer(&server, shared_fd, err);

	*ret = server.result;
	return code;
}
