/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/answer.h"

#include <errno.h>
#include <string.h>

#include "service/packet.h"
#include "test.h"

static void check_clean(const char *from, const char *to)
{
	char text[40];

	strcpy(text, from);
	answer_clean_text(text);
	CHECK_STR(text, to);
}

TEST(text_becomes_valid_utf8)
{
	check_clean("plain", "plain");
	check_clean("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82",
		"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82");
	check_clean("a\xff"
		    "b",
		"a?b");
	check_clean("cut \xe2\x82", "cut ??");
	check_clean("\xc0\x80", "??");		 /* overlong */
	check_clean("\xed\xa0\x80", "???");	 /* half of a pair */
	check_clean("\xf5\x80\x80\x80", "????"); /* beyond the last */
}

TEST(a_failure_carries_number_sentence_and_hint)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct err err = {0};
	struct answer answer;

	answer_init(&answer, CRIU_REQ_TYPE__DUMP);
	CHECK(answer.resp.success && !answer.resp.has_cr_errno);
	err_set(&err, ESRCH, "there is no process 5");
	err_hint(&err, "look with ps");
	answer_fail(arena, &answer, &err);
	CHECK(!answer.resp.success);
	CHECK_INT(answer.resp.cr_errno, ESRCH);
	CHECK_STR(answer.resp.cr_errmsg,
		"there is no process 5 (hint: look with ps)");
}

TEST(a_failure_shows_control_characters_as_numbers)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct err err = {0};
	struct answer answer;

	answer_init(&answer, CRIU_REQ_TYPE__DUMP);
	err_set(&err, ESRCH, "no \033[2J\n");
	answer_fail(arena, &answer, &err);
	CHECK_STR(answer.resp.cr_errmsg, "no \\x1b[2J\\x0a");
}

TEST(the_longest_failure_fits_in_the_smallest_buffer)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct err err = {.code = EIO};
	struct answer answer;

	memset(err.text, 'x', sizeof(err.text) - 1);
	memset(err.hint, 'y', sizeof(err.hint) - 1);
	answer_init(&answer, CRIU_REQ_TYPE__RESTORE);
	answer.resp.restore = &answer.restore;
	answer_fail(arena, &answer, &err);
	CHECK(criu_resp__get_packed_size(&answer.resp) < PACKET_ANSWER_MAX);
}
