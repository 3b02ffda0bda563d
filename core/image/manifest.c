/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/manifest.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#include "base/io.h"
#include "image/budget.h"
#include "image/digest.h"
#include "image/set_state.h"

/* A million files. */
#define MANIFEST_MAX (64ull << 20)

static int manifest_damaged(const char *what, struct err *err)
{
	err_set(err, EBADMSG, "stasis.img is damaged: %s", what);
	return err_hint(err,
		"copy the image directory again, or dump again; do not restore "
		"from a damaged copy");
}

/* A listed name is opened as it is: it must not lead out of here. */
static bool name_plain(const char *name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int manifest_check(const StasisManifest *manifest, struct err *err)
{
	if (manifest->version != MANIFEST_VERSION) {
		err_set(err, ENOTSUP, "the manifest has version %u, not %d",
			manifest->version, MANIFEST_VERSION);
		return err_hint(err, "these images need a newer Stasis");
	}
	if (manifest->chunk_size != DIGEST_CHUNK)
		return manifest_damaged("its chunk size is not known", err);
	for (size_t i = 0; i < manifest->n_file; i++)
		if (!name_plain(manifest->file[i]->name))
			return manifest_damaged("a file name is not one", err);
	return 0;
}

/* Head, record, digest of both, and nothing else. */
static int manifest_unpack(struct arena *arena, const char *bytes, size_t size,
	StasisManifest **ret_manifest, struct err *err)
{
	const struct image_form *form = image_form(IMAGE_MANIFEST);
	struct image_budget budget =
		image_budget(arena, size, BUDGET_TIMES, NULL);
	ProtobufCAllocator allocator = image_allocator(&budget);
	StasisManifest *manifest;
	uint32_t words[3];
	uint64_t seal;
	int code;

	if (size < sizeof(words) + sizeof(seal))
		return manifest_damaged("it is cut off", err);
	memcpy(words, bytes, sizeof(words));
	if (words[0] != form->common || words[1] != form->magic)
		return manifest_damaged("it has no magic", err);
	if (words[2] != size - sizeof(words) - sizeof(seal))
		return manifest_damaged("its size is wrong", err);
	memcpy(&seal, bytes + size - sizeof(seal), sizeof(seal));
	if (le64toh(seal) != digest_chunk(bytes, size - sizeof(seal)))
		return manifest_damaged("its digest is wrong", err);
	manifest = stasis_manifest__unpack(
		&allocator, words[2], (const uint8_t *)bytes + sizeof(words));
	if (!manifest)
		return manifest_damaged(budget.spent
						? BUDGET_TOO_RICH
						: "its record cannot be read",
			err);
	code = manifest_check(manifest, err);
	if (code < 0)
		return code;
	*ret_manifest = manifest;
	return 0;
}

int manifest_load(struct arena *arena, int dir, StasisManifest **ret_manifest,
	struct err *err)
{
	struct err now = {0};
	char *bytes;
	size_t size;
	int ret = io_read_regular(
		arena, dir, "stasis.img", MANIFEST_MAX, &bytes, &size, &now);

	if (ret == -ENOENT) {
		*ret_manifest = NULL;
		return 0;
	}
	if (ret < 0)
		return err_copy(err, &now);
	return manifest_unpack(arena, bytes, size, ret_manifest, err);
}

static char *fact(struct arena *arena, const char *text)
{
	return text ? arena_strdup(arena, text) : NULL;
}

static void manifest_fill(struct image_set *set,
	const struct image_facts *facts, StasisManifest *manifest)
{
	manifest->version = MANIFEST_VERSION;
	manifest->chunk_size = DIGEST_CHUNK;
	manifest->machine = fact(set->arena, facts->machine);
	manifest->page_size = facts->page_size;
	manifest->kernel = fact(set->arena, facts->kernel);
	manifest->cpu = fact(set->arena, facts->cpu);
	manifest->cpuinfo = facts->cpuinfo;
	manifest->hostname = fact(set->arena, facts->hostname);
	manifest->stasis_version = fact(set->arena, facts->stasis_version);
	manifest->has_id = true;
	do {
		if (getrandom(&manifest->id, sizeof(manifest->id), 0) < 0)
			manifest->id =
				(uint64_t)(uintptr_t)set ^ facts->created;
	} while (!manifest->id);
	manifest->has_created = true;
	manifest->created = facts->created;
	manifest->has_remote_pages = facts->remote_pages;
	manifest->remote_pages = facts->remote_pages;
}

static void manifest_list(struct image_set *set, StasisManifest *manifest)
{
	char name[IMAGE_NAME_MAX];
	StasisFile *listed;

	manifest->file = arena_newn(set->arena, StasisFile *, set->files.n + 1);
	for (size_t i = 0; i < set->files.n; i++) {
		if (set->files.at[i]->dropped)
			continue;
		image_name(name, set->files.at[i]->type, set->files.at[i]->id);
		listed = arena_new1(set->arena, StasisFile);
		stasis_file__init(listed);
		listed->name = arena_strdup(set->arena, name);
		listed->size = set->files.at[i]->size;
		listed->xxh3 = set->files.at[i]->digest;
		manifest->file[manifest->n_file++] = listed;
	}
}

void manifest_describe(struct image_set *set, const struct image_facts *facts,
	StasisManifest *ret_manifest)
{
	stasis_manifest__init(ret_manifest);
	manifest_fill(set, facts, ret_manifest);
	manifest_list(set, ret_manifest);
}

int manifest_pack(struct arena *arena, const StasisManifest *manifest,
	void **ret_bytes, size_t *ret_size)
{
	const struct image_form *form = image_form(IMAGE_MANIFEST);
	uint32_t words[3] = {form->common, form->magic};
	size_t packed = stasis_manifest__get_packed_size(manifest);
	uint64_t seal;
	uint8_t *bytes;

	if (packed > INT32_MAX)
		return -EFBIG;
	words[2] = (uint32_t)packed;
	bytes = arena_alloc(arena, sizeof(words) + packed + sizeof(seal));
	memcpy(bytes, words, sizeof(words));
	stasis_manifest__pack(manifest, bytes + sizeof(words));
	seal = htole64(digest_chunk(bytes, sizeof(words) + packed));
	memcpy(bytes + sizeof(words) + packed, &seal, sizeof(seal));
	*ret_bytes = bytes;
	*ret_size = sizeof(words) + packed + sizeof(seal);
	return 0;
}
