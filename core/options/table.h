/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: every option that CRIU 4.2 knows and those that are ours, one row
 * each. The command line, configuration files, --help, the manual's test
 * and the RPC service all read this table; nothing else names an option.
 *
 * A feature that gets built changes OPTION_LATER to OPTION_BUILT in its
 * row; its value is already parsed into struct options today.
 */
#ifndef STASIS_OPTIONS_TABLE_H
#define STASIS_OPTIONS_TABLE_H

#include "options/options.h"

enum option_kind {
	OPTION_FLAG,   /* --x sets a bool */
	OPTION_BOOL,   /* --x and --no-x */
	OPTION_TEXT,   /* const char * */
	OPTION_NUMBER, /* int, from min to max */
	OPTION_SIZE,   /* uint64_t: bytes with K, M or G */
	OPTION_LIST,   /* struct option_words: may be repeated */
	OPTION_PAIRS,  /* struct option_pairs, cut at the separator */
	OPTION_CHOICE, /* int: one of the named choices */
	OPTION_OWN,    /* read() knows */
	OPTION_ACTION, /* read() is done at once, without a verb */
};

enum option_value { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

enum option_state {
	OPTION_BUILT,
	OPTION_HARMLESS, /* accepted; without it the same would be done */
	OPTION_LATER,	 /* known; what it belongs to is not built yet */
	OPTION_REFUSED,	 /* known, and will never be */
};

struct option_choice {
	const char *name; /* NULL ends */
	int value;
	bool built; /* of an option that is else OPTION_LATER */
};

struct option_row;

typedef int option_read_fn(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err);

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	enum option_value value;
	enum option_state state;
	uint32_t verbs; /* bits 1 << enum verb */
	size_t field;	/* offset in struct options */
	bool cli_only;	/* makes no sense in a configuration file */
	bool ours;	/* CRIU does not know it */
	int min, max;	/* OPTION_NUMBER */
	char separator; /* OPTION_PAIRS */
	const struct option_choice *choices;
	option_read_fn *read;
	uint32_t built_for;  /* OPTION_LATER: verbs that have it already */
	uint8_t rpc;	     /* tag in criu_opts; 0: none */
	const char *arg;     /* what the value is called in --help */
	const char *help;    /* one line */
	const char *belongs; /* OPTION_LATER: to what */
};

extern const struct option_row option_rows[]; /* a row without name ends */

struct verb_row {
	const char *name; /* as typed; "cpuinfo dump" is two words */
	const char *help;
	const char *belongs; /* not built yet: to what; NULL: built */
};

extern const struct verb_row verb_rows[VERBS]; /* by enum verb */

/* By long name; no-NAME is found too, with *ret_no set (may be NULL). A
 * prefix that fits only one name counts, as with getopt_long. NULL: none. */
const struct option_row *option_find(
	const char *name, size_t length, bool *ret_no);
const struct option_row *option_find_letter(char letter);
/* The known name that a wrong one was probably meant to be, or NULL. */
const char *option_nearest(const char *name, size_t length);
const char *verb_nearest(const char *name);

/* Is it built, for this verb? Fails with ENOSYS. */
int option_check_built(const struct option_row *row, enum verb verb,
	const char *as, struct err *err);
int verb_check_built(enum verb verb, struct err *err);

/* Set one option from text as typed (NULL where VALUE_NONE or left out).
 * as: how the user wrote it, for messages. no: the --no- form. Refuses what
 * is not built. Does not look at verbs. */
int option_set(struct arena *arena, const struct option_row *row, bool no,
	const char *value, const char *as, struct options *ret,
	struct err *err);

#endif
