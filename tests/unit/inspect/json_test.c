/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/json.h"

#include <stdlib.h>

#include "test.h"

/* One object with one text, as it is written. */
static void check_text(const char *text, const char *expected)
{
	struct json json = {0};
	char *written = NULL;
	size_t size;

	json.out = open_memstream(&written, &size);
	json_array_open(&json, NULL);
	json_text(&json, NULL, text);
	json_array_close(&json);
	fclose(json.out);
	CHECK_STR(written, expected);
	free(written);
}

TEST(text_is_escaped)
{
	check_text("plain", "[\n  \"plain\"\n]\n");
	check_text("a\"b\\c", "[\n  \"a\\\"b\\\\c\"\n]\n");
	check_text("\n\t\x7f", "[\n  \"\\u000a\\u0009\\u007f\"\n]\n");
	check_text(NULL, "[\n  null\n]\n");
}

TEST(utf8_is_kept_and_other_bytes_are_escaped)
{
	check_text("\xc3\xa9", "[\n  \"\xc3\xa9\"\n]\n");
	check_text("\xf0\x9f\x98\x80", "[\n  \"\xf0\x9f\x98\x80\"\n]\n");
	check_text("\xff", "[\n  \"\\u00ff\"\n]\n");
	/* Cut off, overlong, a surrogate, beyond the last character. */
	check_text("\xc3", "[\n  \"\\u00c3\"\n]\n");
	check_text("\xc0\x80", "[\n  \"\\u00c0\\u0080\"\n]\n");
	check_text("\xed\xa0\x80", "[\n  \"\\u00ed\\u00a0\\u0080\"\n]\n");
	check_text("\xf4\x90\x80\x80",
		"[\n  \"\\u00f4\\u0090\\u0080\\u0080\"\n]\n");
}

TEST(what_harms_a_terminal_is_escaped)
{
	check_text("\xc2\x9b", "[\n  \"\\u009b\"\n]\n");
	check_text("\xe2\x80\xae", "[\n  \"\\u202e\"\n]\n");
}

TEST(members_are_separated_and_empty_levels_are_closed)
{
	struct json json = {0};
	char *written = NULL;
	size_t size;

	json.out = open_memstream(&written, &size);
	json_object_open(&json, NULL);
	json_number(&json, "big", UINT64_MAX);
	json_hex(&json, "hex", 255);
	json_array_open(&json, "none");
	json_array_close(&json);
	json_bool(&json, "yes", true);
	json_object_close(&json);
	fclose(json.out);
	CHECK_STR(written, "{\n  \"big\": 18446744073709551615,\n"
			   "  \"hex\": \"0xff\",\n  \"none\": [],\n"
			   "  \"yes\": true\n}\n");
	free(written);
}
