/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu_bits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

/* Names in a row, as many as fit; the others are counted. */
struct list {
	char text[700];
	size_t used;
	unsigned int left_out;
};

static void name_print(
	const struct cpu_word *word, unsigned int bit, char *out, size_t size)
{
	if (word->names && word->names[bit])
		snprintf(out, size, "%s", word->names[bit]);
	else
		snprintf(out, size, "%s.%u", word->label, bit);
}

static void list_add(
	struct list *list, const struct cpu_word *word, unsigned int bit)
{
	char name[64];
	size_t length;

	name_print(word, bit, name, sizeof(name));
	length = strlen(name);
	if (list->used + length + 3 > sizeof(list->text)) {
		list->left_out++;
		return;
	}
	if (list->used) {
		memcpy(list->text + list->used, ", ", 2);
		list->used += 2;
	}
	memcpy(list->text + list->used, name, length + 1);
	list->used += length;
}

static void list_add_word(
	struct list *list, const struct cpu_word *word, uint64_t bits)
{
	for (; bits; bits &= bits - 1)
		list_add(list, word, (unsigned int)__builtin_ctzll(bits));
}

/* What a has and b lacks. */
static void list_fill(struct list *list, const struct cpu_bits *a,
	const struct cpu_bits *b, const uint64_t *masks)
{
	*list = (struct list){0};
	for (unsigned int i = 0; a->words[i].label; i++) {
		uint64_t mask = masks ? masks[i] : a->words[i].ins;

		list_add_word(
			list, &a->words[i], a->bits[i] & ~b->bits[i] & mask);
	}
	if (list->left_out)
		snprintf(list->text + list->used,
			sizeof(list->text) - list->used, " ...");
}

int cpu_bits_require(const struct cpu_bits *image, const struct cpu_bits *here,
	const uint64_t *masks, struct err *err)
{
	struct list lacking;

	list_fill(&lacking, image, here, masks);
	if (!lacking.used)
		return 0;
	return err_set(err, ENOTSUP,
		"the CPU (%s) lacks %s; the image was made on one with them "
		"(%s)",
		here->model, lacking.text, image->model);
}

int cpu_bits_require_code(const struct cpu_bits *image,
	const struct cpu_bits *here, struct err *err)
{
	uint64_t masks[CPU_WORDS_MAX] = {0};

	for (unsigned int i = 0; image->words[i].label; i++)
		masks[i] = image->words[i].ins & ~image->words[i].moot;
	return cpu_bits_require(image, here, masks, err);
}

int cpu_bits_match(const struct cpu_bits *image, const struct cpu_bits *here,
	struct err *err)
{
	uint64_t all[CPU_WORDS_MAX];
	struct list lacking, more;

	memset(all, 0xff, sizeof(all));
	list_fill(&lacking, image, here, all);
	list_fill(&more, here, image, all);
	if (!lacking.used && !more.used)
		return 0;
	return err_set(err, ENOTSUP,
		"the CPU (%s) is not the same as the image's (%s): it lacks "
		"%s, and has in addition %.300s",
		here->model, image->model,
		lacking.used ? lacking.text : "nothing",
		more.used ? more.text : "nothing");
}

const char *const *cpu_bits_names(
	struct arena *arena, const struct cpu_bits *cpu)
{
	VEC(const char *) names = {0};

	for (unsigned int i = 0; cpu->words[i].label; i++) {
		const struct cpu_word *word = &cpu->words[i];
		uint64_t bits = cpu->bits[i] & word->ins;

		for (; bits; bits &= bits - 1) {
			char name[64];

			name_print(word, (unsigned int)__builtin_ctzll(bits),
				name, sizeof(name));
			*vec_push(arena, &names) = arena_strdup(arena, name);
		}
	}
	*vec_push(arena, &names) = NULL;
	return names.at;
}
