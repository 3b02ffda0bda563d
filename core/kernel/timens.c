/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/timens.h"

#include <stdlib.h>
#include <string.h>

enum { NS_PER_S = 1000000000 };

/* Lines are "monotonic  SECONDS  NANOSECONDS"; only seconds have a sign. */
int64_t timens_offset_parse(const char *text, const char *clock)
{
	const char *line = strstr(text, clock);
	int64_t seconds, rest;
	char *end;

	if (!line)
		return 0;
	seconds = strtoll(line + strlen(clock), &end, 10);
	rest = strtoll(end, NULL, 10);
	if (seconds > TIMENS_SECONDS_MAX)
		seconds = TIMENS_SECONDS_MAX;
	if (seconds < -TIMENS_SECONDS_MAX)
		seconds = -TIMENS_SECONDS_MAX;
	return seconds * NS_PER_S + (rest >= 0 && rest < NS_PER_S ? rest : 0);
}
