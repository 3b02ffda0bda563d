/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/json.h"

#include <inttypes.h>
#include <stddef.h>

/* The size of the UTF-8 character at the front, 0 if it is none. Overlong
 * forms, surrogates and what is beyond U+10FFFF are none. */
static size_t utf8_size(const unsigned char *at)
{
	size_t size = at[0] < 0x80   ? 1
		      : at[0] < 0xc2 ? 0
		      : at[0] < 0xe0 ? 2
		      : at[0] < 0xf0 ? 3
		      : at[0] < 0xf5 ? 4
				     : 0;

	for (size_t i = 1; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f))
		return 0;
	if ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return size;
}

static void quoted_write(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t size;

	putc('"', out);
	for (; *at; at += size ?: 1) {
		size = utf8_size(at);
		if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (size == 0 || *at < 0x20 || *at == 0x7f)
			fprintf(out, "\\u%04x", *at);
		else
			fwrite(at, 1, size, out);
	}
	putc('"', out);
}

static void member_begin(struct json *json, const char *name)
{
	if (json->filled)
		putc(',', json->out);
	if (json->depth)
		fprintf(json->out, "\n%*s", json->depth * 2, "");
	json->filled = true;
	if (!name)
		return;
	quoted_write(json->out, name);
	fputs(": ", json->out);
}

static void level_open(struct json *json, const char *name, char bracket)
{
	member_begin(json, name);
	putc(bracket, json->out);
	json->depth++;
	json->filled = false;
}

static void level_close(struct json *json, char bracket)
{
	json->depth--;
	if (json->filled)
		fprintf(json->out, "\n%*s", json->depth * 2, "");
	putc(bracket, json->out);
	json->filled = true;
	if (!json->depth)
		putc('\n', json->out);
}

void json_object_open(struct json *json, const char *name)
{
	level_open(json, name, '{');
}

void json_object_close(struct json *json)
{
	level_close(json, '}');
}

void json_array_open(struct json *json, const char *name)
{
	level_open(json, name, '[');
}

void json_array_close(struct json *json)
{
	level_close(json, ']');
}

void json_text(struct json *json, const char *name, const char *text)
{
	member_begin(json, name);
	if (text)
		quoted_write(json->out, text);
	else
		fputs("null", json->out);
}

void json_number(struct json *json, const char *name, uint64_t number)
{
	member_begin(json, name);
	fprintf(json->out, "%" PRIu64, number);
}

void json_hex(struct json *json, const char *name, uint64_t number)
{
	member_begin(json, name);
	fprintf(json->out, "\"0x%" PRIx64 "\"", number);
}

void json_bool(struct json *json, const char *name, bool value)
{
	member_begin(json, name);
	fputs(value ? "true" : "false", json->out);
}
