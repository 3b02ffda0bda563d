/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/check.h"

#include <errno.h>
#include <string.h>

#include "base/shown.h"
#include "kernel/caps.h"

const struct check_row *check_find(const char *name)
{
	for (const struct check_row *row = check_rows; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

static int check_unknown(const char *name, struct err *err)
{
	char names[sizeof(err->hint)] = "";
	size_t used = 0;

	err_set(err, EINVAL, "there is no feature '%s'", name);
	for (const struct check_row *row = check_rows; row->name; row++) {
		if (strncmp(row->name, name, 3))
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used,
			"%s%s", used ? ", " : "", row->name);
		if (used >= sizeof(names))
			break;
	}
	if (used)
		return err_hint(err, "there are %.300s", names);
	return err_hint(err, "stasis(1) names all of them");
}

static int check_absent(const struct check_row *row, struct err *err)
{
	err_set(err, ENOTSUP, "%s is not supported", row->name);
	if (row->rights && !caps_have(CAP_SYS_ADMIN))
		return err_hint(err, "trying it needs root");
	return err_hint(err, "%s", row->without);
}

static int check_features(
	const struct options *options, FILE *out, struct err *err)
{
	const struct check_row *row;
	int rc = 0;

	for (size_t i = 0; i < options->features.n; i++) {
		row = check_find(options->features.at[i]);
		if (!row)
			return check_unknown(options->features.at[i], err);
		if (row->probe())
			shown_print(out, "%s is supported\n", row->name);
		else
			rc = check_absent(row, err);
	}
	return rc;
}

/* Prints what is missing; returns how much. */
static int check_need(enum check_need need, FILE *out)
{
	bool root = caps_have(CAP_SYS_ADMIN);
	int missing = 0;

	for (const struct check_row *row = check_rows; row->name; row++) {
		if (row->need != need || row->probe())
			continue;
		shown_print(out, "missing: %s: %s%s\n", row->name, row->without,
			row->rights && !root ? " (or trying it needs root)"
					     : "");
		missing++;
	}
	return missing;
}

int check_run(const struct options *options, FILE *out, struct err *err)
{
	int must, other = 0;

	if (options->features.n)
		return check_features(options, out, err);
	must = check_need(CHECK_MUST, out);
	if (options->check_extra || options->check_all)
		other += check_need(CHECK_EXTRA, out);
	if (options->check_experimental || options->check_all)
		other += check_need(CHECK_FASTER, out);
	if (must)
		return err_set(err, ENOTSUP,
			"%d features that dump and restore need are missing",
			must);
	if (other) {
		fputs("Looks good but some kernel features are missing which, "
		      "depending on your tasks, may make dump or restore "
		      "fail.\n",
			out);
		return err_set(err, ENOTSUP, "%d features are missing", other);
	}
	fputs("Looks good.\n", out);
	return 0;
}
