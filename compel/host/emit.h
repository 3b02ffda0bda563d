/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emit: a welded piece as C source, as a list of symbols, or raw.
 *
 * Writes to a stream of the caller, who checks ferror() at the end.
 */
#ifndef STASIS_COMPEL_EMIT_H
#define STASIS_COMPEL_EMIT_H

#include <stdio.h>

#include "compel/host/weld.h"

/* public: for users of libcompel (struct compel_blob of <compel/compel.h>);
 * otherwise for Stasis itself (struct blob of "backend.h"). */
void emit_source(FILE *to, struct arena *arena, const struct weld *weld,
	const char *name, bool public);
/* One line each, by offset: "OFFSET SIZE KIND NAME". */
void emit_symbols(FILE *to, struct arena *arena, const struct weld *weld,
	const char *line_start);
void emit_raw(FILE *to, const struct weld *weld);

#endif
