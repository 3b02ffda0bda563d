/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "test.h"

/* A request with a bit of everything. */
static size_t request_pack(uint8_t *bytes)
{
	CriuOpts opts = CRIU_OPTS__INIT;
	CriuReq req = CRIU_REQ__INIT;
	char *words[] = {(char *)"a", (char *)"b c"};

	opts.images_dir_fd = 5;
	opts.log_file = (char *)"dump.log";
	opts.n_external = 2;
	opts.external = words;
	req.type = CRIU_REQ_TYPE__DUMP;
	req.opts = &opts;
	return criu_req__pack(&req, bytes);
}

TEST(a_request_comes_back_whole)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	uint8_t bytes[200];
	size_t size = request_pack(bytes);
	CriuReq *req;

	CHECK_INT(packet_unpack(arena, bytes, size, &req, ERR_UNREAD), 0);
	CHECK_INT(req->type, CRIU_REQ_TYPE__DUMP);
	CHECK_STR(req->opts->external[1], "b c");
}

TEST(every_cut_of_a_request_is_read_or_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	uint8_t bytes[200];
	size_t size = request_pack(bytes);
	struct err err;
	CriuReq *req;

	for (size_t n = 0; n < size; n++) {
		int rc = packet_unpack(arena, bytes, n, &req, &err);

		/* Only behind the type the message may end early. */
		CHECK_INT(rc, n == 2 ? 0 : -EBADMSG);
	}
}

TEST(every_flipped_bit_of_a_request_is_read_or_refused)
{
	uint8_t bytes[200];
	size_t size = request_pack(bytes);

	for (size_t bit = 0; bit < size * 8; bit++) {
		_cleanup_arena_ struct arena *arena = arena_new();
		CriuReq *req = NULL;
		struct err err;
		int rc;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = packet_unpack(arena, bytes, size, &req, &err);
		CHECK(rc == -EBADMSG || (rc == 0 && req));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

TEST(a_field_of_the_wrong_kind_is_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	static const uint8_t text_as_type[] = {0x0a, 1, 'x'};
	CriuReq *req = NULL;
	struct err err;

	CHECK_INT(packet_unpack(arena, text_as_type, sizeof(text_as_type), &req,
			  &err),
		-EBADMSG);
	CHECK(!req && strstr(err.text, "3 bytes"));
}

TEST(one_packet_is_one_request_and_the_end_is_no_error)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	uint8_t bytes[200];
	size_t size = request_pack(bytes);
	CriuReq *req;
	int pair[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CHECK_INT(write(pair[0], bytes, size), (ssize_t)size);
	CHECK_INT(write(pair[0], bytes, 2), 2);
	CHECK_INT(packet_receive(pair[1], arena, &req, ERR_UNREAD), 0);
	CHECK(req && req->opts);
	CHECK_INT(packet_receive(pair[1], arena, &req, ERR_UNREAD), 0);
	CHECK(req && !req->opts);
	close(pair[0]);
	CHECK_INT(packet_receive(pair[1], arena, &req, ERR_UNREAD), 0);
	CHECK(!req);
	close(pair[1]);
}

TEST(a_client_that_says_nothing_is_not_waited_for_forever)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct timeval soon = {.tv_usec = 1000};
	CriuReq *req;
	int pair[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	CHECK_INT(packet_receive(pair[1], arena, &req, ERR_UNREAD), -ETIMEDOUT);
	close(pair[0]);
	close(pair[1]);
}

TEST(an_answer_that_is_too_long_for_clients_is_not_sent)
{
	static char text[PACKET_ANSWER_MAX + 1];
	CriuResp resp = CRIU_RESP__INIT;
	struct err err;

	memset(text, 'x', sizeof(text) - 1);
	resp.cr_errmsg = text;
	CHECK_INT(packet_send(-1, &resp, &err), -EMSGSIZE);
	resp.cr_errmsg = NULL;
	CHECK_INT(packet_send(-1, &resp, &err), -EBADF);
}

TEST(a_request_of_many_empty_parts_is_refused_and_one_of_many_words_is_not)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	uint8_t *bytes = arena_alloc(arena, PACKET_REQUEST_MAX);
	CriuOpts opts = CRIU_OPTS__INIT;
	CriuReq req = CRIU_REQ__INIT;
	char *words[100000];
	struct err err = {0};
	CriuReq *got;

	req.opts = &opts;
	opts.exec_cmd = words;
	for (size_t i = 0; i < 100000; i++)
		words[i] = (char *)"";
	opts.n_exec_cmd = 100000;
	CHECK_INT(packet_unpack(arena, bytes, criu_req__pack(&req, bytes), &got,
			  &err),
		-EBADMSG);
	CHECK(strstr(err.text, "many times its size"));
	for (size_t i = 0; i < 100000; i++)
		words[i] = (char *)"-a";
	opts.n_exec_cmd = 2000;
	CHECK_INT(packet_unpack(arena, bytes, criu_req__pack(&req, bytes), &got,
			  &err),
		0);
}
