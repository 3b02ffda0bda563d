/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receive: the page server: pages from a connection into an image directory.
 *
 * It writes pagemap-*, pagemap-shmem-* and pages-* files and nothing else.
 * They are put into place when the peer says that it is done (CLOSE), and not
 * at all if anything failed before. What a set before this one holds (the
 * directory's link "parent") is not sent; that it is there is checked.
 */
#ifndef STASIS_PAGES_RECEIVE_H
#define STASIS_PAGES_RECEIVE_H

#include "image/set.h"
#include "pages/wire.h"

struct receive_result {
	uint64_t objects, pages; /* stored */
};

/* shared_fd: the connection may stay open elsewhere, so its end is not waited
 * for. Memory and descriptors are bounded by the number of objects, not of
 * pages. */
int pages_receive(struct arena *arena, struct wire *wire, int images_dir,
	uint32_t page_size, bool shared_fd, struct receive_result *ret,
	struct err *err);

#endif
