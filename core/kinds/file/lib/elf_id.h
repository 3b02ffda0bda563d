/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf_id: the build id that a linker put into a program or library. */
#ifndef STASIS_KINDS_FILE_LIB_ELF_ID_H
#define STASIS_KINDS_FILE_LIB_ELF_ID_H

#include <stddef.h>
#include <stdint.h>

enum { ELF_ID_WORDS = 16, ELF_ID_FILE_MIN = 64 /* bytes of a header */ };

/* In words, as the image format has it. How many; 0: the file has no build
 * id, is no ELF file, or cannot be read. The fd's position stays. */
size_t elf_id_read(int fd, uint32_t ret[ELF_ID_WORDS]);

#endif
