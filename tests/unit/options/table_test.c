/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table holds every option of CRIU 4.2, and it does not contradict
 * itself; the manual page names what is built. */
#include <errno.h>
#include <stdio.h>

#include "options/help.h"
#include "options/table.h"
#include "parse.h"
#include "test.h"

/* letter (. for none), name, how: 0 alone, 1 with --no-, 2 takes a value,
 * 3 may take one. */
static const struct known {
	char letter;
	const char *name;
	int how;
} known[] = {{'t', "tree", 2}, {'D', "images-dir", 2}, {'W', "work-dir", 2},
	{'o', "log-file", 2}, {'v', "verbosity", 3}, {0, "log-pid", 1},
	{0, "display-stats", 1}, {0, "pidfile", 2}, {'R', "leave-running", 0},
	{'s', "leave-stopped", 0}, {'d', "restore-detached", 1},
	{0, "daemon", 1}, {'S', "restore-sibling", 1}, {0, "exec-cmd", 0},
	{'r', "root", 2}, {'x', "ext-unix-sk", 3}, {0, "tcp-established", 1},
	{0, "skip-in-flight", 1}, {0, "tcp-close", 1},
	{0, "evasive-devices", 1}, {'j', "shell-job", 1},
	{'l', "file-locks", 1}, {0, "link-remap", 1}, {0, "page-server", 1},
	{0, "address", 2}, {0, "port", 2}, {0, "ps-socket", 2},
	{0, "prev-images-dir", 2}, {0, "track-mem", 1}, {0, "auto-dedup", 1},
	{0, "pre-dump-mode", 2}, {0, "lazy-pages", 0}, {0, "veth-pair", 2},
	{'M', "ext-mount-map", 2}, {0, "enable-external-sharing", 0},
	{0, "enable-external-masters", 0}, {0, "external", 2},
	{0, "inherit-fd", 2}, {'J', "join-ns", 2}, {0, "empty-ns", 2},
	{0, "cpu-cap", 3}, {0, "force-irmap", 1}, {0, "irmap-scan-path", 2},
	{0, "manage-cgroups", 3}, {0, "cgroup-root", 2}, {0, "cgroup-props", 2},
	{0, "cgroup-props-file", 2}, {0, "cgroup-dump-controller", 2},
	{0, "cgroup-yard", 2}, {0, "freeze-cgroup", 2}, {0, "timeout", 2},
	{0, "ghost-limit", 2}, {0, "ghost-fiemap", 1}, {0, "skip-mnt", 2},
	{0, "enable-fs", 2}, {0, "weak-sysctls", 1}, {0, "lsm-profile", 2},
	{0, "lsm-mount-context", 2}, {0, "network-lock", 2},
	{0, "mntns-compat-mode", 1}, {0, "skip-file-rwx-check", 1},
	{0, "file-validation", 2}, {0, "unprivileged", 1},
	{0, "allow-uprobes", 1}, {0, "stream", 1}, {0, "status-fd", 2},
	{0, "action-script", 2}, {'L', "libdir", 2}, {0, "tls", 1},
	{0, "tls-cacert", 2}, {0, "tls-cacrl", 2}, {0, "tls-cert", 2},
	{0, "tls-key", 2}, {0, "tls-no-cn-verify", 0}, {0, "config", 2},
	{0, "no-default-config", 0}, {0, "deprecated", 1}, {0, "extra", 1},
	{0, "experimental", 1}, {0, "all", 0}, {0, "feature", 2},
	{0, "close", 2}, {0, "ms", 0}, {'h', "help", 0}, {'V', "version", 0}};

TEST(every_option_of_criu_has_a_row_of_the_same_form)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];
		const struct option_row *row =
			option_find(k->name, strlen(k->name), NULL);

		if (!CHECK(row != NULL)) {
			printf("# %s\n", k->name);
			continue;
		}
		CHECK_STR(row->name, k->name);
		CHECK_INT(row->letter, k->letter);
		CHECK_INT(row->value, k->how < 2 ? VALUE_NONE : k->how - 1);
		CHECK_INT(row->kind == OPTION_BOOL, k->how == 1);
	}
}

TEST(no_name_and_no_letter_is_taken_twice)
{
	const struct option_row *a, *b;

	for (a = option_rows; a->name; a++)
		for (b = option_rows; b < a; b++) {
			CHECK(strcmp(a->name, b->name));
			CHECK(!a->letter || a->letter != b->letter);
		}
}

TEST(every_row_says_what_it_needs_to)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		CHECK(row->help && row->help[0]);
		CHECK(row->verbs);
		CHECK((row->value == VALUE_NONE) == !row->arg);
		CHECK((row->state == OPTION_LATER) == !!row->belongs);
		CHECK((row->kind == OPTION_CHOICE) == !!row->choices);
		CHECK((row->kind == OPTION_OWN || row->kind == OPTION_ACTION) ==
			!!row->read);
		CHECK(row->kind != OPTION_NUMBER || row->max > row->min);
	}
}

TEST(what_criu_does_not_know_is_ours)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		bool theirs = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			theirs = theirs || !strcmp(known[i].name, row->name);
		if (!CHECK_INT(row->ours, !theirs))
			printf("# %s\n", row->name);
	}
}

