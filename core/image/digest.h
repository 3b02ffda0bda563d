/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest: the XXH3-64 of image files, so computed that the chunks of a big
 * file can be hashed in any order and by several threads.
 *
 * A file of at most one chunk has the hash of its bytes. A bigger one has
 * the hash of the array of its chunks' hashes, little-endian, in order.
 * It finds damage, not malice. Everything here may be called by threads.
 */
#ifndef STASIS_IMAGE_DIGEST_H
#define STASIS_IMAGE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_CHUNK = 4 << 20 };

/* How many chunks a file has; an empty one has one, too. */
size_t digest_chunk_count(uint64_t size);

/* The hash of one chunk: DIGEST_CHUNK bytes, or what the last one has. */
uint64_t digest_chunk(const void *bytes, size_t size);

/* One chunk that comes in pieces, on its way through a cache. */
struct digest_stream;
struct digest_stream *digest_stream_new(void);
void digest_stream_free(struct digest_stream *stream);
void digest_stream_add(
	struct digest_stream *stream, const void *bytes, size_t size);
/* The hash of what was added; the stream is empty again. */
uint64_t digest_stream_take(struct digest_stream *stream);

/* The digest of a file from the hashes of its chunks, in order. */
uint64_t digest_join(const uint64_t *chunks, size_t n);

/* Chunk number `chunk` of an open file of a size, read piece by piece.
 * Returns 0 or -errno; -EIO if the file is shorter. */
int digest_read_chunk(int fd, uint64_t size, size_t chunk, uint64_t *ret_hash);

/* The whole of an open file, by the calling thread alone. */
int digest_read_file(int fd, uint64_t size, uint64_t *ret_digest);

#endif
