/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/external.h"

#include <string.h>

#include "base/log.h"

static void **used_slot(struct dump *dump, size_t i)
{
	return book_slot(dump->arena, &dump->book, "external", i, 0);
}

bool dump_external(struct dump *dump, const char *name)
{
	const struct option_words *words = &dump->run->opt->external;

	for (size_t i = 0; i < words->n; i++)
		if (!strcmp(words->at[i], name)) {
			*used_slot(dump, i) = dump;
			return true;
		}
	return false;
}

void dump_outside(struct dump *dump, uint32_t id)
{
	*vec_push(dump->arena, &dump->outside) = id;
}

void external_tell_unused(struct dump *dump)
{
	const struct option_words *words = &dump->run->opt->external;

	for (size_t i = 0; i < words->n; i++)
		if (!*used_slot(dump, i))
			log_warn("nothing in the tree is the external '%s'",
				words->at[i]);
}
