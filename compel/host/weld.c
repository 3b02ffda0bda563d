/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "compel/host/weld.h"

enum { WELD_SIZE_MAX = 16 << 20, WELD_ALIGN_MAX = 4096 };

/* The TOC pointer of ELFv2 points that far behind the TOC's start. With no
 * TOC entries allowed any base will do: the piece's own start. */
#define WELD_TOC_BASE 0x8000

/* Sections that are code or data, not a linker's or an unwinder's notes. */
static bool weld_wants_section(
	const struct weld *weld, const struct input_section *section)
{
	const struct fixup_machine *machine = weld->machine;

	if (!(section->flags & SHF_ALLOC) || !section->size)
		return false;
	if (section->type != SHT_PROGBITS && section->type != SHT_NOBITS &&
		section->type != SHT_INIT_ARRAY &&
		section->type != SHT_FINI_ARRAY &&
		section->type != SHT_PREINIT_ARRAY)
		return false;
	if (!strcmp(section->name, ".got"))
		return section->size > machine->got_header;
	if (!strcmp(section->name, ".got.plt"))
		return section->size > machine->got_plt_header;
	return strcmp(section->name, ".eh_frame") &&
	       strcmp(section->name, ".eh_frame_hdr") &&
	       strcmp(section->name, ".interp");
}

static bool weld_is_linked(const struct weld *weld)
{
	return weld->input->type != ET_REL;
}

static bool weld_is_toc_base(const struct input_symbol *symbol)
{
	return !strcmp(symbol->name, ".TOC.");
}

static size_t weld_section_index(
	const struct weld *weld, const struct input_section *section)
{
	return (size_t)(section - weld->input->sections);
}

/* What one would call the culprit: a symbol of the section, if any. */
static const char *weld_name_data(
	const struct weld *weld, const struct input_section *section)
{
	for (size_t i = 0; i < weld->input->symbol_count; i++) {
		const struct input_symbol *symbol = &weld->input->symbols[i];

		if (symbol->section == weld_section_index(weld, section) &&
			symbol->type != STT_SECTION && *symbol->name &&
			*symbol->name != '$')
			return symbol->name;
	}
	return "what lies there";
}

static int weld_refuse_symbol(const struct weld *weld,
	const struct input_reloc *reloc, const struct fixup *fixup,
	const char *why, struct err *err)
{
	const struct input_section *section =
		&weld->input->sections[reloc->section];
	const char *symbol = reloc->symbol ? reloc->symbol->name : "";

	return err_set(err, EINVAL, "%s: %s at 0x%llx %s%s%s (%s)",
		weld->input->path,
		reloc->section ? section->name : "an address",
		(unsigned long long)reloc->offset, why, *symbol ? " " : "",
		symbol, fixup->name);
}

static int weld_check_reloc(const struct weld *weld,
	const struct input_reloc *reloc, struct err *err)
{
	const struct fixup *fixup = fixup_find(weld->machine, reloc->type);
	const struct input_symbol *symbol = reloc->symbol;

	if (!fixup)
		return err_set(err, EINVAL,
			"%s: %s at 0x%llx has a relocation of type %u, which "
			"is not known for %s",
			weld->input->path,
			weld->input->sections[reloc->section].name,
			(unsigned long long)reloc->offset, reloc->type,
			weld->machine->name);
	if (symbol && symbol->section == SHN_UNDEF && *symbol->name &&
		!weld_is_toc_base(symbol))
		return weld_refuse_symbol(
			weld, reloc, fixup, "needs the undefined symbol", err);
	if (symbol && symbol->section == SHN_COMMON)
		return weld_refuse_symbol(weld, reloc, fixup,
			"needs writable data: the common symbol", err);
	switch (fixup->kind) {
	case FIXUP_ABSOLUTE:
		return weld_refuse_symbol(weld, reloc, fixup,
			"needs the absolute address of", err);
	case FIXUP_TABLE:
		return weld_refuse_symbol(weld, reloc, fixup,
			"needs a table (GOT, PLT or TOC) to reach", err);
	case FIXUP_THREAD:
		return weld_refuse_symbol(weld, reloc, fixup,
			"needs thread-local storage for", err);
	case FIXUP_LOADER:
		return weld_refuse_symbol(
			weld, reloc, fixup, "needs a loader to relocate", err);
	default:
		return 0;
	}
}

/* Does a relocation change what will be injected? */
static bool weld_concerns_reloc(
	const struct weld *weld, const struct input_reloc *reloc)
{
	return !reloc->section ||
	       weld_wants_section(weld, &weld->input->sections[reloc->section]);
}

static int weld_check_undefined(const struct weld *weld, struct err *err)
{
	for (size_t i = 0; i < weld->input->symbol_count; i++) {
		const struct input_symbol *symbol = &weld->input->symbols[i];

		if (symbol->section != SHN_UNDEF || !*symbol->name ||
			weld_is_toc_base(symbol))
			continue;
		return err_set(err, EINVAL,
			"%s: symbol %s is not defined, and there is no loader "
			"to find it",
			weld->input->path, symbol->name);
	}
	return 0;
}

