/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread stands in code of a file whose unwind table says, in a gigabyte of
 * instructions that do nothing, how its caller is found. */
#include "checkpoint.h"

#include <elf.h>

enum { TABLE = 0x1000, CODE = 0x2000, CIE = 0x3000, FDE = 0x3040 };
#define SIZE (1ul << 30)

#ifdef __x86_64__
static const uint8_t loop[] = {0xeb, 0xfe};
#elif defined(__aarch64__)
static const uint8_t loop[] = {0, 0, 0, 0x14};
#else
static const uint8_t loop[] = {0, 0, 0, 0x48};
#endif

static void word_put(uint8_t *at, uint32_t word)
{
	memcpy(at, &word, sizeof(word));
}

static void file_fill(uint8_t *file)
{
	static const uint8_t cie[] = {20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0,
		1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8};
	static const uint8_t table[] = {1, 0x1b, 3, 0x3b};
	Elf64_Ehdr ehdr = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64},
		.e_phoff = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2};
	Elf64_Phdr phdrs[] = {{.p_type = PT_LOAD, .p_filesz = SIZE},
		{.p_type = PT_GNU_EH_FRAME, .p_vaddr = TABLE}};

	memcpy(file, &ehdr, sizeof(ehdr));
	memcpy(file + sizeof(ehdr), phdrs, sizeof(phdrs));
	memcpy(file + TABLE, table, sizeof(table));
	word_put(file + TABLE + 8, 1);
	word_put(file + TABLE + 12, CODE - TABLE);
	word_put(file + TABLE + 16, FDE - TABLE);
	memcpy(file + CODE, loop, sizeof(loop));
	memcpy(file + CIE, cie, sizeof(cie));
	word_put(file + FDE, SIZE - FDE - 0x1000);
	word_put(file + FDE + 4, FDE + 4 - CIE);
	word_put(file + FDE + 8, (uint32_t)(CODE - (FDE + 8)));
	word_put(file + FDE + 12, 0x100);
}

int main(void)
{
	int fd = memfd_create("garbled", 0);
	pthread_t thread;
	uint8_t *file;

	CHECK_SYS(fd);
	CHECK_SYS(ftruncate(fd, SIZE));
	file = mmap(NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED,
		fd, 0);
	CHECK(file != MAP_FAILED);
	file_fill(file);
	__builtin___clear_cache((char *)file, (char *)file + CIE);
	thread =
		thread_start((void *(*)(void *))(uintptr_t)(file + CODE), NULL);
	(void)thread;
	checkpoint_here();
	checkpoint_ok();
}
