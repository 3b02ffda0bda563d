/* SPDX-License-Identifier: GPL-2.0-or-later */
/* parse: a command line as one text, for the tests of options. */
#ifndef STASIS_TEST_OPTIONS_PARSE_H
#define STASIS_TEST_OPTIONS_PARSE_H

#include <stdlib.h>
#include <string.h>

#include "options/options.h"

struct parsed {
	struct arena *arena;
	struct options options;
	struct err err;
	int rc;
};

/* Words are cut at blanks; no configuration file of the host is read. */
static inline struct parsed parse(const char *line)
{
	struct parsed parsed = {
		.arena = arena_new(), .err = {.text = "no error"}};
	char *text = arena_strdup(parsed.arena, line), *word, *save;
	char *argv[40] = {(char *)"stasis"};
	int argc = 1;

	for (word = strtok_r(text, " ", &save); word && argc < 39;
		word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc++] = (char *)"--no-default-config";
	for (int i = 1; i < argc - 1; i++)
		if (!strcmp(argv[i], "--"))
			argc--;
	unsetenv("HOME");
	options_init(&parsed.options);
	parsed.rc = options_parse(
		parsed.arena, argc, argv, &parsed.options, &parsed.err);
	return parsed;
}

static inline void parsed_free(struct parsed *parsed)
{
	arena_free(parsed->arena);
}

#define PARSE(name, line) \
	__attribute__((cleanup(parsed_free))) struct parsed name = parse(line)

#endif
