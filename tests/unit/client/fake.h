/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake: the other end of a client's connection, played by the test itself.
 *
 * Answers are put into the socket before the client asks, requests are taken
 * out of it afterwards: nothing runs at the same time.
 */
#ifndef STASIS_TEST_FAKE_H
#define STASIS_TEST_FAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/criu.h"

/* How a request to dump starts: its type, then the options' images_dir_fd of
 * -1, the one field that is always there. */
#define DUMP_TYPE "0801"
#define NO_DIR "08ffffffffffffffffff01"
/* Answers: that of a dump or of a restore that went well. */
#define DUMP_DONE "08011001"
#define RESTORE_DONE "080210012202087b"

struct fake {
	int fd;
	char hex[8192]; /* of the request that was taken last */
};

/* A connected descriptor for a client; its other end is the fake's. */
static inline int fake_open(struct fake *ret_fake)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		abort();
	ret_fake->fd = pair[1];
	return pair[0];
}

/* An empty set of options whose next request goes to fake. */
static inline criu_opts *fake_opts(struct fake *ret_fake)
{
	criu_opts *opts = NULL;

	if (criu_local_init_opts(&opts))
		abort();
	criu_local_set_service_fd(opts, fake_open(ret_fake));
	return opts;
}

static inline void fake_close(struct fake *fake, criu_opts *opts)
{
	close(fake->fd);
	criu_local_free_opts(opts);
}

/* Puts an answer, given as hexadecimal digits, into the socket. */
static inline void fake_answer(const struct fake *fake, const char *hex)
{
	unsigned char bytes[4096];
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			abort();
		bytes[i] = byte;
	}
	if (send(fake->fd, bytes, n, 0) != (ssize_t)n)
		abort();
}

/* Takes the next request out; "" when there is none. */
static inline const char *fake_request(struct fake *fake)
{
	unsigned char bytes[4096];
	ssize_t n = recv(fake->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	fake->hex[0] = '\0';
	for (ssize_t i = 0; i < n; i++)
		sprintf(fake->hex + 2 * i, "%02x", bytes[i]);
	return fake->hex;
}

/* What a request says of opts, beyond the directory that is always there. */
static inline const char *fake_dump_opts(struct fake *fake)
{
	const char *hex = fake_request(fake);
	const char *found = strstr(hex, NO_DIR);

	if (strncmp(hex, DUMP_TYPE "12", 6) != 0 || !found)
		return "no dump";
	return found + strlen(NO_DIR);
}

#endif
