/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan: taking numbers and marks from text that the kernel wrote.
 *
 * Each takes from *at and steps over it, or returns false and leaves *at
 * where it was. Numbers stop at the first character that is none of theirs;
 * one that does not fit in 64 bits is refused.
 */
#ifndef STASIS_KERNEL_SCAN_H
#define STASIS_KERNEL_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void scan_blanks(const char **at)
{
	while (**at == ' ' || **at == '\t')
		++*at;
}

static inline bool scan_char(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static inline bool scan_mark(const char **at, const char *mark)
{
	size_t size = strlen(mark);

	if (strncmp(*at, mark, size))
		return false;
	*at += size;
	return true;
}

static inline unsigned scan_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

static inline bool scan_u64(const char **at, unsigned base, uint64_t *ret)
{
	const char *next = *at;
	uint64_t value = 0;
	unsigned digit;

	for (; (digit = scan_digit(*next)) < base; next++) {
		if (__builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (next == *at)
		return false;
	*at = next;
	*ret = value;
	return true;
}

static inline bool scan_i64(const char **at, int64_t *ret)
{
	const char *next = *at;
	bool minus = scan_char(&next, '-');
	uint64_t value;

	if (!scan_u64(&next, 10, &value) ||
		value > (uint64_t)INT64_MAX + (minus ? 1 : 0))
		return false;
	*at = next;
	*ret = minus ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

/* Blanks, then a number. */
static inline bool scan_next_u64(const char **at, unsigned base, uint64_t *ret)
{
	scan_blanks(at);
	return scan_u64(at, base, ret);
}

static inline bool scan_next_i64(const char **at, int64_t *ret)
{
	scan_blanks(at);
	return scan_i64(at, ret);
}

/* Behind the next newline, or at the end of the text. */
static inline const char *scan_line_next(const char *at)
{
	const char *newline = strchr(at, '\n');

	return newline ? newline + 1 : at + strlen(at);
}

#endif
