/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calls.h"

#include <stddef.h>

static const char *const call_names[] = {
#define CALL_NAME(name) #name,
	CALLS(CALL_NAME)
#undef CALL_NAME
};

const char *call_name(enum call call)
{
	return call < CALL_COUNT ? call_names[call] : "?";
}
