/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set whose files an image streamer has: each is brought when it is first
 * asked for, and is a file as any other from then on. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "image/set_state.h"
#include "image/streamer.h"

struct image_source {
	struct arena *arena;
	struct stream *stream;
	pid_t owner;
	VEC(const char *) asked;
	struct err failed; /* code 0: nothing has */
};

static bool was_asked(const struct image_source *source, const char *name)
{
	for (size_t i = 0; i < source->asked.n; i++)
		if (!strcmp(source->asked.at[i], name))
			return true;
	return false;
}

int image_file_bring(
	const struct image_set *set, const char *name, struct err *err)
{
	struct image_source *source = set->source;
	bool exists;

	if (!source || was_asked(source, name))
		return 0;
	if (source->failed.code)
		return err_copy(err, &source->failed);
	/* Not to be taken for a file that there is not. */
	if (source->owner != getpid())
		return err_set(err, EIO,
			"%s is wanted by a process that cannot ask the image "
			"streamer for it",
			name);
	*vec_push(source->arena, &source->asked) =
		arena_strdup(source->arena, name);
	if (streamer_fetch(
		    source->stream, set->dir, name, &exists, &source->failed))
		return err_copy(err, &source->failed);
	return 0;
}

/* All that the manifest lists, or all that have no number: these may be asked
 * for by other processes later. */
static int files_bring(
	struct image_set *set, const StasisManifest *manifest, struct err *err)
{
	char name[IMAGE_NAME_MAX];
	int code = 0;

	for (size_t i = 0; manifest && i < manifest->n_file && !code; i++)
		code = strlen(manifest->file[i]->name) < IMAGE_NAME_MAX
			       ? image_file_bring(
					 set, manifest->file[i]->name, err)
			       : 0;
	for (int type = 0; !manifest && type < IMAGE_TYPES && !code; type++) {
		if (image_form((enum image_type)type)->number != IMAGE_NONE ||
			type == IMAGE_STATS_DUMP ||
			type == IMAGE_STATS_RESTORE ||
			type == IMAGE_IRMAP_CACHE)
			continue;
		image_name(name, (enum image_type)type, 0);
		code = image_file_bring(set, name, err);
	}
	return code;
}

int image_set_open_streamed(struct arena *arena, int dir_fd,
	struct stream *stream, struct image_set **ret_set, struct err *err)
{
	struct image_source *source = arena_new1(arena, struct image_source);
	struct image_set probe = {.dir = dir_fd, .source = source};
	StasisManifest *manifest = NULL;
	char name[IMAGE_NAME_MAX];
	int code;

	source->arena = arena;
	source->stream = stream;
	source->owner = getpid();
	image_name(name, IMAGE_MANIFEST, 0);
	code = image_file_bring(&probe, name, err)
		       ?: manifest_load(arena, dir_fd, &manifest, err)
		       ?: files_bring(&probe, manifest, err)
		       ?: image_set_open(arena, dir_fd, ret_set, err);
	if (!code && !manifest)
		(*ret_set)->source = source;
	return code;
}

int image_set_check_source(const struct image_set *set, struct err *err)
{
	if (!set->source || !set->source->failed.code)
		return 0;
	return err_copy(err, &set->source->failed);
}
