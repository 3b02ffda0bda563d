/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "compel/host/fixup.h"

static const struct fixup_machine fixup_machines[] = {
	{EM_X86_64, "x86_64", fixup_x86_64, 0, 24},
	{EM_AARCH64, "aarch64", fixup_aarch64, 8, 24},
	{EM_PPC64, "ppc64le", fixup_ppc64le, 8, 0},
};

enum { FIXUP_MACHINES = sizeof(fixup_machines) / sizeof(*fixup_machines) };

const struct fixup_machine *fixup_machine_find(uint16_t machine)
{
	for (size_t i = 0; i < FIXUP_MACHINES; i++)
		if (fixup_machines[i].machine == machine)
			return &fixup_machines[i];
	return NULL;
}

const struct fixup_machine *fixup_machine_by_name(const char *name)
{
	for (size_t i = 0; i < FIXUP_MACHINES; i++)
		if (!strcmp(fixup_machines[i].name, name))
			return &fixup_machines[i];
	return NULL;
}

const struct fixup *fixup_find(
	const struct fixup_machine *machine, uint32_t type)
{
	for (const struct fixup *f = machine->fixups; f->name; f++)
		if (f->type == type)
			return f;
	return NULL;
}

uint32_t fixup_word(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

void fixup_put_bytes(uint8_t *at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

int fixup_fits(int64_t value, unsigned int bits)
{
	int64_t limit = (int64_t)1 << (bits - 1);

	return value >= -limit && value < limit;
}

static int fixup_put_signed(uint8_t *at, int64_t value, unsigned int size)
{
	if (size < 8 && !fixup_fits(value, size * 8))
		return -ERANGE;
	fixup_put_bytes(at, (uint64_t)value, size);
	return 0;
}

int fixup_put_s8(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 1);
}

int fixup_put_s16(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 2);
}

int fixup_put_s32(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 4);
}

int fixup_put_s64(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 8);
}
