/* SPDX-License-Identifier: GPL-2.0-or-later */
/* General registers of a spinning thread keep their values. */
#include "spin.h"

#include "general.h"

int main(void)
{
	spin_show(&general);
}
