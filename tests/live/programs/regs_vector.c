/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floating-point and vector registers of a spinner, and what controls them,
 * stay. */
#include "spin.h"

#include "vector.h"

int main(void)
{
	spin_show(&vector);
}
