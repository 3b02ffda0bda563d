/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compel/landing.h"

#include <elf.h>
#include <string.h>

static void landing_put_word(uint8_t *at, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(word >> (8 * i));
}

static size_t landing_make_x86_64(
	int64_t distance, uint8_t *out, size_t *ret_trap)
{
	static const uint8_t code[] = {
		0x48, 0x83, 0xe4, 0xf0, /* and $-16, %rsp */
		0x31, 0xed,		/* xor %ebp, %ebp */
		0xfc,			/* cld */
		0xe8, 0, 0, 0, 0,	/* call: from its end */
		0xcc,			/* int3 */
		0xeb, 0xfd,		/* jmp to int3 */
	};

	memcpy(out, code, sizeof(code));
	landing_put_word(out + 8, (uint32_t)(distance - 12));
	*ret_trap = 12;
	return sizeof(code);
}

static size_t landing_make_aarch64(
	int64_t distance, uint8_t *out, size_t *ret_trap)
{
	if (distance & 3)
		return 0;
	landing_put_word(
		out, 0x94000000 | ((uint32_t)(distance >> 2) & 0x03ffffff));
	landing_put_word(out + 4, 0xd4200000); /* brk #0 */
	landing_put_word(out + 8, 0x17ffffff); /* b to brk */
	*ret_trap = 4;
	return 12;
}

/* ELFv2: a function finds its data by its own address in r12, and saves the
 * link register in its caller's frame. */
static size_t landing_make_ppc64le(
	int64_t distance, uint8_t *out, size_t *ret_trap)
{
	int64_t label = distance - 4;
	uint32_t high = (uint32_t)((label + 0x8000) >> 16) & 0xffff;
	const uint32_t code[] = {
		0x429f0005,	   /* bcl 20, 31, .+4: the label */
		0x7d8802a6,	   /* mflr r12 */
		0x3d8c0000 | high, /* addis r12, r12, high */
		0x398c0000 | ((uint32_t)label & 0xffff), /* addi */
		0x7d8903a6,				 /* mtctr r12 */
		0x782106e4,				 /* clrrdi r1, r1, 4 */
		0x38000000,				 /* li r0, 0 */
		0xf801ffc1,				 /* stdu r0, -64(r1) */
		0x4e800421,				 /* bctrl */
		0x7fe00008,				 /* trap */
		0x4bfffffc,				 /* b to trap */
	};

	for (size_t i = 0; i < sizeof(code) / sizeof(*code); i++)
		landing_put_word(out + 4 * i, code[i]);
	*ret_trap = 36;
	return sizeof(code);
}

size_t landing_make(uint16_t elf_machine, int64_t distance,
	uint8_t out[LANDING_ROOM], size_t *ret_trap)
{
	const int64_t reach = 1 << 26;

	if (distance <= -reach || distance >= reach)
		return 0;
	switch (elf_machine) {
	case EM_X86_64:
		return landing_make_x86_64(distance, out, ret_trap);
	case EM_AARCH64:
		return landing_make_aarch64(distance, out, ret_trap);
	case EM_PPC64:
		return landing_make_ppc64le(distance, out, ret_trap);
	default:
		return 0;
	}
}
