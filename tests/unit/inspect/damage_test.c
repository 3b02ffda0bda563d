/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "inspect/inspect.h"
#include "test.h"

/* xorshift: the same damage in every run. */
static uint64_t dice(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void file_put(int dir, const char *name, const char *bytes, size_t size)
{
	_cleanup_fd_ int fd = openat(
		dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || io_write_all(fd, bytes, size) < 0)
		abort();
}

static void dir_inspect(int dir, bool json)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct err err = {0};
	FILE *out = fopen("/dev/null", "we");

	REQUIRE(image_set_open(arena, dir, &set, &err) == 0);
	if (inspect_print(set, out, json, true, &err) < 0)
		CHECK(err.code > 0 && err.text[0]);
	fclose(out);
}

struct sample_file {
	char name[64];
	char *bytes;
	size_t size;
};

static size_t sample_read(
	struct arena *arena, const char *path, struct sample_file files[64])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(dir)) && n < 64) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(files[n].name, sizeof(files[n].name), "%.63s",
			entry->d_name);
		if (io_read_file(arena, dirfd(dir), entry->d_name,
			    &files[n].bytes, &files[n].size) == 0)
			n++;
	}
	closedir(dir);
	return n;
}

/* One file at a time gets a few wrong bytes behind its magic. */
static void sample_damage(const char *path, int rounds)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char place[] = "/tmp/inspect-damage-XXXXXX", command[64];
	struct sample_file files[64], *file;
	size_t n = sample_read(arena, path, files);
	uint64_t state = 88172645463325252;
	char *damaged;
	int dir;

	REQUIRE(n > 5 && mkdtemp(place));
	dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < n; i++)
		file_put(dir, files[i].name, files[i].bytes, files[i].size);
	for (int i = 0; i < rounds; i++) {
		file = &files[dice(&state) % n];
		if (file->size < 16)
			continue;
		damaged = arena_copy(arena, file->bytes, file->size);
		for (int k = 0; k < 3; k++)
			damaged[8 + dice(&state) % (file->size - 8)] ^=
				(char)(1 << dice(&state) % 8);
		file_put(dir, file->name, damaged, file->size);
		dir_inspect(dir, i & 1);
		file_put(dir, file->name, file->bytes, file->size);
	}
	close(dir);
	snprintf(command, sizeof(command), "rm -r %s", place);
	CHECK_INT(system(command), 0);
}

TEST(damaged_images_are_shown_or_refused_but_never_crash)
{
	const char *rounds = getenv("INSPECT_FUZZ_ROUNDS");

	sample_damage("tests/data/samples/sleep", rounds ? atoi(rounds) : 60);
	sample_damage("tests/data/samples/zoo", rounds ? atoi(rounds) : 60);
}