static int weld_check_relocs(const struct weld *weld, struct err *err)
{
	const struct input *input = weld->input;
	int rc = 0;

	for (size_t i = 0; !rc && i < input->relocs.n; i++)
		if (weld_concerns_reloc(weld, &input->relocs.at[i]))
			rc = weld_check_reloc(weld, &input->relocs.at[i], err);
	if (!rc && weld_is_linked(weld))
		rc = weld_check_undefined(weld, err);
	return rc;
}

static int weld_check_section(const struct weld *weld,
	const struct input_section *section, bool allow_data, struct err *err)
{
	const char *path = weld->input->path;

	if (section->flags & SHF_TLS)
		return err_set(err, EINVAL,
			"%s: %s in %s is thread-local data, which injected "
			"code has no place for",
			path, weld_name_data(weld, section), section->name);
	if ((section->flags & SHF_WRITE) && !allow_data)
		return err_set(err, EINVAL,
			"%s: %s in %s is writable data (%llu bytes), which "
			"injected code has no place for",
			path, weld_name_data(weld, section), section->name,
			(unsigned long long)section->size);
	if (section->align > WELD_ALIGN_MAX ||
		(section->align & (section->align - 1)))
		return err_set(err, EINVAL,
			"%s: %s wants to be aligned to %llu bytes, more than "
			"a page",
			path, section->name,
			(unsigned long long)section->align);
	if (section->size > WELD_SIZE_MAX)
		return err_set(err, EFBIG,
			"%s: %s is %llu bytes long, too much to inject", path,
			section->name, (unsigned long long)section->size);
	return 0;
}

/* Linked sections keep their distances, and their place in the page. */
static int weld_place_linked(struct weld *weld, struct err *err)
{
	const struct input *input = weld->input;
	uint64_t base = UINT64_MAX;

	for (size_t i = 1; i < input->section_count; i++)
		if (weld->sections[i].input && input->sections[i].addr < base)
			base = input->sections[i].addr;
	base &= ~(uint64_t)(WELD_ALIGN_MAX - 1);
	for (size_t i = 1; i < input->section_count; i++) {
		struct weld_section *section = &weld->sections[i];
		uint64_t offset = input->sections[i].addr - base;

		if (!section->input)
			continue;
		if (offset > WELD_SIZE_MAX)
			return err_set(err, EFBIG,
				"%s: %s lies too far away from the first "
				"section",
				input->path, section->input->name);
		section->offset = offset;
		if (weld->size < offset + section->input->size)
			weld->size = offset + section->input->size;
	}
	return 0;
}

static void weld_place_objects(struct weld *weld)
{
	for (size_t i = 1; i < weld->input->section_count; i++) {
		struct weld_section *section = &weld->sections[i];
		size_t align;

		if (!section->input)
			continue;
		align = section->input->align;
		section->offset = (weld->size + align - 1) & ~(align - 1);
		weld->size = section->offset + section->input->size;
	}
}

static int weld_place_sections(struct arena *arena, struct weld *weld,
	bool allow_data, struct err *err)
{
	const struct input *input = weld->input;
	uint64_t total = 0;
	int rc = 0;

	weld->sections =
		arena_newn(arena, struct weld_section, input->section_count);
	for (size_t i = 1; !rc && i < input->section_count; i++) {
		const struct input_section *section = &input->sections[i];

		if (!weld_wants_section(weld, section))
			continue;
		weld->sections[i].input = section;
		if (section->flags & SHF_WRITE)
			weld->needs_write = true;
		rc = weld_check_section(weld, section, allow_data, err);
		total += section->size + section->align;
		if (!rc && total > WELD_SIZE_MAX)
			rc = err_set(err, EFBIG,
				"%s holds more than %d MiB, too much to inject",
				input->path, WELD_SIZE_MAX >> 20);
	}
	if (rc)
		return rc;
	if (!total)
		return err_set(
			err, EINVAL, "%s holds no code at all", input->path);
	if (weld_is_linked(weld))
		return weld_place_linked(weld, err);
	weld_place_objects(weld);
	return 0;
}

static void weld_copy_sections(struct arena *arena, struct weld *weld)
{
	weld->bytes = arena_alloc(arena, weld->size);
	for (size_t i = 1; i < weld->input->section_count; i++) {
		const struct weld_section *section = &weld->sections[i];

		if (section->input && section->input->bytes)
			memcpy(weld->bytes + section->offset,
				section->input->bytes, section->input->size);
	}
}

bool weld_find_offset(const struct weld *weld,
	const struct input_symbol *symbol, size_t *ret_offset)
{
	const struct weld_section *section;
	uint64_t inside = symbol->value;

	if (symbol->section == SHN_UNDEF ||
		symbol->section >= weld->input->section_count)
		return false;
	section = &weld->sections[symbol->section];
	if (!section->input)
		return false;
	if (weld_is_linked(weld))
		inside -= section->input->addr;
	if (inside > section->input->size)
		return false;
	*ret_offset = section->offset + inside;
	return true;
}

/* ELFv2: callers that share the TOC skip what sets it up; how much that is
 * stands in the top three bits of st_other. */