/* A value that the row's kind takes. */
static const char *row_sample(const struct option_row *row)
{
	if (row->value == VALUE_NONE)
		return NULL;
	if (row->choices)
		return row->choices[0].name;
	if (!strcmp(row->name, "inherit-fd"))
		return "fd[3]:pipe:[5]";
	if (!strcmp(row->name, "external"))
		return "pipe:[5]";
	if (!strcmp(row->name, "empty-ns"))
		return "net";
	if (!strcmp(row->name, "cpu-cap"))
		return "fpu,^ins";
	if (row->kind == OPTION_PAIRS)
		return row->separator == '=' ? "a=b" : "a:b";
	return row->kind == OPTION_OWN && row->arg[0] == 'K' ? "a:b" : "3";
}

TEST(each_built_option_is_taken_and_each_other_one_refused)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		struct arena *arena = arena_new();
		struct options o;
		struct err err = {0};
		int rc;

		options_init(&o);
		rc = option_set(
			arena, row, false, row_sample(row), "it", &o, &err);
		CHECK_INT(rc, row->state == OPTION_LATER     ? -ENOSYS
			      : row->state == OPTION_REFUSED ? -EINVAL
							     : 0);
		CHECK(!rc || err.text[0]);
		arena_free(arena);
	}
}

/* What is built later is parsed today: only its row will have to change. */
TEST(the_values_of_later_options_are_parsed_already)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		struct option_row built = *row;
		struct arena *arena = arena_new();
		struct options o, before;
		struct err err = {0};

		options_init(&o);
		before = o;
		built.state = OPTION_BUILT;
		if (row->state == OPTION_LATER) {
			CHECK_INT(option_set(arena, &built, false,
					  row_sample(row), "it", &o, &err),
				0);
			/* The first choice is not always a new one. */
			CHECK(row->kind == OPTION_CHOICE ||
				memcmp(&o, &before, sizeof(o)));
		}
		arena_free(arena);
	}
}

static char *text_of_file(const char *path)
{
	static char text[1 << 16];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file)
		return NULL;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	return text;
}

TEST(the_manual_names_every_built_option)
{
	const char *page = text_of_file("man/stasis.1");
	char words[80];

	if (!page) {
		test_skip("not run in the root of the sources");
		return;
	}
	for (const struct option_row *row = option_rows; row->name; row++) {
		bool built = row->state == OPTION_BUILT ||
			     row->state == OPTION_HARMLESS || row->built_for;
		const char *at;
		size_t size;

		if (row->letter)
			snprintf(words, sizeof(words), "\n.It Fl %c , -%s",
				row->letter, row->name);
		else
			snprintf(words, sizeof(words), "\n.It Fl -%s",
				row->name);
		size = strlen(words);
		at = strstr(page, words);
		while (at && at[size] != ' ' && at[size] != '\n')
			at = strstr(at + 1, words);
		if (!CHECK(!!at == built))
			printf("# %s\n", row->name);
	}
	for (int v = 0; v < VERBS; v++) {
		if (!verb_rows[v].name)
			continue;
		snprintf(words, sizeof(words), "\n.It Cm %s\n",
			verb_rows[v].name);
		CHECK(!!strstr(page, words) == !verb_rows[v].belongs);
	}
}

TEST(help_shows_every_option_and_fits_a_terminal)
{
	static char text[1 << 16];
	FILE *out = fmemopen(text, sizeof(text), "w");
	char name[60];

	REQUIRE(out != NULL);
	help_print(out, VERB_NONE);
	fclose(out);
	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->state == OPTION_REFUSED)
			continue;
		snprintf(name, sizeof(name), "--%s%s",
			row->kind == OPTION_BOOL && row->state != OPTION_LATER
				? "[no-]"
				: "",
			row->name);
		if (!CHECK(strstr(text, name) != NULL))
			printf("# %s\n", name);
	}
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		CHECK(strlen(line) < 80);
}

/* LXC and scripts pass one list to all verbs. */
TEST(an_option_of_criu_is_taken_with_every_verb)
{
	static const char *const verbs[] = {"dump -t1", "pre-dump -t1",
		"restore", "check", "cpuinfo dump", "cpuinfo check",
		"page-server", "lazy-pages", "service", "swrk 3", "dedup"};

	for (size_t v = 0; v < sizeof(verbs) / sizeof(verbs[0]); v++)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			const struct option_row *row = option_find(
				known[i].name, strlen(known[i].name), NULL);
			const char *sample = row ? row_sample(row) : NULL;
			char line[200];

			snprintf(line, sizeof(line), "%s --%s%s%s", verbs[v],
				known[i].name, sample ? "=" : "", sample ?: "");
			PARSE(parsed, line);
			if (parsed.rc &&
				!CHECK(parsed.rc == -ENOSYS ||
					!strstr(parsed.err.text, "is not for")))
				printf("# %s: %s\n", line, parsed.err.text);
		}
}

TEST(an_option_without_a_meaning_is_noted_for_the_log)
{
	PARSE(parsed, "dump -t1 --pidfile x -v4");
	PARSE(none, "dump -t1 -v4");

	CHECK_INT(parsed.rc, 0);
	if (CHECK_INT(parsed.options.notes.n, 1))
		CHECK_STR(parsed.options.notes.at[0],
			"--pidfile means nothing to 'dump' and is ignored");
	CHECK_INT(none.options.notes.n, 0);
}
