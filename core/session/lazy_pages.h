/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lazy_pages: the daemon that brings pages to what a restore has made, from
 * the session's image directory or from a page server; and that page server.
 *
 * INT and TERM (held back: run->patient) end it while the restore is not
 * finished. From then on the tasks live by it: the first one is only told, and
 * all that is missing is brought before it ends; the second one ends the
 * tasks.
 */
#ifndef STASIS_SESSION_LAZY_PAGES_H
#define STASIS_SESSION_LAZY_PAGES_H

#include "image/set.h"
#include "model/run.h"
#include "pages/wire.h"
#include "session/page_server.h"

struct lazy_pages {
	int listener; /* for the restore */
	struct image_set *images;
	struct wire wire; /* fd -1: no page server */
};

#define LAZY_PAGES_CLOSED \
	((struct lazy_pages){.listener = -1, .wire = {.fd = -1}})

/* Images are verified, the page server is connected to, and a restore may
 * come. */
int lazy_pages_open(struct run *run, struct lazy_pages *ret, struct err *err);
/* One restore, until all is brought. */
int lazy_pages_serve(
	struct run *run, struct lazy_pages *daemon, struct err *err);
void lazy_pages_close(struct lazy_pages *daemon);

/* What a page server with --lazy-pages does on its connection: it gives what
 * the images hold. */
int lazy_pages_give(struct run *run, struct wire *wire, struct err *err);

#endif
