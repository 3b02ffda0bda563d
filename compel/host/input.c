/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "base/io.h"
#include "compel/host/input.h"

/* No program that is to be injected has so much. */
enum { INPUT_MAX = 64 << 20 };

struct input_file {
	struct arena *arena;
	const char *path;
	const uint8_t *bytes;
	size_t size;
	Elf *elf;
	struct input *input;
};

static void input_elf_endp(Elf **elf)
{
	if (*elf)
		elf_end(*elf);
}

static int input_refuse(
	const struct input_file *file, struct err *err, const char *why)
{
	return err_set(err, EINVAL, "%s %s", file->path, why);
}

/* Is it there, 64 bits, little-endian, of a kind that holds code? */
static int input_check_header(const struct input_file *file, struct err *err)
{
	Elf64_Ehdr header;

	if (file->size < SELFMAG || memcmp(file->bytes, ELFMAG, SELFMAG))
		return input_refuse(file, err, "is not an ELF file");
	if (file->size < sizeof(header))
		return input_refuse(file, err,
			"is cut short: not even the ELF header is whole");
	memcpy(&header, file->bytes, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return input_refuse(file, err, "is not a 64-bit ELF file");
	if (header.e_ident[EI_DATA] != ELFDATA2LSB)
		return input_refuse(file, err,
			"is big-endian; all machines here are little-endian");
	if (header.e_type != ET_REL && header.e_type != ET_EXEC &&
		header.e_type != ET_DYN)
		return err_set(err, EINVAL,
			"%s is neither an object nor a linked program "
			"(ELF type %u)",
			file->path, header.e_type);
	if (!header.e_shoff || !header.e_shnum)
		return input_refuse(file, err,
			"has no section table, so nothing tells code from "
			"data");
	if (header.e_shentsize != sizeof(Elf64_Shdr) ||
		header.e_shoff > file->size ||
		(file->size - header.e_shoff) / sizeof(Elf64_Shdr) <
			header.e_shnum)
		return input_refuse(file, err,
			"is cut short: its section table goes past its end");
	if (header.e_machine == EM_PPC64 && (header.e_flags & 3) == 1)
		return input_refuse(file, err,
			"is made for the old ELFv1 ABI of ppc64; only ELFv2 "
			"code can be injected");
	file->input->type = header.e_type;
	file->input->machine = header.e_machine;
	return 0;
}

static int input_read_section(const struct input_file *file, Elf_Scn *scn,
	size_t names, struct input_section *section, struct err *err)
{
	GElf_Shdr header;

	if (!gelf_getshdr(scn, &header))
		return input_refuse(file, err, elf_errmsg(-1));
	section->name = elf_strptr(file->elf, names, header.sh_name);
	if (!section->name)
		return input_refuse(
			file, err, "has a section whose name lies outside it");
	section->type = header.sh_type;
	section->flags = header.sh_flags;
	section->addr = header.sh_addr;
	section->size = header.sh_size;
	section->align = header.sh_addralign ?: 1;
	if (header.sh_type == SHT_NOBITS || header.sh_type == SHT_NULL)
		return 0;
	if (header.sh_offset > file->size ||
		header.sh_size > file->size - header.sh_offset)
		return err_set(err, EINVAL,
			"%s is cut short: section %s goes past its end",
			file->path, section->name);
	section->bytes = file->bytes + header.sh_offset;
	return 0;
}

static int input_read_symbol(const struct input_file *file, Elf_Data *data,
	size_t index, size_t names, struct input_symbol *symbol,
	struct err *err)
{
	const struct input *input = file->input;
	GElf_Sym sym;

	if (!gelf_getsym(data, (int)index, &sym))
		return input_refuse(file, err, elf_errmsg(-1));
	symbol->value = sym.st_value;
	symbol->size = sym.st_size;
	symbol->section = sym.st_shndx;
	symbol->type = GELF_ST_TYPE(sym.st_info);
	symbol->bind = GELF_ST_BIND(sym.st_info);
	symbol->other = sym.st_other;
	symbol->name = elf_strptr(file->elf, names, sym.st_name);
	if (!symbol->name)
		return input_refuse(
			file, err, "has a symbol whose name lies outside it");
	if (symbol->section >= SHN_LORESERVE)
		return 0;
	if (symbol->section >= input->section_count)
		return err_set(err, EINVAL,
			"%s has symbol %s in section %u, which does not exist",
			file->path, symbol->name, symbol->section);
	if (symbol->type == STT_SECTION)
		symbol->name = input->sections[symbol->section].name;
	return 0;
}

static int input_read_symbols(const struct input_file *file, Elf_Scn *scn,
	struct input_section *section, struct err *err)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Shdr header;
	size_t count;
	int rc;

	if (!data || !gelf_getshdr(scn, &header))
		return input_refuse(file, err, elf_errmsg(-1));
	count = data->d_size / sizeof(Elf64_Sym);
	section->symbols =
		arena_newn(file->arena, struct input_symbol, count + 1);
	for (size_t i = 0; i < count; i++) {
		rc = input_read_symbol(file, data, i, header.sh_link,
			&section->symbols[i], err);
		if (rc)
			return rc;
	}
	section->symbol_count = count;
	return 0;
}

