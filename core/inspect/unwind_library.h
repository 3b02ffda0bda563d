/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unwind_library: libunwind's functions, loaded when a stack is first walked.
 *
 * Few requests look at stacks, and every start of the program would pay for
 * finding and binding the library. UNWIND_LIBRARY names it; a program that is
 * linked statically is built without that name and has the functions in it.
 */
#ifndef STASIS_INSPECT_UNWIND_LIBRARY_H
#define STASIS_INSPECT_UNWIND_LIBRARY_H

#include <libunwind.h>

#include "base/err.h"

struct unwind_library {
	unw_addr_space_t (*create_addr_space)(unw_accessors_t *, int);
	void (*destroy_addr_space)(unw_addr_space_t);
	int (*search_table)(unw_addr_space_t, unw_word_t, unw_dyn_info_t *,
		unw_proc_info_t *, int, void *);
	int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
	int (*step)(unw_cursor_t *);
	int (*get_reg)(unw_cursor_t *, int, unw_word_t *);
	int (*is_signal_frame)(unw_cursor_t *);
};

/* The library stays loaded. */
int unwind_library_load(struct unwind_library *ret, struct err *err);

#endif
