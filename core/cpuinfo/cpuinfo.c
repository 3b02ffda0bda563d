/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpuinfo/cpuinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "image/manifest.h"
#include "options/options.h"

static const char file_name[] = "cpuinfo.img";

int cpuinfo_describe(struct arena *arena, CpuinfoEntry **ret, struct err *err)
{
	const struct backend *be = backend_host();

	if (!be)
		return err_set(err, ENOTSUP, "this machine is not supported");
	if (be->cpu_describe(arena, ret, err))
		return err_wrap(err, "describing the CPU of this host");
	return 0;
}

/* Without what other engines would not keep. */
static CpuinfoEntry entry_of_format(const CpuinfoEntry *entry)
{
	CpuinfoEntry file = *entry;

	file.n_more = 0;
	file.more = NULL;
	return file;
}

/* A new file would no longer be the one that the manifest lists. */
static int sealed_check(struct arena *arena, int dir, struct err *err)
{
	StasisManifest *manifest = NULL;
	int code;

	code = manifest_load(arena, dir, &manifest, err);
	for (size_t i = 0; !code && manifest && i < manifest->n_file; i++) {
		if (strcmp(manifest->file[i]->name, file_name))
			continue;
		err_set(err, EEXIST,
			"the directory holds a finished dump, and its %s "
			"belongs to it",
			file_name);
		return err_hint(err, "name another directory with -D");
	}
	return code;
}

int cpuinfo_write(struct arena *arena, int dir, struct err *err)
{
	CpuinfoEntry *entry, file;
	int code;

	code = sealed_check(arena, dir, err);
	if (!code)
		code = cpuinfo_describe(arena, &entry, err);
	if (code)
		return code;
	file = entry_of_format(entry);
	return image_write_alone(dir, IMAGE_CPUINFO, 0, &file.base, err);
}

int cpuinfo_append(
	struct image_set *set, const CpuinfoEntry *entry, struct err *err)
{
	CpuinfoEntry file = entry_of_format(entry);

	return image_append(set, IMAGE_CPUINFO, 0, &file.base, NULL, 0, err);
}

/* Names go to terminals and into messages; those of CPUs are ASCII. */
static void name_clean(char *name)
{
	for (; name && *name; name++)
		if (*name < ' ' || *name > '~')
			*name = '?';
}

/* What a backend may count on before it compares, and people before they
 * read. */
static int entry_check(CpuinfoEntry *entry, struct err *err)
{
	const struct backend *be = backend_by_cpuinfo(entry);
	int code;

	if (!be)
		return err_set(err, ENOTSUP,
			"it describes no CPU of a machine that is known here");
	code = be->cpu_accept(entry, entry, 0, err);
	if (code == -EINVAL)
		err_hint(err, "the file is damaged: make it again with "
			      "'cpuinfo dump' on its host");
	for (size_t i = 0; i < entry->n_x86_entry; i++)
		name_clean(entry->x86_entry[i]->model_id);
	for (size_t i = 0; i < entry->n_aarch64_entry; i++)
		name_clean(entry->aarch64_entry[i]->model);
	return code;
}

int cpuinfo_read(struct arena *arena, int dir, const char *path,
	const CpuinfoEntry **ret, struct err *err)
{
	ProtobufCMessage *msg;
	int code;

	code = image_read_alone(arena, dir, path, IMAGE_CPUINFO, &msg, err);
	if (!code)
		code = entry_check((CpuinfoEntry *)msg, err);
	if (code)
		return err_wrap(err, "'%s'", path);
	*ret = (const CpuinfoEntry *)msg;
	return 0;
}

/* NULL: none, or no dump. */
static int manifest_read(struct arena *arena, const char *path,
	const CpuinfoEntry **ret, struct err *err)
{
	_cleanup_fd_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	StasisManifest *manifest;
	int code;

	if (dir < 0)
		return err_errno(err, "opening '%s'", path);
	code = manifest_load(arena, dir, &manifest, err);
	if (!code && manifest && manifest->cpuinfo)
		code = entry_check(manifest->cpuinfo, err);
	if (code)
		return err_wrap(err, "'%s'", path);
	*ret = manifest ? manifest->cpuinfo : NULL;
	return 0;
}

int cpuinfo_read_dir(struct arena *arena, const char *path,
	const CpuinfoEntry **ret, struct err *err)
{
	const char *file = arena_printf(arena, "%s/%s", path, file_name);
	const CpuinfoEntry *entry = NULL;
	struct err missing = {0};
	int code;

	code = cpuinfo_read(arena, AT_FDCWD, file, &entry, &missing);
	if (code == -ENOENT) {
		code = manifest_read(arena, path, &entry, err);
		if (code)
			return code;
	}
	if (!entry) {
		*err = missing;
		return -missing.code;
	}
	*ret = entry;
	return 0;
}

static int image_read_here(
	struct arena *arena, int dir, const CpuinfoEntry **ret, struct err *err)
{
	int code = cpuinfo_read(arena, dir, file_name, ret, err);

	if (code == -ENOENT)
		err_hint(err, "it is made by 'cpuinfo dump', and by a dump "
			      "with --cpu-cap");
	return code;
}

static int compare_here(struct arena *arena, const CpuinfoEntry *image,
	uint32_t cap, const char **ret_here, struct err *err)
{
	const struct backend *be = backend_host();
	CpuinfoEntry *here;
	int code;

	code = cpuinfo_describe(arena, &here, err);
	if (code)
		return code;
	if (!be->cpu_claims(image))
		return err_set(err, ENOTSUP,
			"the image was made on %s, this machine is %s",
			backend_by_cpuinfo(image)->name, be->name);
	code = be->cpu_accept(image, here, cap, err);
	if (!code && ret_here)
		*ret_here = be->cpu_model(here);
	return code ? err_wrap(err, "this host is not enough") : 0;
}

int cpuinfo_compare(
	struct arena *arena, CpuinfoEntry *image, uint32_t cap, struct err *err)
{
	return entry_check(image, err)
		       ?: compare_here(arena, image, cap, NULL, err);
}

int cpuinfo_check(struct arena *arena, int dir, uint32_t cap,
	const char **ret_image, const char **ret_here, struct err *err)
{
	const CpuinfoEntry *image;
	int code;

	code = image_read_here(arena, dir, &image, err);
	if (!code)
		code = compare_here(arena, image, cap, ret_here, err);
	if (!code && ret_image)
		*ret_image = backend_host()->cpu_model(image);
	return code;
}
