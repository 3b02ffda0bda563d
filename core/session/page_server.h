/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_server: serves one connection with pages, then is done. What comes is
 * put into the session's image directory (pages/receive.h).
 */
#ifndef STASIS_SESSION_PAGE_SERVER_H
#define STASIS_SESSION_PAGE_SERVER_H

#include "model/run.h"

struct page_server {
	int listener;	/* -1: ... */
	int connection; /* ... it was given */
	int port;	/* on which it listens */
};

#define PAGE_SERVER_CLOSED ((struct page_server){-1, -1, 0})

/* By --address and --port, or --ps-socket. Port 0: the kernel chooses. */
int page_server_open(
	const struct run *run, struct page_server *ret, struct err *err);

/* Waits for the connection (seconds; 0: for ever) and serves it. INT and TERM
 * end it when they are held back (run->patient); nothing is kept then. */
int page_server_serve(struct run *run, struct page_server *server, int seconds,
	struct err *err);

void page_server_close(struct page_server *server);

#endif
