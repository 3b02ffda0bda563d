/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/undo_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

typedef VEC(struct undo_step) step_vec;
typedef VEC(char *) word_vec;

static bool is_plain(unsigned char letter)
{
	return letter > ' ' && letter < 127 && letter != '%';
}

const char *undo_text_escape(struct arena *arena, const char *arg)
{
	char *out = arena_alloc(arena, strlen(arg) * 3 + 1), *at = out;

	for (; *arg; arg++)
		if (is_plain((unsigned char)*arg))
			*at++ = *arg;
		else
			at += sprintf(at, "%%%02X", (unsigned char)*arg);
	return out;
}

static void word_unescape(char *word)
{
	char *to = word, hex[3] = {0};

	for (; *word; word++) {
		if (*word != '%' || !word[1] || !word[2]) {
			*to++ = *word;
			continue;
		}
		memcpy(hex, word + 1, 2);
		*to++ = (char)strtoul(hex, NULL, 16);
		word += 2;
	}
	*to = '\0';
}

/* "N VERB ARG ...": N counts up from 1, or is that of a line to be closed. */
static int line_read(
	struct arena *arena, char *line, step_vec *steps, struct err *err)
{
	char *rest = NULL, *word = strtok_r(line, " ", &rest), *end;
	unsigned long number = word ? strtoul(word, &end, 10) : 0;
	const char *verb = strtok_r(NULL, " ", &rest);
	word_vec words = {0};

	if (!verb || *end || !number || number > steps->n + 1)
		return err_set(err, EBADMSG, "a line has no number or verb");
	if (!strcmp(verb, UNDO_DONE)) {
		if (number > steps->n)
			return err_set(err, EBADMSG,
				"line %lu is done but was never begun", number);
		steps->at[number - 1].verb = NULL;
		return 0;
	}
	if (number != steps->n + 1)
		return err_set(err, EBADMSG, "line %lu is there twice", number);
	while ((word = strtok_r(NULL, " ", &rest))) {
		word_unescape(word);
		*vec_push(arena, &words) = word;
	}
	*vec_push(arena, steps) = (struct undo_step){verb, words.at, words.n};
	return 0;
}

int undo_text_read(struct arena *arena, const char *text,
	struct undo_step **ret_steps, size_t *ret_n, struct err *err)
{
	char *line = arena_strdup(arena, text), *end;
	step_vec steps = {0}, open = {0};
	int code = 0;

	for (; !code && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		code = line_read(arena, line, &steps, err);
	}
	if (code)
		return code;
	for (size_t i = steps.n; i-- > 0;)
		if (steps.at[i].verb)
			*vec_push(arena, &open) = steps.at[i];
	*ret_steps = open.at;
	*ret_n = open.n;
	return 0;
}
