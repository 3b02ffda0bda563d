/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/json.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/shown.h"

/* What shown_print would show as numbers goes as the notation's own numbers. */
static void quoted_write(FILE *out, const char *text)
{
	uint32_t number;
	size_t size;

	putc('"', out);
	for (; *text; text += size ?: 1) {
		size = shown_utf8(text, &number);
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (!size)
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else if (shown_harms(number))
			fprintf(out, "\\u%04x", number);
		else
			fwrite(text, 1, size, out);
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
