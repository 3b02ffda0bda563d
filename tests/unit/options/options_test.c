/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "parse.h"
#include "test.h"

TEST(a_dump_takes_what_its_options_say)
{
	PARSE(p, "dump -t 42 -D /img -W /work -o dump.log -v4 -R -j "
		 "--ghost-limit 4M --timeout 3 --display-stats");

	CHECK_INT(p.rc, 0);
	CHECK_INT(p.options.verb, VERB_DUMP);
	CHECK_INT(p.options.tree, 42);
	CHECK_STR(p.options.images_dir, "/img");
	CHECK_STR(p.options.work_dir, "/work");
	CHECK_STR(p.options.log_file, "dump.log");
	CHECK_INT(p.options.verbosity, 4);
	CHECK(p.options.leave_running && p.options.shell_job);
	CHECK_INT(p.options.ghost_limit, 4 << 20);
	CHECK_INT(p.options.timeout, 3);
	CHECK(p.options.display_stats);
}

TEST(what_is_not_said_has_its_default)
{
	PARSE(p, "dump -t 42");

	CHECK_INT(p.rc, 0);
	CHECK_STR(p.options.images_dir, ".");
	CHECK_STR(p.options.work_dir, ".");
	CHECK(p.options.log_file == NULL);
	CHECK_INT(p.options.verbosity, 2);
	CHECK_INT(p.options.timeout, 10);
	CHECK_INT(p.options.ghost_limit, 1 << 20);
	CHECK_INT(p.options.manage_cgroups, CGROUPS_SOFT);
	CHECK_INT(p.options.cpu_cap, CPU_CAP_FPU | CPU_CAP_INS);
	CHECK_INT(p.options.file_validation, VALIDATE_BUILDID);
}

TEST(the_work_dir_is_that_of_the_images_unless_named)
{
	PARSE(p, "restore -D /img");

	CHECK_STR(p.options.work_dir, "/img");
}

TEST(options_stand_before_and_behind_the_verb)
{
	PARSE(p, "-t 42 -D a dump -R");

	CHECK_INT(p.rc, 0);
	CHECK_INT(p.options.tree, 42);
	CHECK(p.options.leave_running);
}

TEST(letters_may_be_joined_and_hold_their_value)
{
	PARSE(p, "dump -jRt42 -D/img");

	CHECK_INT(p.rc, 0);
	CHECK(p.options.shell_job && p.options.leave_running);
	CHECK_INT(p.options.tree, 42);
	CHECK_STR(p.options.images_dir, "/img");
}

TEST(each_v_adds_a_level_and_a_number_sets_it)
{
	PARSE(a, "dump -t1 -v");
	PARSE(b, "dump -t1 -vv");
	PARSE(c, "dump -t1 -v0");
	PARSE(d, "dump -t1 --verbosity=4");
	PARSE(e, "dump -t1 --verbosity");

	CHECK_INT(a.options.verbosity, 3);
	CHECK_INT(b.options.verbosity, 4);
	CHECK_INT(c.options.verbosity, 0);
	CHECK_INT(d.options.verbosity, 4);
	CHECK_INT(e.options.verbosity, 3);
}

TEST(the_no_form_takes_back_and_the_last_one_wins)
{
	PARSE(a, "dump -t1 --shell-job --no-shell-job");
	PARSE(b, "dump -t1 --no-shell-job --shell-job");

	CHECK(a.rc == 0 && !a.options.shell_job);
	CHECK(b.rc == 0 && b.options.shell_job);
}

TEST(a_name_may_be_cut_short_while_it_fits_one)
{
	PARSE(a, "dump --tre 7");
	PARSE(b, "dump -t7 --leave");

	CHECK_INT(a.options.tree, 7);
	CHECK_INT(b.rc, -EINVAL);
}

TEST(scripts_are_kept_in_their_order)
{
	PARSE(p, "dump -t1 --action-script /a --action-script=/b");

	CHECK_INT(p.options.action_scripts.n, 2);
	CHECK_STR(p.options.action_scripts.at[0], "/a");
	CHECK_STR(p.options.action_scripts.at[1], "/b");
}

TEST(exec_cmd_takes_the_words_behind)
{
	PARSE(p, "restore --exec-cmd -- /bin/ls -l");

	REQUIRE(p.rc == 0);
	CHECK_STR(p.options.exec_argv[0], "/bin/ls");
	CHECK_STR(p.options.exec_argv[1], "-l");
	CHECK(p.options.exec_argv[2] == NULL);
}

TEST(inspect_takes_a_directory)
{
	PARSE(p, "inspect /img --json");

	CHECK_INT(p.rc, 0);
	CHECK_STR(p.options.images_dir, "/img");
	CHECK(p.options.json);
}

TEST(help_and_version_need_nothing_else)
{
	PARSE(a, "--help");
	PARSE(b, "dump --help --bogus");
	PARSE(c, "-V");

	CHECK_INT(a.options.verb, VERB_HELP);
	CHECK_INT(a.options.help_for, VERB_NONE);
	CHECK_INT(b.options.verb, VERB_HELP);
	CHECK_INT(b.options.help_for, VERB_DUMP);
	CHECK_INT(c.options.verb, VERB_VERSION);
}

TEST(the_steps_are_listed_with_and_without_a_verb)
{
	PARSE(a, "--fail-at list");
	PARSE(b, "dump --fail-at=list");
	PARSE(c, "dump -t1 --fail-at dump.pages");

	CHECK_INT(a.options.verb, VERB_STEPS);
	CHECK_INT(b.options.verb, VERB_STEPS);
	CHECK_INT(c.options.verb, VERB_DUMP);
	CHECK_STR(c.options.fail_at, "dump.pages");
}

TEST(dump_takes_a_pid_and_a_directory_restore_a_directory)
{
	PARSE(pid, "dump 123");
	PARSE(both, "dump 123 /tmp/x");
	PARSE(restore, "restore /tmp/x -d");
	PARSE(twice, "dump -t 5 -D /a 123");
	PARSE(wrong, "dump init");

	CHECK_INT(pid.rc, 0);
	CHECK_INT(pid.options.tree, 123);
	CHECK_STR(pid.options.images_dir, ".");
	CHECK_STR(both.options.images_dir, "/tmp/x");
	CHECK_STR(both.options.work_dir, "/tmp/x");
	CHECK_INT(restore.rc, 0);
	CHECK_STR(restore.options.images_dir, "/tmp/x");
	CHECK_STR(twice.err.text, "'123' is one word too many behind 'dump'");
	CHECK_STR(wrong.err.text,
		"the pid behind 'dump' is 'init', which is not a number");
}

TEST(a_level_has_the_forms_that_getopt_reads)
{
	PARSE(four, "dump -t1 -v4");
	PARSE(letters, "dump -t1 -vvvv");
	PARSE(one_dash, "dump -t1 -verbosity=4");
	PARSE(two_dashes, "dump -t1 --verbosity=4");

	CHECK_INT(four.options.verbosity, 4);
	CHECK_INT(letters.options.verbosity, 6);
	CHECK_INT(one_dash.options.verbosity, 4);
	CHECK_INT(two_dashes.options.verbosity, 4);
}
