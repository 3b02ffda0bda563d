/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vdso: functions of the kernel's code in this process, looked up by name.
 * To be done once, before the checkpoint, as the C library does it. */
#ifndef STASIS_TESTS_VDSO_H
#define STASIS_TESTS_VDSO_H

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

static inline void *vdso_find(const char *name)
{
	const uint8_t *base = (void *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *head = (const void *)base;
	const Elf64_Phdr *phdr = (const void *)(base + head->e_phoff);
	const Elf64_Sym *symbols = NULL;
	const Elf64_Dyn *dyn = NULL;
	const char *names = NULL;
	uintptr_t load = 0;

	for (int i = head->e_phnum; i-- > 0;)
		if (phdr[i].p_type == PT_LOAD)
			load = (uintptr_t)base - phdr[i].p_vaddr;
	for (int i = 0; i < head->e_phnum; i++)
		if (phdr[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(load + phdr[i].p_vaddr);
	for (; dyn->d_tag; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			symbols = (const void *)(load + dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_STRTAB)
			names = (const void *)(load + dyn->d_un.d_ptr);
	}
	/* The names stand behind the symbols. */
	for (; (const void *)symbols < (const void *)names; symbols++)
		if (symbols->st_shndx &&
			strcmp(names + symbols->st_name, name) == 0)
			return (void *)(load + symbols->st_value);
	return NULL;
}

/* x86_64 and ppc64le name them differently, and aarch64 has no time(). */
static inline void *vdso_named(const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "__vdso_%s", name);
	if (vdso_find(text))
		return vdso_find(text);
	snprintf(text, sizeof(text), "__kernel_%s", name);
	return vdso_find(text);
}

#endif
