/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are called for the first time after a restore are bound
 * then, with numbers in every register that arguments go through. */
#include "checkpoint.h"

/* As the dynamic loader binds a function it saves the registers on the stack,
 * into a room whose size it took from the CPU at the program's start: what is
 * above the room must not change. */
static double late_numbers(double x)
{
	volatile uint64_t above[64];
	char text[400];
	double sum;

	for (size_t i = 0; i < COUNT_OF(above); i++)
		above[i] = mem_word(21, i);
	snprintf(text, sizeof(text), "%.3f %.3f %.3f %.3f %.3f %.3f %.3f %.3f",
		x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7);
	CHECK_STR(text, "0.250 1.250 2.250 3.250 4.250 5.250 6.250 7.250");
	sum = strtod(text, NULL) + (double)strcspn(text, "7") +
	      (double)labs(atol("-3")) + (double)strspn(text, "0.25 ");
	for (size_t i = 0; i < COUNT_OF(above); i++)
		CHECK_INT(above[i], mem_word(21, i));
	return sum;
}

int main(void)
{
	volatile double x = 0.25;
	double sum;

	checkpoint_here();
	sum = late_numbers(x);
	/* 0.25, the place of the first 7, 3, and "0.250 " of the text. */
	CHECK_INT((long)(sum * 4), (long)((0.25 + 42 + 3 + 6) * 4));
	checkpoint_ok();
}