static int64_t weld_local_entry(
	const struct weld *weld, const struct input_symbol *symbol)
{
	unsigned int code = symbol->other >> 5;

	if (weld->machine->machine != EM_PPC64 || code < 2 || code > 6)
		return 0;
	return 1 << code;
}

static int64_t weld_fixup_value(const struct weld *weld,
	const struct fixup *fixup, const struct input_symbol *symbol,
	int64_t target, int64_t place)
{
	switch (fixup->kind) {
	case FIXUP_CALL:
		return target + weld_local_entry(weld, symbol) - place;
	case FIXUP_PAGE:
		return (target & ~(int64_t)0xfff) - (place & ~(int64_t)0xfff);
	case FIXUP_PAGE_LOW:
		return target & 0xfff;
	case FIXUP_TOC:
		return target - WELD_TOC_BASE;
	default:
		return target - place;
	}
}

static int weld_apply_reloc(
	struct weld *weld, const struct input_reloc *reloc, struct err *err)
{
	const struct fixup *fixup = fixup_find(weld->machine, reloc->type);
	const struct weld_section *section = &weld->sections[reloc->section];
	const struct input_symbol *symbol = reloc->symbol;
	size_t offset = WELD_TOC_BASE, place;
	int64_t value;
	int rc;

	if (fixup->kind == FIXUP_NONE)
		return 0;
	if (!symbol || (!weld_is_toc_base(symbol) &&
			       !weld_find_offset(weld, symbol, &offset)))
		return weld_refuse_symbol(weld, reloc, fixup,
			"needs an address outside of the code:", err);
	if (reloc->offset > section->input->size ||
		section->input->size - reloc->offset < fixup->size)
		return weld_refuse_symbol(weld, reloc, fixup,
			"has a relocation outside of the section, for", err);
	place = section->offset + reloc->offset;
	value = weld_fixup_value(weld, fixup, symbol,
		(int64_t)offset + reloc->addend, (int64_t)place);
	rc = fixup->put(weld->bytes + place, value);
	if (rc == -EINVAL)
		return weld_refuse_symbol(weld, reloc, fixup,
			"is not aligned as the instruction needs it to reach",
			err);
	if (rc)
		return weld_refuse_symbol(
			weld, reloc, fixup, "is too far away from", err);
	return 0;
}

static const struct input_symbol *weld_find_symbol(
	const struct input *input, const char *name)
{
	for (size_t i = 0; i < input->symbol_count; i++) {
		const struct input_symbol *symbol = &input->symbols[i];

		if (symbol->section != SHN_UNDEF &&
			symbol->type != STT_SECTION &&
			!strcmp(symbol->name, name))
			return symbol;
	}
	return NULL;
}

static int weld_find_entry(
	struct weld *weld, const char *wanted, struct err *err)
{
	const struct input *input = weld->input;
	const struct input_symbol *entry;

	entry = weld_find_symbol(input, wanted ?: "agent_entry");
	if (!entry && !wanted)
		entry = weld_find_symbol(input, "_start");
	if (!entry && !wanted) {
		err_set(err, EINVAL,
			"%s has no entry: neither agent_entry nor _start is "
			"defined in it",
			input->path);
		return err_hint(err, "name the function with --entry");
	}
	if (!entry)
		return err_set(err, EINVAL,
			"%s has no entry: %s is not defined in it", input->path,
			wanted);
	if (!weld_find_offset(weld, entry, &weld->entry) ||
		!(input->sections[entry->section].flags & SHF_EXECINSTR))
		return err_set(err, EINVAL,
			"%s: the entry %s is not in a section of code",
			input->path, entry->name);
	weld->entry_name = entry->name;
	return 0;
}

static int weld_find_machine(
	struct weld *weld, const struct fixup_machine *wanted, struct err *err)
{
	const struct input *input = weld->input;

	weld->machine = fixup_machine_find(input->machine);
	if (!weld->machine)
		return err_set(err, EINVAL,
			"%s is made for ELF machine %u, not for x86_64, "
			"aarch64 or ppc64le",
			input->path, input->machine);
	if (wanted && wanted != weld->machine)
		return err_set(err, EINVAL, "%s is made for %s, not for %s",
			input->path, weld->machine->name, wanted->name);
	return 0;
}

int weld_input(struct arena *arena, const struct input *input,
	const struct weld_options *options, struct weld *ret, struct err *err)
{
	struct weld weld = {.input = input};
	int rc;

	rc = weld_find_machine(&weld, options->machine, err)
			?: weld_check_relocs(&weld, err)
			?: weld_place_sections(
				   arena, &weld, options->allow_data, err);
	if (rc)
		return rc;
	weld_copy_sections(arena, &weld);
	for (size_t i = 0; i < input->relocs.n && !weld_is_linked(&weld); i++) {
		if (!weld_concerns_reloc(&weld, &input->relocs.at[i]))
			continue;
		rc = weld_apply_reloc(&weld, &input->relocs.at[i], err);
		if (rc)
			return rc;
	}
	rc = weld_find_entry(&weld, options->entry, err);
	if (!rc)
		*ret = weld;
	return rc;
}
