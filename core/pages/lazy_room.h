/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lazy_room: how much of what the files of lazy.h may have at once. */
#ifndef STASIS_PAGES_LAZY_ROOM_H
#define STASIS_PAGES_LAZY_ROOM_H

#include <stdint.h>

enum {
	LAZY_CHUNK = 64 << 10, /* in the background, right after a fault */
	LAZY_ROOM = 4 << 20,   /* the most that comes at once */
	LAZY_ROOM_ALIGN = 64 << 10,
	LAZY_REQUESTS = 512, /* that a server has not answered yet */
};

/* A steady clock, in ms. */
uint64_t lazy_now(void);

#endif
