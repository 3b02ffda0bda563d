/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wish_field: one field of criu_opts on its way into the options. */
#ifndef STASIS_SERVICE_WISH_FIELD_H
#define STASIS_SERVICE_WISH_FIELD_H

#include "options/table.h"
#include "service/wish.h"

struct wish_field {
	struct arena *arena;
	const CriuOpts *opts;
	struct wish *wish;
	bool inherited;
	const char *name;
	const struct option_row *row; /* NULL: none has its tag */
};

typedef int wish_field_fn(const struct wish_field *field, struct err *err);

struct wish_reader {
	uint32_t tag;
	/* Whose row says whether it is built and for which verbs; 0: its
	 * own, or for all verbs when it has none. */
	uint32_t row_of;
	wish_field_fn *read;
};

extern const struct wish_reader wish_readers[]; /* one without read ends */

#endif
