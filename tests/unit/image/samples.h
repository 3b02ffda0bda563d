/* SPDX-License-Identifier: GPL-2.0-or-later */
/* samples: the sample images and scratch directories, for tests of images. */
#ifndef STASIS_TEST_SAMPLES_H
#define STASIS_TEST_SAMPLES_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/io.h"
#include "image/set.h"
#include "test.h"

static const char *const sample_names[] = {"sleep", "tree", "zoo"};

static inline int sample_dir(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "tests/data/samples/%s", name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct scratch {
	char path[64];
	int fd;
};

static inline struct scratch scratch_make(void)
{
	struct scratch scratch = {.path = "/dev/shm/image-test-XXXXXX"};

	if (!mkdtemp(scratch.path)) {
		strcpy(scratch.path, "/tmp/image-test-XXXXXX");
		if (!mkdtemp(scratch.path))
			abort();
	}
	scratch.fd = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch;
}

static inline DIR *dir_again(int dir)
{
	return fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static inline void dir_empty(int dir)
{
	DIR *list = dir_again(dir);
	struct dirent *entry;
	int sub;

	while ((entry = readdir(list))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(dir, entry->d_name, 0) == 0)
			continue;
		sub = openat(dir, entry->d_name, O_RDONLY | O_CLOEXEC);
		dir_empty(sub);
		close(sub);
		unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	}
	closedir(list);
}

static inline void scratch_remove(struct scratch *scratch)
{
	dir_empty(scratch->fd);
	close(scratch->fd);
	rmdir(scratch->path);
}
#define _cleanup_scratch_ __attribute__((cleanup(scratch_remove)))

static inline size_t dir_count(int dir)
{
	DIR *list = dir_again(dir);
	size_t n = 0;

	while (readdir(list))
		n++;
	closedir(list);
	return n - 2;
}

static inline void file_write(
	int dir, const char *name, const void *bytes, size_t size)
{
	int fd = openat(
		dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || io_write_all(fd, bytes, size) < 0)
		abort();
	close(fd);
}

static inline char *file_read(
	struct arena *arena, int dir, const char *name, size_t *ret_size)
{
	char *bytes;

	if (io_read_file(arena, dir, name, &bytes, ret_size) < 0)
		abort();
	return bytes;
}

/* Calls back for every image file of every sample. */
typedef void sample_visit(int dir, const char *name, enum image_type type,
	uint64_t id, void *arg);

static inline void samples_each(sample_visit *visit, void *arg)
{
	enum image_type type;
	struct dirent *entry;
	uint64_t id;
	DIR *list;
	int dir;

	for (size_t i = 0; i < 3; i++) {
		dir = sample_dir(sample_names[i]);
		list = dir_again(dir);
		while ((entry = readdir(list)))
			if (image_name_parse(entry->d_name, &type, &id))
				visit(dir, entry->d_name, type, id, arg);
		closedir(list);
		close(dir);
	}
}

#endif
