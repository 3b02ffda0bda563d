/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options/uses.h"
#include "parse.h"
#include "test.h"

#define CONFIG_MAX 64

/* A file with this text, gone when the scope ends. */
struct config {
	char path[CONFIG_MAX];
};

static struct config config_write(const char *text)
{
	struct config config = {"/tmp/stasis-config-XXXXXX"};
	int fd = mkstemp(config.path);

	if (fd >= 0) {
		CHECK_INT(write(fd, text, strlen(text)), strlen(text));
		close(fd);
	}
	return config;
}

static void config_remove(struct config *config)
{
	unlink(config->path);
}

#define CONFIG(name, text)                                           \
	__attribute__((cleanup(config_remove))) struct config name = \
		config_write(text)

static struct parsed parse_with(const struct config *config, const char *rest)
{
	char line[300];

	snprintf(line, sizeof(line), "%s --config %s", rest, config->path);
	return parse(line);
}

#define PARSE_WITH(name, config, rest)                             \
	__attribute__((cleanup(parsed_free))) struct parsed name = \
		parse_with(&(config), rest)

TEST(a_file_holds_names_values_quotes_and_comments)
{
	CONFIG(c, "# all of it\n\nshell-job # yes\n  timeout\t7\n"
		  "log-file \"a \\\"b\\\" c\"\nno-display-stats\n");
	PARSE_WITH(p, c, "dump -t 1");

	CHECK_INT(p.rc, 0);
	CHECK(p.options.shell_job);
	CHECK_INT(p.options.timeout, 7);
	CHECK_STR(p.options.log_file, "a \"b\" c");
}

TEST(the_command_line_wins_over_files)
{
	CONFIG(c, "timeout 7\nshell-job\naction-script /a\n");
	PARSE_WITH(p, c,
		"dump -t 1 --timeout 8 --no-shell-job "
		"--action-script /b");

	CHECK_INT(p.options.timeout, 8);
	CHECK(!p.options.shell_job);
	CHECK_INT(p.options.action_scripts.n, 2);
	CHECK_STR(p.options.action_scripts.at[0], "/a");
}

TEST(a_missing_file_is_an_empty_one)
{
	PARSE(p, "dump -t 1 --config /nowhere/at/all");

	CHECK_INT(p.rc, 0);
}

/* A FIFO would wait for a writer for ever, a device be read for ever. */
TEST(a_file_that_is_no_regular_one_of_a_bounded_size_is_refused)
{
	static const char *const lines[] = {"dump -t 1 --config /dev/zero",
		"dump -t 1 --config /tmp/stasis-config-test.fifo",
		"dump -t 1 --config /tmp/stasis-config-test.sparse",
		"dump -t 1 --config /tmp/stasis-config-test.dangling"};
	int fd = open("/tmp/stasis-config-test.sparse",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK_INT(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	mkfifo("/tmp/stasis-config-test.fifo", 0600);
	CHECK(!symlink("/nowhere", "/tmp/stasis-config-test.dangling"));
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		PARSE(p, lines[i]);

		CHECK(p.rc < 0);
		CHECK(strstr(p.err.text, "reading configuration file '"));
	}
	unlink("/tmp/stasis-config-test.fifo");
	unlink("/tmp/stasis-config-test.sparse");
	unlink("/tmp/stasis-config-test.dangling");
}

TEST(what_a_file_says_for_other_verbs_is_skipped)
{
	CONFIG(c, "leave-running\n");
	PARSE_WITH(a, c, "restore");
	PARSE_WITH(b, c, "dump -t 1");

	CHECK_INT(a.rc, 0);
	CHECK(!a.options.leave_running);
	CHECK(b.options.leave_running);
}

static void check_line_refused(const char *text, int code, const char *says)
{
	char expected[300];
	CONFIG(c, text);
	PARSE_WITH(p, c, "dump -t 1");

	snprintf(expected, sizeof(expected), says, c.path);
	CHECK_INT(p.rc, -code);
	CHECK_STR(p.err.text, expected);
}

TEST(a_wrong_line_is_named_with_file_and_number)
{
	check_line_refused("\nshel-jop\n", EINVAL,
		"%s, line 2: there is no option 'shel-jop'");
	check_line_refused(
		"time 3\n", EINVAL, "%s, line 1: there is no option 'time'");
	check_line_refused("timeout\n", EINVAL,
		"%s, line 1: a value is missing behind 'timeout'");
	check_line_refused("shell-job yes\n", EINVAL,
		"%s, line 1: no value belongs behind 'shell-job'");
	check_line_refused("timeout 1 2\n", EINVAL,
		"%s, line 1: too much on the line: '2'");
	check_line_refused("log-file \"a\n", EINVAL,
		"%s, line 1: a quote is not closed at 'a'");
	check_line_refused("config x\n", EINVAL,
		"%s, line 1: there is no option 'config'");
	check_line_refused("link-remap\n", ENOSYS,
		"'link-remap' (%s, line 1) is not built yet: it belongs to "
		"files that have lost their name");
}

TEST(the_file_of_the_environment_comes_before_that_of_config)
{
	CONFIG(env, "timeout 5\nshell-job\n");
	CONFIG(own, "timeout 6\n");

	setenv("CRIU_CONFIG_FILE", env.path, 1);
	PARSE_WITH(p, own, "dump -t 1");
	unsetenv("CRIU_CONFIG_FILE");
	CHECK_INT(p.options.timeout, 6);
	CHECK(p.options.shell_job);
}

TEST(a_file_of_more_options_than_there_are_is_refused_and_blank_lines_are_free)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char path[] = "/tmp/stasis-config-XXXXXX";
	struct option_words warnings = {0};
	struct option_uses uses = {0};
	struct err err = {0};
	char text[16384];
	int fd = mkstemp(path);

	memset(text, '\n', sizeof(text));
	for (int i = 0; i < 60; i++)
		CHECK_INT(write(fd, text, sizeof(text)), sizeof(text));
	CHECK_INT(uses_read_file(arena, path, &uses, &warnings, &err), 0);
	CHECK_INT(uses.n, 0);
	for (int i = 0; i < 1001; i++)
		CHECK_INT(write(fd, "tree 1\n", 7), 7);
	CHECK_INT(uses_read_file(arena, path, &uses, &warnings, &err), -E2BIG);
	CHECK(strstr(err.text, "more than 1000 options"));
	close(fd);
	unlink(path);
}
