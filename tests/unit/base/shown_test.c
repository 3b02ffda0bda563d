/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shown.h"

#include <stdlib.h>
#include <string.h>

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

static void check_shown(const char *from, const char *to)
{
	char text[80];

	shown_copy(text, sizeof(text), from);
	CHECK_STR(text, to);
}

TEST(what_is_no_utf8_is_shown_as_numbers)
{
	check_shown("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82",
		"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82");
	/* C1 of a terminal that reads bytes: CSI */
	check_shown("\x9b"
		    "2J",
		"\\x9b"
		"2J");
	check_shown("cut \xe2\x82", "cut \\xe2\\x82");
	check_shown("\xc0\x80", "\\xc0\\x80");		/* overlong */
	check_shown("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* half of a pair */
	check_shown("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
	check_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond */
}

TEST(marks_of_direction_and_ends_of_lines_are_shown_as_numbers)
{
	check_shown("a\xe2\x80\xae"
		    "b",
		"a\\xe2\\x80\\xae"
		"b");
	check_shown("\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f",
		"\\xe2\\x81\\xa6\\xd8\\x9c\\xe2\\x80\\x8f");
	check_shown("\xe2\x80\xa8", "\\xe2\\x80\\xa8");
	check_shown("\xe2\x80\x93", "\xe2\x80\x93"); /* a dash is harmless */
}

TEST(no_character_is_cut)
{
	char text[4];

	CHECK_INT(shown_copy(text, sizeof(text), "a\xe2\x82\xac"), 1);
	CHECK_STR(text, "a");
}

#define CHECK_PRINT(wanted, ...)                          \
	do {                                              \
		char *text;                               \
		size_t size;                              \
		FILE *out = open_memstream(&text, &size); \
		int n = shown_print(out, __VA_ARGS__);    \
                                                          \
		fclose(out);                              \
		CHECK_STR(text, wanted);                  \
		CHECK_INT(n, strlen(wanted));             \
		free(text);                               \
	} while (0)

TEST(strings_are_printed_as_shown_and_the_format_as_it_is)
{
	CHECK_PRINT("a\n\\x0a|\n", "a\n%s|\n", "\n");
	CHECK_PRINT("\\x1b  |", "%-6s|", "\033");
	CHECK_PRINT("  \\x1b|", "%6s|", "\033");
	CHECK_PRINT("ab|", "%.*s|", 2, "abc");
	CHECK_PRINT("ab  |", "%-*.2s|", 4, "abc");
	CHECK_PRINT("\\xe2\\x82", "%.2s", "\xe2\x82\xac");
	CHECK_PRINT("x\\x0a", "%c%c", 'x', '\n');
	CHECK_PRINT("a%", "%s%%", "a");
}

TEST(numbers_are_printed_as_everywhere)
{
	CHECK_PRINT("-5 5 0x1f 1f", "%d %u %#x %x", -5, 5u, 31u, 31u);
	CHECK_PRINT("4294967295 -1", "%u %d", UINT32_MAX, -1);
	CHECK_PRINT("18446744073709551615 -2", "%llu %ld",
		18446744073709551615ull, -2l);
	CHECK_PRINT("  7 7   007", "%3zu %-3d %03d", (size_t)7, 7, 7);
	CHECK_PRINT("1.5 0x00ff", "%.1f 0x%04x", 1.46, 255u);
	CHECK_PRINT("   7", "%*d", 4, 7);
}
