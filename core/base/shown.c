/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shown.h"

/* How many bytes: those of C1 are two of UTF-8. */
static size_t control_size(const unsigned char *at)
{
	if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
		return 2;
	return at[0] < 0x20 || at[0] == 0x7f;
}

size_t shown_copy(char *to, size_t room, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = (const unsigned char *)text;
	size_t n = 0, size;

	while (*at) {
		size = control_size(at);
		if (n + (size ? 4 * size : 1) >= room)
			break;
		if (!size)
			to[n++] = (char)*at++;
		for (; size; size--, at++) {
			to[n++] = '\\';
			to[n++] = 'x';
			to[n++] = digits[*at >> 4];
			to[n++] = digits[*at & 15];
		}
	}
	to[n] = '\0';
	return n;
}
