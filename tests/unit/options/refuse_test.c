/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of what cannot be meant, one clear sentence each. */
#include <errno.h>

#include "parse.h"
#include "test.h"

static void check_refused(
	const char *line, int code, const char *says, const char *hints)
{
	PARSE(p, line);

	CHECK_INT(p.rc, -code);
	CHECK_INT(p.err.code, code);
	CHECK_STR(p.err.text, says);
	CHECK_STR(p.err.hint, hints);
	/* What was asked for is nobody's to see. */
	CHECK_INT(p.options.verb, VERB_NONE);
}

TEST(a_wrong_name_is_met_with_the_nearest_right_one)
{
	check_refused("dump -t1 --leav-running", EINVAL,
		"there is no option '--leav-running'",
		"did you mean --leave-running?");
	check_refused("dump -t1 --zzz", EINVAL, "there is no option '--zzz'",
		"'stasis --help' shows all options");
	check_refused("dmp -t1", EINVAL, "there is no verb 'dmp'",
		"did you mean 'dump'?");
	check_refused("dump -t1 -q", EINVAL, "there is no option '-q'",
		"'stasis --help' shows all options");
}

TEST(a_missing_value_is_named)
{
	check_refused("dump --no-shell-job=1", EINVAL,
		"--no-shell-job takes no value, but got '1'", "");
	check_refused("dump -t1 --images-dir=", EINVAL,
		"the value of --images-dir is empty", "");
	check_refused("dump -t1 -R=x", EINVAL, "there is no option '-='",
		"'stasis --help' shows all options");
}

TEST(what_is_no_number_is_told_so)
{
	check_refused("dump -t abc", EINVAL,
		"the value of -t (--tree) is 'abc', which is not a number", "");
	check_refused("dump -t 0", EINVAL,
		"the value of -t (--tree) is 0, which is not from 1 to "
		"2147483647",
		"");
	check_refused("dump -t 99999999999999999999", EINVAL,
		"the value of -t (--tree) is 99999999999999999999, which is "
		"not from 1 to 2147483647",
		"");
	check_refused("dump -t1 --ghost-limit 3X", EINVAL,
		"the value '3X' of --ghost-limit is not a size",
		"a number of bytes, or with K, M or G behind, such as 16M");
	check_refused("dump -t1 --ghost-limit 99999999999G", ERANGE,
		"the size 99999999999G of --ghost-limit is too big", "");
	check_refused("dump -t1 --file-validation md5", EINVAL,
		"the value 'md5' of --file-validation is not known",
		"known are: filesize, buildid");
}

TEST(an_option_of_ours_for_another_verb_is_refused)
{
	check_refused(
		"dump -t1 --plan", EINVAL, "--plan is not for 'dump'", "");
	check_refused("check --fail-at x", EINVAL,
		"--fail-at is not for 'check'", "");
}

TEST(exactly_one_verb_is_wanted)
{
	check_refused("-t 5", EINVAL, "it is not said what to do",
		"give a verb: dump, restore, check, inspect; 'stasis --help' "
		"shows all");
	check_refused("dump -t 5 restore", EINVAL,
		"'restore' is one word too many behind 'dump'", "");
	check_refused("restore img ls", EINVAL,
		"'ls' is one word too many behind 'restore'",
		"a command to run after the restore needs --exec-cmd");
	check_refused("cpuinfo", EINVAL,
		"cpuinfo is followed by 'dump' or by 'check'", "");
}

TEST(what_contradicts_is_refused)
{
	check_refused("dump -t1 -R -s", EINVAL,
		"--leave-running and --leave-stopped contradict one another",
		"leave one of them out");
	check_refused("restore -S", EINVAL,
		"--restore-sibling needs --restore-detached: there is no "
		"child to wait for",
		"add -d");
	check_refused("restore -d --exec-cmd -- ls", EINVAL,
		"--exec-cmd and --restore-detached contradict one another: "
		"the command becomes the parent of the restored tasks",
		"leave one of them out");
	check_refused("restore --exec-cmd", EINVAL,
		"--exec-cmd needs a command behind '--'", "");
	check_refused("dump", EINVAL, "it is not said which process to dump",
		"give the pid of the root of the tree with -t PID");
}

TEST(lazy_pages_are_kept_where_somebody_can_ask_for_them)
{
	check_refused("dump -t1 --lazy-pages", EINVAL,
		"it is not said where the page server is",
		"give --port PORT (and --address ADDR), or an open connection "
		"with --ps-socket FD");
	check_refused("dump -t1 --lazy-pages --page-server --port 7", EINVAL,
		"--lazy-pages and --page-server contradict one another: pages "
		"are kept until somebody asks for them, or are sent away",
		"leave out --page-server: --port is where who wants pages "
		"connects");
	check_refused("lazy-pages --page-server", EINVAL,
		"it is not said where the page server is",
		"give --port PORT (and --address ADDR), or an open connection "
		"with --ps-socket FD");
}

TEST(what_is_not_built_is_refused_by_name)
{
	check_refused("dump -t1 --tcp-established", ENOSYS,
		"--tcp-established is not built yet: it belongs to established "
		"TCP connections",
		"leave it out if the tasks do not need it; they are refused, "
		"not harmed, if they do");
}
