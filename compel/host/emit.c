/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "compel/host/emit.h"

struct emit_symbol {
	const struct input_symbol *symbol;
	size_t offset;
};

static int emit_compare_symbols(const void *a, const void *b)
{
	const struct emit_symbol *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return strcmp(x->symbol->name, y->symbol->name);
}

static const char *emit_symbol_kind(const struct input_symbol *symbol)
{
	switch (symbol->type) {
	case STT_FUNC:
		return "code";
	case STT_OBJECT:
		return "data";
	default:
		return "label";
	}
}

/* Names of things; not of sections, files or an assembler's mapping. */
static bool emit_wants_symbol(const struct input_symbol *symbol)
{
	return *symbol->name && *symbol->name != '$' && *symbol->name != '.' &&
	       symbol->type != STT_SECTION && symbol->type != STT_FILE;
}

void emit_symbols(FILE *to, struct arena *arena, const struct weld *weld,
	const char *line_start)
{
	VEC(struct emit_symbol) list = {0};

	for (size_t i = 0; i < weld->input->symbol_count; i++) {
		const struct input_symbol *symbol = &weld->input->symbols[i];
		size_t offset;

		if (!emit_wants_symbol(symbol) ||
			!weld_find_offset(weld, symbol, &offset))
			continue;
		*vec_push(arena, &list) = (struct emit_symbol){symbol, offset};
	}
	if (list.n)
		qsort(list.at, list.n, sizeof(*list.at), emit_compare_symbols);
	for (size_t i = 0; i < list.n; i++)
		fprintf(to, "%s0x%04zx %5llu %-5s %s\n", line_start,
			list.at[i].offset,
			(unsigned long long)list.at[i].symbol->size,
			emit_symbol_kind(list.at[i].symbol),
			list.at[i].symbol->name);
}

static const char *emit_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void emit_source(FILE *to, struct arena *arena, const struct weld *weld,
	const char *name, bool public)
{
	const char *type = public ? "compel_blob" : "blob";

	fprintf(to, "/* Made by compel from %s (%s); do not edit.\n *\n",
		emit_base_name(weld->input->path), weld->machine->name);
	emit_symbols(to, arena, weld, " * ");
	fprintf(to, " */\n#include %s\n\nextern const struct %s %s;\n\n",
		public ? "<compel/compel.h>" : "\"backend.h\"", type, name);
	fprintf(to, "static const unsigned char %s_bytes[] = {", name);
	for (size_t i = 0; i < weld->size; i++)
		fprintf(to, "%s0x%02x,", i % 12 ? " " : "\n\t", weld->bytes[i]);
	fprintf(to, "\n};\n\nconst struct %s %s = {\n", type, name);
	fprintf(to, "\t.bytes = %s_bytes,\n\t.size = sizeof(%s_bytes),\n", name,
		name);
	fprintf(to, "\t.entry = 0x%zx, /* %s */\n", weld->entry,
		weld->entry_name);
	if (public)
		fprintf(to, "\t.needs_write = %d,\n", weld->needs_write);
	fputs("};\n", to);
}

void emit_raw(FILE *to, const struct weld *weld)
{
	fwrite(weld->bytes, 1, weld->size, to);
}
