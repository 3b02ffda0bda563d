/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target address, data stream control and program priority of a thread stay. */
#include "spin.h"

enum { TAR, DSCR, PPR, SPECIAL_WORDS };
void special_spin(struct spin *own);

__asm__(".machine push\n .machine power8\n"
	".text\n"
	".type special_spin, @function\n"
	"special_spin:\n"
	"ld 0, " SPIN_WANT "(3)\n mtspr 815, 0\n"
	"ld 0, " SPIN_WANT "+8(3)\n mtspr 3, 0\n"
	"or 1, 1, 1\n" /* low priority */
	"li 0, 1\n stw 0, " SPIN_STARTED "(3)\n"
	"1: lwz 0, " SPIN_STOP "(3)\n"
	"cmpwi 7, 0, 0\n"
	"beq 7, 1b\n"
	"mfspr 0, 896\n std 0, " SPIN_GOT "+16(3)\n"
	"or 2, 2, 2\n" /* as usual */
	"mfspr 0, 3\n std 0, " SPIN_GOT "+8(3)\n"
	"mfspr 0, 815\n std 0, " SPIN_GOT "(3)\n"
	"blr\n"
	".machine pop\n");

static void special_settle(uint64_t *want)
{
	want[DSCR] = 0x15;
	want[PPR] = UINT64_C(2) << 50;
}

static const struct spin_loop special = {
	special_spin, SPECIAL_WORDS, special_settle};

int main(void)
{
	spin_show(&special);
}
