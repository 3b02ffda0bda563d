/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/attributes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static bool is_kept(const char *name)
{
	static const char *const kept[] = {"user.", "trusted.",
		"security.capability", "system.posix_acl_"};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (strncmp(name, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

static int value_capture(struct arena *arena, const char *link,
	const char *name, StasisAttribute **ret, struct err *err)
{
	StasisAttribute *one = arena_new1(arena, StasisAttribute);
	ssize_t size = getxattr(link, name, NULL, 0);
	uint8_t *value = NULL;

	stasis_attribute__init(one);
	one->name = arena_strdup(arena, name);
	if (size > 0) {
		value = arena_alloc(arena, (size_t)size);
		size = getxattr(link, name, value, (size_t)size);
	}
	if (size < 0)
		return err_errno(err, "reading its attribute '%s'", name);
	one->value = (ProtobufCBinaryData){(size_t)size, value};
	*ret = one;
	return 0;
}

int attributes_capture(struct arena *arena, int fd, StasisAttribute ***ret,
	size_t *ret_n, struct err *err)
{
	StasisAttribute **all = NULL;
	char link[32], *names = NULL;
	ssize_t size;
	size_t n = 0;
	int code = 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = listxattr(link, NULL, 0);
	if (size > 0) {
		names = arena_alloc(arena, (size_t)size);
		size = listxattr(link, names, (size_t)size);
	}
	if (size < 0 && errno != EOPNOTSUPP)
		return err_errno(err, "listing its attributes");
	for (const char *name = names; size > 0 && name < names + size && !code;
		name += strlen(name) + 1) {
		if (!is_kept(name))
			continue;
		all = arena_grow(
			arena, all, n * sizeof(*all), (n + 1) * sizeof(*all));
		code = value_capture(arena, link, name, &all[n], err);
		n += !code;
	}
	if (code)
		return code;
	*ret = all;
	*ret_n = n;
	return 0;
}

int attributes_restore(
	int fd, StasisAttribute *const *attributes, size_t n, struct err *err)
{
	const StasisAttribute *one;

	for (size_t i = 0; i < n; i++) {
		one = attributes[i];
		if (!is_kept(one->name))
			return err_set(err, EBADMSG,
				"a file with the attribute '%s', which is none "
				"of a file's own",
				one->name);
		if (fsetxattr(
			    fd, one->name, one->value.data, one->value.len, 0))
			return err_errno(
				err, "setting its attribute '%s'", one->name);
	}
	return 0;
}
