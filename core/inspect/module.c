/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/module.h"

#include <elf.h>
#include <string.h>

/* A vdso has a few pages; no need to hold more. */
enum { IN_MEMORY_MAX = 256 * 1024, PHDRS_MAX = 64 };

/* DW_EH_PE encodings: all linkers write these. */
enum { PE_PCREL_SDATA4 = 0x1b, PE_UDATA4 = 0x03, PE_DATAREL_SDATA4 = 0x3b };

struct modules {
	struct arena *arena;
	VEC(struct module *) known;
};

struct modules *modules_new(struct arena *arena)
{
	struct modules *modules = arena_new1(arena, struct modules);

	modules->arena = arena;
	return modules;
}

static bool source_read(
	const struct unwind_source *source, uint64_t at, void *to, size_t size)
{
	return source->read_mem(source->arg, at, to, size) == size;
}

/* The map of the beginning of the file that another map belongs to: the
 * nearest one before it. */
static const struct unwind_map *first_map(
	const struct unwind_source *source, const struct unwind_map *map)
{
	for (;; map--) {
		if (map->pgoff == 0)
			return map;
		if (map == source->maps || !map->object ||
			map[-1].object != map->object)
			return NULL;
	}
}

static void table_find(
	const struct unwind_source *source, struct module *module, uint64_t at)
{
	struct {
		uint8_t version, frame_enc, count_enc, table_enc;
		uint32_t frame, count;
	} head;

	if (!source_read(source, at, &head, sizeof(head)))
		return;
	if (head.version != 1 || head.frame_enc != PE_PCREL_SDATA4 ||
		head.count_enc != PE_UDATA4 ||
		head.table_enc != PE_DATAREL_SDATA4)
		return;
	module->table_base = at;
	module->table = at + sizeof(head);
	module->table_entries = head.count;
}

static bool headers_read(
	const struct unwind_source *source, struct module *module)
{
	Elf64_Phdr phdrs[PHDRS_MAX];
	bool loaded = false;
	uint64_t table = 0;
	Elf64_Ehdr ehdr;

	if (!source_read(source, module->base, &ehdr, sizeof(ehdr)) ||
		memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 ||
		ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
		ehdr.e_phentsize != sizeof(phdrs[0]) ||
		ehdr.e_phnum > PHDRS_MAX)
		return false;
	if (!source_read(source, module->base + ehdr.e_phoff, phdrs,
		    ehdr.e_phnum * sizeof(phdrs[0])))
		return false;
	for (int i = 0; i < ehdr.e_phnum; i++) {
		if (phdrs[i].p_type == PT_LOAD && !loaded) {
			module->bias = module->base -
				       (phdrs[i].p_vaddr - phdrs[i].p_offset);
			loaded = true;
		}
		if (phdrs[i].p_type == PT_GNU_EH_FRAME)
			table = phdrs[i].p_vaddr;
	}
	if (loaded && table)
		table_find(source, module, module->bias + table);
	return loaded;
}

static void symbols_find_source(struct arena *arena,
	const struct unwind_source *source, const struct unwind_map *map,
	struct module *module)
{
	uint64_t size = map->end - map->start;
	void *bytes;

	if (map->fd >= 0) {
		module->symbols = symbols_read_file(arena, map->fd);
		return;
	}
	if (map->object || size > IN_MEMORY_MAX)
		return;
	bytes = arena_alloc(arena, (size_t)size);
	if (source_read(source, map->start, bytes, (size_t)size))
		module->symbols =
			symbols_read_memory(arena, bytes, (size_t)size);
}

const struct module *module_find(struct modules *modules,
	const struct unwind_source *source, const struct unwind_map *map)
{
	const struct unwind_map *first = first_map(source, map);
	struct module *module;

	if (!first)
		return NULL;
	/* Of one file there may be several loads, at other addresses. */
	for (size_t i = 0; first->object && i < modules->known.n; i++)
		if (modules->known.at[i]->object == first->object &&
			modules->known.at[i]->base == first->start)
			return modules->known.at[i];
	module = arena_new1(modules->arena, struct module);
	module->object = first->object;
	module->base = first->start;
	if (!headers_read(source, module))
		return NULL;
	symbols_find_source(modules->arena, source, first, module);
	*vec_push(modules->arena, &modules->known) = module;
	return module;
}

const char *module_symbol(
	const struct module *module, uint64_t at, uint64_t *ret_offset)
{
	if (!module->symbols)
		return NULL;
	return symbols_find(module->symbols, at - module->bias, ret_offset);
}
