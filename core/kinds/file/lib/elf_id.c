/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/elf_id.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Notes further behind are not looked at: linkers put the id in front. */
enum { HEADERS_MAX = 64, NOTES_MAX = 4096 };

static bool bytes_read(int fd, void *to, size_t size, uint64_t at)
{
	return pread(fd, to, size, (off_t)at) == (ssize_t)size;
}

static size_t round_up(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* Within the notes of one segment. */
static size_t note_find(
	const uint8_t *notes, size_t size, uint32_t ret[ELF_ID_WORDS])
{
	size_t at = 0, name_size, desc_size;
	Elf64_Nhdr note;

	while (size - at >= sizeof(note)) {
		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		name_size = round_up(note.n_namesz);
		desc_size = round_up(note.n_descsz);
		if (name_size > size - at || desc_size > size - at - name_size)
			break;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
			memcmp(notes + at, "GNU", 4) == 0 &&
			note.n_descsz <= ELF_ID_WORDS * sizeof(*ret)) {
			memset(ret, 0, ELF_ID_WORDS * sizeof(*ret));
			memcpy(ret, notes + at + name_size, note.n_descsz);
			return desc_size / sizeof(*ret);
		}
		at += name_size + desc_size;
	}
	return 0;
}

size_t elf_id_read(int fd, uint32_t ret[ELF_ID_WORDS])
{
	uint8_t notes[NOTES_MAX];
	Elf64_Phdr segment;
	Elf64_Ehdr head;
	ssize_t got;
	size_t n = 0;

	if (!bytes_read(fd, &head, sizeof(head), 0) ||
		memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
		head.e_ident[EI_CLASS] != ELFCLASS64 ||
		head.e_phentsize != sizeof(segment))
		return 0;
	for (unsigned i = 0; i < head.e_phnum && i < HEADERS_MAX && !n; i++) {
		if (!bytes_read(fd, &segment, sizeof(segment),
			    head.e_phoff + i * sizeof(segment)))
			return 0;
		if (segment.p_type != PT_NOTE)
			continue;
		got = pread(fd, notes,
			segment.p_filesz < NOTES_MAX ? segment.p_filesz
						     : NOTES_MAX,
			(off_t)segment.p_offset);
		n = got > 0 ? note_find(notes, (size_t)got, ret) : 0;
	}
	return n;
}