/* A table of relocations; its sh_info names the section that it changes,
 * unless a loader is to read it (then the section itself is loaded). */
static int input_read_relocs(
	const struct input_file *file, Elf_Scn *scn, struct err *err)
{
	struct input *input = file->input;
	Elf_Data *data = elf_getdata(scn, NULL);
	const struct input_section *table;
	GElf_Shdr header;
	GElf_Rela rela;
	uint64_t symbol;

	if (!data || !gelf_getshdr(scn, &header))
		return input_refuse(file, err, elf_errmsg(-1));
	if (header.sh_info >= input->section_count ||
		header.sh_link >= input->section_count)
		return input_refuse(file, err,
			"has relocations for a section that does not exist");
	table = &input->sections[header.sh_link];
	for (int i = 0; gelf_getrela(data, i, &rela); i++) {
		struct input_reloc *reloc =
			vec_push(file->arena, &input->relocs);

		symbol = GELF_R_SYM(rela.r_info);
		if (symbol && symbol >= table->symbol_count)
			return input_refuse(file, err,
				"has a relocation to a symbol that does not "
				"exist");
		if (!(header.sh_flags & SHF_ALLOC))
			reloc->section = header.sh_info;
		reloc->type = (uint32_t)GELF_R_TYPE(rela.r_info);
		reloc->offset = rela.r_offset;
		reloc->addend = rela.r_addend;
		reloc->symbol = symbol ? &table->symbols[symbol] : NULL;
	}
	return 0;
}

/* Once per section, in three rounds: relocations point to symbols, and
 * symbols to sections. */
static int input_read_round(
	const struct input_file *file, int round, struct err *err)
{
	struct input *input = file->input;
	Elf_Scn *scn = NULL;
	size_t names;
	int rc = 0;

	if (elf_getshdrstrndx(file->elf, &names))
		return input_refuse(file, err, elf_errmsg(-1));
	for (size_t i = 1; !rc && i < input->section_count; i++) {
		struct input_section *section = &input->sections[i];

		scn = elf_getscn(file->elf, i);
		if (!scn)
			return input_refuse(file, err, elf_errmsg(-1));
		if (round == 0)
			rc = input_read_section(file, scn, names, section, err);
		else if (round == 1 && (section->type == SHT_SYMTAB ||
					       section->type == SHT_DYNSYM))
			rc = input_read_symbols(file, scn, section, err);
		else if (round == 2 && section->type == SHT_RELA)
			rc = input_read_relocs(file, scn, err);
		else if (round == 2 && section->type == SHT_REL)
			rc = err_set(err, EINVAL,
				"%s has relocations without addends (%s), "
				"which its machine's compilers do not make",
				file->path, section->name);
	}
	return rc;
}

static void input_choose_symbols(struct input *input)
{
	static const uint32_t best_last[] = {SHT_DYNSYM, SHT_SYMTAB};

	for (size_t t = 0; t < 2; t++)
		for (size_t i = 1; i < input->section_count; i++) {
			if (input->sections[i].type != best_last[t])
				continue;
			input->symbols = input->sections[i].symbols;
			input->symbol_count = input->sections[i].symbol_count;
		}
}

int input_read(struct arena *arena, const char *path, struct input **ret,
	struct err *err)
{
	struct input_file file = {.arena = arena, .path = path};
	Elf *elf __attribute__((cleanup(input_elf_endp))) = NULL;
	struct input *input = arena_new1(arena, struct input);
	char *bytes;
	int rc;

	rc = io_read_regular(
		arena, AT_FDCWD, path, INPUT_MAX, &bytes, &file.size, err);
	if (rc)
		return rc;
	file.bytes = (const uint8_t *)bytes;
	file.input = input;
	input->path = arena_strdup(arena, path);
	rc = input_check_header(&file, err);
	if (rc)
		return rc;
	elf_version(EV_CURRENT);
	elf = elf_memory(bytes, file.size);
	if (!elf || elf_kind(elf) != ELF_K_ELF ||
		elf_getshdrnum(elf, &input->section_count))
		return input_refuse(&file, err, elf_errmsg(-1));
	file.elf = elf;
	input->sections =
		arena_newn(arena, struct input_section, input->section_count);
	for (int round = 0; !rc && round < 3; round++)
		rc = input_read_round(&file, round, err);
	if (rc)
		return rc;
	input_choose_symbols(input);
	*ret = input;
	return 0;
}
