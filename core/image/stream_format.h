/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream_format: what stands between the files of a set in one pipe; numbers
 * are little-endian. */
#ifndef STASIS_IMAGE_STREAM_FORMAT_H
#define STASIS_IMAGE_STREAM_FORMAT_H

#include <stdint.h>

#define STREAM_BEGINNING "STASIS\1\n"
enum { STREAM_BEGINNING_SIZE = sizeof(STREAM_BEGINNING) - 1 };

enum stream_mark {
	STREAM_FILE = 1,
	STREAM_WHOLE = 2, /* size: how many files there were */
	STREAM_DONE = 3,
};

/* A file's name follows, then its bytes. */
struct stream_head {
	uint64_t size;
	uint32_t mark;
	uint32_t name_size;
};

#endif
