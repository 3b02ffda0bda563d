/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * send: pages to a page server, object after object, run after run.
 *
 * The caller sends the bytes of a run that is PRESENT right behind it, with
 * wire_put. Nothing is stored at the other end before send_end.
 */
#ifndef STASIS_PAGES_SEND_H
#define STASIS_PAGES_SEND_H

#include "pages/wire.h"

/* *ret_parent: the server has this object in the set before. */
int send_object(struct wire *wire, enum wire_object what, uint64_t id,
	bool *ret_parent, struct err *err);
/* The same without beginning it. */
int send_parent_ask(struct wire *wire, enum wire_object what, uint64_t id,
	bool *ret_parent, struct err *err);
/* flags: PAGES_* of image/pages.h. */
int send_run(struct wire *wire, enum wire_object what, uint64_t id,
	uint64_t vaddr, uint64_t nr_pages, uint32_t flags, struct err *err);
/* Waits until all is stored. shared_fd: the connection stays. */
int send_end(struct wire *wire, bool shared_fd, struct err *err);

#endif
