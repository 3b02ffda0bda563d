/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/timens.h"

#include <stdlib.h>
#include <string.h>

/* Lines are "monotonic  SECONDS  NANOSECONDS"; only seconds have a sign. */
int64_t timens_offset_parse(const char *text, const char *clock)
{
	const char *line = strstr(text, clock);
	int64_t seconds;
	char *end;

	if (!line)
		return 0;
	seconds = strtoll(line + strlen(clock), &end, 10);
	return seconds * 1000000000 + strtoll(end, NULL, 10);
}
