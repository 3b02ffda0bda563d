/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/unwind_library.h"

#ifdef UNWIND_LIBRARY

#include <stddef.h>

#include "base/library.h"

/* libunwind.h renames its functions by machine: names as they are exported. */
#define QUOTED(name) #name
#define EXPANDED(name) QUOTED(name)
#define EXPORTED(name) EXPANDED(UNW_OBJ(name))

static const struct library_function functions[] = {
	{EXPORTED(create_addr_space),
		offsetof(struct unwind_library, create_addr_space)},
	{EXPORTED(destroy_addr_space),
		offsetof(struct unwind_library, destroy_addr_space)},
	{EXPORTED(dwarf_search_unwind_table),
		offsetof(struct unwind_library, search_table)},
	{EXPORTED(init_remote), offsetof(struct unwind_library, init_remote)},
	{EXPORTED(step), offsetof(struct unwind_library, step)},
	{EXPORTED(get_reg), offsetof(struct unwind_library, get_reg)},
	{EXPORTED(is_signal_frame),
		offsetof(struct unwind_library, is_signal_frame)},
};

int unwind_library_load(struct unwind_library *ret, struct err *err)
{
	static const struct library library = {
		.file = UNWIND_LIBRARY,
		.package = "libunwind8",
		.what = "preparing to unwind stacks",
	};

	return library_load(&library, functions,
		sizeof(functions) / sizeof(*functions), ret, err);
}

#else

/* Exported by libunwind for tools that find the table themselves; in none of
 * its headers. */
#define unwind_table_search UNW_OBJ(dwarf_search_unwind_table)
int unwind_table_search(unw_addr_space_t as, unw_word_t ip, unw_dyn_info_t *di,
	unw_proc_info_t *pi, int need_info, void *arg);

int unwind_library_load(struct unwind_library *ret, struct err *err)
{
	(void)err;
	*ret = (struct unwind_library){
		.create_addr_space = unw_create_addr_space,
		.destroy_addr_space = unw_destroy_addr_space,
		.search_table = unwind_table_search,
		.init_remote = unw_init_remote,
		.step = unw_step,
		.get_reg = unw_get_reg,
		.is_signal_frame = unw_is_signal_frame,
	};
	return 0;
}

#endif
