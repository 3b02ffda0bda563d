/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/library.h"

#include <errno.h>

#ifdef LOADS_LIBRARIES

#include <dlfcn.h>

static int load_failed(const struct library *library, struct err *err)
{
	err_set(err, ELIBACC, "%s: %s", library->what, dlerror());
	return err_hint(err, "install %s (in Debian the package %s)",
		library->file, library->package);
}

int library_load(const struct library *library,
	const struct library_function *functions, size_t n, void *into,
	struct err *err)
{
	void *loaded = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);

	if (!loaded)
		return load_failed(library, err);
	for (size_t i = 0; i < n; i++)
		if (!dlsym(loaded, functions[i].name))
			return load_failed(library, err);
	for (size_t i = 0; i < n; i++)
		*(void **)((char *)into + functions[i].at) =
			dlsym(loaded, functions[i].name);
	return 0;
}

#else

int library_load(const struct library *library,
	const struct library_function *functions, size_t n, void *into,
	struct err *err)
{
	(void)functions, (void)n, (void)into;
	err_set(err, ELIBACC,
		"%s: this program is linked statically and loads "
		"no library",
		library->what);
	return err_hint(err, "use one that is linked dynamically");
}

#endif
