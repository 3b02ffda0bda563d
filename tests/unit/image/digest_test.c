/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/digest.h"

#include "samples.h"

static char *pattern(size_t size)
{
	char *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	return bytes;
}

TEST(an_empty_file_has_one_chunk)
{
	CHECK_INT(digest_chunk_count(0), 1);
	CHECK_INT(digest_chunk_count(1), 1);
	CHECK_INT(digest_chunk_count(DIGEST_CHUNK), 1);
	CHECK_INT(digest_chunk_count(DIGEST_CHUNK + 1), 2);
}

/* XXH3-64 of nothing and of "abc", as the reference tool prints them. */
TEST(the_hash_is_xxh3)
{
	CHECK(digest_chunk("", 0) == 0x2d06800538d394c2ull);
	CHECK(digest_chunk("abc", 3) == 0x78af5f94892f3950ull);
}

TEST(a_stream_gives_the_hash_of_the_whole)
{
	struct digest_stream *stream = digest_stream_new();
	char *bytes = pattern(100000);

	digest_stream_add(stream, bytes, 1);
	digest_stream_add(stream, bytes + 1, 69999);
	digest_stream_add(stream, bytes + 70000, 30000);
	CHECK(digest_stream_take(stream) == digest_chunk(bytes, 100000));
	digest_stream_add(stream, bytes, 5);
	CHECK(digest_stream_take(stream) == digest_chunk(bytes, 5));
	digest_stream_free(stream);
	free(bytes);
}

TEST(a_big_file_has_the_digest_of_its_chunks)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	size_t size = DIGEST_CHUNK * 2 + 12345;
	char *bytes = pattern(size);
	uint64_t chunks[3], digest = 0;
	_cleanup_fd_ int fd = -1;

	file_write(scratch.fd, "big", bytes, size);
	fd = openat(scratch.fd, "big", O_RDONLY | O_CLOEXEC);
	chunks[0] = digest_chunk(bytes, DIGEST_CHUNK);
	chunks[1] = digest_chunk(bytes + DIGEST_CHUNK, DIGEST_CHUNK);
	chunks[2] = digest_chunk(bytes + DIGEST_CHUNK * 2, 12345);
	CHECK_INT(digest_read_file(fd, size, &digest), 0);
	CHECK(digest == digest_join(chunks, 3));
	CHECK(digest == digest_chunk(chunks, sizeof(chunks)));
	free(bytes);
}

TEST(a_file_that_is_shorter_than_said_is_an_error)
{
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_fd_ int fd = -1;
	uint64_t digest = 7;

	file_write(scratch.fd, "short", "abc", 3);
	fd = openat(scratch.fd, "short", O_RDONLY | O_CLOEXEC);
	CHECK_INT(digest_read_file(fd, 4, &digest), -EIO);
	CHECK_INT(digest, 7);
}
