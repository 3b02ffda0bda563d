/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * raw: a client that knows nothing but the socket and the bytes.
 *
 *	raw STASIS DIR	freezes a child of its own and brings it back
 *
 * Its messages are put together by hand from the numbers in rpc.proto, so
 * that no library stands between the test and the wire. Prints what it heard,
 * one word a line; ends with 0 when all went well.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DUMP = 1, RESTORE = 2, NOTIFY = 6, VERSION = 10 };

/* --- the wire: a key is number * 8 + kind, 0 a varint, 2 bytes ------------ */

struct bytes {
	uint8_t at[1024];
	size_t n;
};

static void varint_put(struct bytes *to, uint64_t value)
{
	for (; value > 127; value >>= 7)
		to->at[to->n++] = (uint8_t)(value | 128);
	to->at[to->n++] = (uint8_t)value;
}

static void number_put(struct bytes *to, unsigned field, uint64_t value)
{
	varint_put(to, field << 3);
	varint_put(to, value);
}

static void bytes_put(
	struct bytes *to, unsigned field, const void *from, size_t n)
{
	varint_put(to, field << 3 | 2);
	varint_put(to, n);
	memcpy(to->at + to->n, from, n);
	to->n += n;
}

static uint64_t varint_get(const uint8_t **at)
{
	uint64_t value = 0;
	int shift = 0;

	do
		value |= (uint64_t)(**at & 127) << shift;
	while (shift += 7, *(*at)++ & 128);
	return value;
}

/* The last value of a field: of bytes, how many, and where. */
static bool field_get(const uint8_t *at, size_t n, unsigned field,
	uint64_t *ret_value, const uint8_t **ret_bytes)
{
	const uint8_t *end = at + n;
	bool found = false;

	while (at < end) {
		uint64_t key = varint_get(&at), value = varint_get(&at);

		if (key >> 3 == field) {
			found = true;
			*ret_value = value;
			*ret_bytes = at;
		}
		if ((key & 7) == 2)
			at += value;
	}
	return found;
}

/* --- one request -----------------------------------------------------------
 */

struct answer {
	uint8_t bytes[8192];
	size_t n;
	uint64_t type, success;
};

static void answer_read(int socket, struct answer *ret)
{
	const uint8_t *bytes;
	ssize_t n = recv(socket, ret->bytes, sizeof(ret->bytes), MSG_TRUNC);

	if (n <= 0 || n > (ssize_t)sizeof(ret->bytes))
		errx(1, "an answer of %zd bytes", n);
	ret->n = (size_t)n;
	if (!field_get(ret->bytes, ret->n, 1, &ret->type, &bytes) ||
		!field_get(ret->bytes, ret->n, 2, &ret->success, &bytes))
		errx(1, "an answer without type or success");
}

/* Agrees to a notification, and tells of it. */
static void notification_agree(int socket, const struct answer *answer)
{
	struct bytes reply = {.n = 0};
	const uint8_t *notify, *script;
	uint64_t size, length;

	if (!field_get(answer->bytes, answer->n, 5, &size, &notify) ||
		!field_get(notify, size, 1, &length, &script))
		errx(1, "a notification without a script");
	printf("%.*s\n", (int)length, (const char *)script);
	number_put(&reply, 1, NOTIFY);
	number_put(&reply, 3, true);
	if (send(socket, reply.at, reply.n, 0) != (ssize_t)reply.n)
		err(1, "agreeing");
}

static void request(
	int socket, uint64_t type, const struct bytes *opts, struct answer *ret)
{
	struct bytes packet = {.n = 0};

	number_put(&packet, 1, type);
	if (opts)
		bytes_put(&packet, 2, opts->at, opts->n);
	if (send(socket, packet.at, packet.n, 0) != (ssize_t)packet.n)
		err(1, "asking");
	answer_read(socket, ret);
	while (ret->type == NOTIFY) {
		notification_agree(socket, ret);
		answer_read(socket, ret);
	}
	if (ret->type != type || !ret->success)
		errx(1, "request %d failed", (int)type);
}

/* A worker of its own for each request, as clients have it. */
static void ask(const char *stasis, uint64_t type, const struct bytes *opts,
	struct answer *ret)
{
	char number[12];
	int pair[2], status;
	pid_t worker;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		err(1, "socketpair");
	worker = fork();
	if (!worker) {
		close(pair[0]);
		snprintf(number, sizeof(number), "%d", pair[1]);
		execl(stasis, stasis, "swrk", number, NULL);
		_exit(127);
	}
	close(pair[1]);
	request(pair[0], type, opts, ret);
	close(pair[0]);
	if (waitpid(worker, &status, 0) != worker || status)
		errx(1, "the worker ended with %#x", status);
}

static pid_t child_make(void)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	setsid();
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close_range(3, ~0u, 0);
	for (;;)
		pause();
}

static void options_fill(struct bytes *opts, int dir, pid_t pid)
{
	opts->n = 0;
	number_put(opts, 1, (uint64_t)dir);
	if (pid)
		number_put(opts, 2, (uint64_t)pid);
	number_put(opts, 12, true); /* notify_scripts */
	if (!pid)
		number_put(opts, 26, true); /* rst_sibling */
}

int main(int argc, char **argv)
{
	struct bytes opts;
	struct answer answer;
	const uint8_t *part, *ignored;
	uint64_t size, pid = 0;
	pid_t child;
	int dir, status;

	if (argc != 3)
		errx(2, "raw STASIS DIR");
	dir = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		err(1, "%s", argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	ask(argv[1], VERSION, NULL, &answer);
	child = child_make();
	usleep(100 * 1000);
	options_fill(&opts, dir, child);
	ask(argv[1], DUMP, &opts, &answer);
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
		errx(1, "the child is not gone");
	options_fill(&opts, dir, 0);
	ask(argv[1], RESTORE, &opts, &answer);
	if (!field_get(answer.bytes, answer.n, 4, &size, &part) ||
		!field_get(part, size, 1, &pid, &ignored) ||
		(pid_t)pid != child)
		errx(1, "restored as %d, not as %d", (int)pid, child);
	kill(child, SIGTERM);
	if (waitpid(child, &status, 0) != child || WTERMSIG(status) != SIGTERM)
		errx(1, "the child did not come back as ours");
	return 0;
}
