/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/symbols.h"

#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct symbol {
	uint64_t address, size;
	const char *name;
};

struct symbols {
	VEC(struct symbol) list;
};

static int symbol_compare(const void *a, const void *b)
{
	const struct symbol *one = a, *two = b;

	if (one->address != two->address)
		return one->address < two->address ? -1 : 1;
	/* Of aliases the shortest name reads best: "read", "__libc_read". */
	return (int)strlen(one->name) - (int)strlen(two->name);
}

static void symbol_take(struct arena *arena, struct symbols *symbols, Elf *elf,
	size_t strings, const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);
	struct symbol *symbol;
	const char *name;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) ||
		sym->st_shndx == SHN_UNDEF || !sym->st_value)
		return;
	name = elf_strptr(elf, strings, sym->st_name);
	if (!name || !*name)
		return;
	symbol = vec_push(arena, &symbols->list);
	symbol->address = sym->st_value;
	symbol->size = sym->st_size;
	symbol->name = arena_strdup(arena, name);
}

static void section_take(struct arena *arena, struct symbols *symbols, Elf *elf,
	Elf_Scn *section, const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n;
	GElf_Sym sym;

	if (!data || !shdr->sh_entsize)
		return;
	n = shdr->sh_size / shdr->sh_entsize;
	for (size_t i = 0; i < n; i++)
		if (gelf_getsym(data, (int)i, &sym))
			symbol_take(arena, symbols, elf, shdr->sh_link, &sym);
}

static const struct symbols *elf_symbols(struct arena *arena, Elf *elf)
{
	struct symbols *symbols = arena_new1(arena, struct symbols);
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;

	while (elf && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &shdr) &&
			(shdr.sh_type == SHT_SYMTAB ||
				shdr.sh_type == SHT_DYNSYM))
			section_take(arena, symbols, elf, section, &shdr);
	elf_end(elf);
	if (!symbols->list.n)
		return NULL;
	qsort(symbols->list.at, symbols->list.n, sizeof(struct symbol),
		symbol_compare);
	return symbols;
}

const struct symbols *symbols_read_file(struct arena *arena, int fd)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	return elf_symbols(arena, elf_begin(fd, ELF_C_READ_MMAP, NULL));
}

const struct symbols *symbols_read_memory(
	struct arena *arena, void *bytes, size_t size)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	return elf_symbols(arena, elf_memory(bytes, size));
}

/* The last one that begins at or before the address, and of aliases the
 * first. */
const char *symbols_find(
	const struct symbols *symbols, uint64_t address, uint64_t *ret_offset)
{
	size_t low = 0, high = symbols->list.n, middle;
	const struct symbol *symbol;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (symbols->list.at[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	symbol = &symbols->list.at[low - 1];
	while (symbol > symbols->list.at &&
		symbol[-1].address == symbol->address)
		symbol--;
	if (symbol->size && address - symbol->address >= symbol->size)
		return NULL;
	*ret_offset = address - symbol->address;
	return symbol->name;
}

static bool note_is(Elf_Data *data, const void *build_id, size_t size)
{
	size_t at = 0, next, name, desc;
	GElf_Nhdr nhdr;

	while (data && (next = gelf_getnote(data, at, &nhdr, &name, &desc))) {
		if (nhdr.n_type == NT_GNU_BUILD_ID && nhdr.n_namesz == 4 &&
			!memcmp((char *)data->d_buf + name, "GNU", 4))
			return nhdr.n_descsz == size &&
			       !memcmp((char *)data->d_buf + desc, build_id,
				       size);
		at = next;
	}
	return false;
}

bool symbols_build_id_is(int fd, const void *build_id, size_t size)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	bool same = false;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return false;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	while (elf && !same && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &shdr) && shdr.sh_type == SHT_NOTE)
			same = note_is(
				elf_getdata(section, NULL), build_id, size);
	elf_end(elf);
	return same;
}
