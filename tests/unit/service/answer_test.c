/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/answer.h"

#include <errno.h>
#include <string.h>

#include "base/shown.h"
#include "service/packet.h"
#include "test.h"

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

TEST(a_failure_is_valid_utf8_wherever_it_is_cut)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct err err = {0};
	struct answer answer;
	char euros[3 * sizeof(err.text)] = "";
	uint32_t number;
	const char *at;
	size_t size;

	for (size_t i = 0; i < sizeof(euros) / 3 - 1; i++)
		strcat(euros, "\xe2\x82\xac");
	for (int skip = 0; skip < 3; skip++) {
		answer_init(&answer, CRIU_REQ_TYPE__DUMP);
		err_set(&err, ESRCH, "\xff%.*s%s", skip, "ab", euros);
		answer_fail(arena, &answer, &err);
		for (at = answer.resp.cr_errmsg; *at; at += size) {
			size = shown_utf8(at, &number);
			if (!CHECK(size))
				break;
		}
	}
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
