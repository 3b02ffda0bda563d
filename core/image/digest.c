/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/digest.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "backend.h"
#include "base/io.h"

/* Small enough to stay in a second-level cache between read and hash. */
enum { PIECE_SIZE = 256 * 1024 };

struct digest_stream {
	XXH3_state_t state;
};

size_t digest_chunk_count(uint64_t size)
{
	if (size == 0)
		return 1;
	return (size_t)((size - 1) / DIGEST_CHUNK + 1);
}

uint64_t digest_chunk(const void *bytes, size_t size)
{
	return XXH3_64bits(bytes, size);
}

struct digest_stream *digest_stream_new(void)
{
	/* The state is aligned, and so its size is a multiple of that. */
	struct digest_stream *stream =
		aligned_alloc(_Alignof(struct digest_stream), sizeof(*stream));

	if (stream)
		XXH3_64bits_reset(&stream->state);
	return stream;
}

void digest_stream_free(struct digest_stream *stream)
{
	free(stream);
}

void digest_stream_add(
	struct digest_stream *stream, const void *bytes, size_t size)
{
	const struct backend *be = backend_native;

	if (!be->hash_add || !be->hash_add(&stream->state, bytes, size))
		XXH3_64bits_update(&stream->state, bytes, size);
}

uint64_t digest_stream_take(struct digest_stream *stream)
{
	uint64_t hash = XXH3_64bits_digest(&stream->state);

	XXH3_64bits_reset(&stream->state);
	return hash;
}

uint64_t digest_join(const uint64_t *chunks, size_t n)
{
	struct digest_stream stream;
	uint64_t little;

	if (n == 1)
		return chunks[0];
	XXH3_64bits_reset(&stream.state);
	for (size_t i = 0; i < n; i++) {
		little = htole64(chunks[i]);
		digest_stream_add(&stream, &little, sizeof(little));
	}
	return digest_stream_take(&stream);
}

int digest_read_chunk(int fd, uint64_t size, size_t chunk, uint64_t *ret_hash)
{
	uint64_t at = (uint64_t)chunk * DIGEST_CHUNK, end = at + DIGEST_CHUNK;
	struct digest_stream *stream = digest_stream_new();
	char *piece = malloc(PIECE_SIZE);
	size_t now;
	int err = piece && stream ? 0 : -ENOMEM;

	if (end > size)
		end = size;
	for (; !err && at < end; at += now) {
		now = end - at < PIECE_SIZE ? end - at : PIECE_SIZE;
		err = io_pread_exact(fd, piece, now, (off_t)at);
		if (!err)
			digest_stream_add(stream, piece, now);
	}
	if (!err)
		*ret_hash = digest_stream_take(stream);
	digest_stream_free(stream);
	free(piece);
	return err;
}

int digest_read_file(int fd, uint64_t size, uint64_t *ret_digest)
{
	size_t n = digest_chunk_count(size);
	uint64_t *chunks = calloc(n, sizeof(*chunks));
	int err = chunks ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++)
		err = digest_read_chunk(fd, size, i, &chunks[i]);
	if (!err)
		*ret_digest = digest_join(chunks, n);
	free(chunks);
	return err;
}
