/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json: a writer of JSON that puts commas, quotes and indents in place.
 *
 * Names are NULL inside arrays. Text is UTF-8; bytes that are not, and
 * control characters, are written as \u00XX, so that the output is always
 * valid. Numbers above 2^53 are exact in the text. Write errors are the
 * business of the stream.
 */
#ifndef STASIS_INSPECT_JSON_H
#define STASIS_INSPECT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	int depth;
	bool filled; /* the open object or array has a member */
};

void json_object_open(struct json *json, const char *name);
void json_object_close(struct json *json);
void json_array_open(struct json *json, const char *name);
void json_array_close(struct json *json);
/* A NULL text is the value null. */
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_hex(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);

#endif
