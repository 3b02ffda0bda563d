/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shown.h"

#include "test.h"

TEST(control_characters_are_shown_as_numbers)
{
	char text[64];

	shown_copy(text, sizeof(text), "a\nb\033[2J\x7f\tc\\ \xc3\xa4");
	CHECK_STR(text, "a\\x0ab\\x1b[2J\\x7f\\x09c\\ \xc3\xa4");
	shown_copy(text, sizeof(text),
		"\xc2\x9b"
		"1m");
	CHECK_STR(text, "\\xc2\\x9b"
			"1m");
}

TEST(no_number_is_cut)
{
	char text[8];

	CHECK_INT(shown_copy(text, sizeof(text), "abcd\n"), 4);
	CHECK_STR(text, "abcd");
	CHECK_INT(shown_copy(text, sizeof(text), "abc\n"), 7);
	CHECK_STR(text, "abc\\x0a");
}
