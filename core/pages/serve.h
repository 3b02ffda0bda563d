/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve: pages to whoever asks for them, one connection: the other half of
 * lazy pages over the wire.
 *
 * Requests are answered in their order, each with at least one page of those
 * that it names, from its first one on. No number in them is believed.
 */
#ifndef STASIS_PAGES_SERVE_H
#define STASIS_PAGES_SERVE_H

#include "base/arena.h"
#include "pages/wire.h"

struct serve_from {
	/* At most n pages of a task from vaddr on; *ret_n: how many they are,
	 * 0: the first is not one of those that can be asked for. */
	int (*give)(void *of, uint64_t pid, uint64_t vaddr, void *to,
		uint64_t n, uint64_t *ret_n, struct err *err);
	void *of;
};

struct serve_result {
	uint64_t requests, pages;
	bool closed; /* the peer has said that it wants no more */
};

/* Until the peer closes. shared_fd: the connection may stay open elsewhere, so
 * its end is not waited for. */
int pages_serve(struct arena *arena, struct wire *wire, uint32_t page_size,
	const struct serve_from *from, bool shared_fd, struct serve_result *ret,
	struct err *err);

#endif
