/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shown.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE_ROOM = 4 /* "\x1b" */, CHARACTER_MAX = 4, SPEC_MAX = 24 };

size_t shown_utf8(const char *text, uint32_t *ret_number)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *at = (const unsigned char *)text;
	size_t size = at[0] < 0x80   ? 1
		      : at[0] < 0xe0 ? 2
		      : at[0] < 0xf0 ? 3
				     : 4;
	uint32_t number = size == 1 ? at[0] : at[0] & (0x7fu >> size);

	if (at[0] > 0xf4 || (size > 1 && at[0] < 0xc0))
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		number = number << 6 | (at[i] & 0x3f);
	}
	if (number < least[size] || number > 0x10ffff ||
		(number >= 0xd800 && number < 0xe000))
		return 0;
	*ret_number = number;
	return size;
}

bool shown_harms(uint32_t number)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{0, 0x1f}, {0x7f, 0x9f}, /* DEL, and C1: CSI of one character */
		{0x61c, 0x61c},		 /* direction: Arabic letter mark */
		{0x200e, 0x200f},	 /* left-to-right, right-to-left mark */
		{0x2028, 0x202e}, /* ends of lines; embeddings, overrides */
		{0x2066, 0x2069}, /* isolates */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (number >= ranges[i].from && number <= ranges[i].to)
			return true;
	return false;
}

/* One character or byte; returns the bytes written, *ret_taken those read. */
static size_t character_show(char *to, const char *text, size_t *ret_taken)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t number = 0;
	size_t size = shown_utf8(text, &number), n = 0;
	unsigned char byte;

	*ret_taken = size ?: 1;
	if (size && !shown_harms(number)) {
		memcpy(to, text, size);
		return size;
	}
	for (size_t i = 0; i < *ret_taken; i++) {
		byte = (unsigned char)text[i];
		to[n++] = '\\';
		to[n++] = 'x';
		to[n++] = digits[byte >> 4];
		to[n++] = digits[byte & 15];
	}
	return n;
}

size_t shown_copy(char *to, size_t room, const char *text)
{
	char one[CHARACTER_MAX * BYTE_ROOM];
	size_t n = 0, size, taken;

	while (*text) {
		size = character_show(one, text, &taken);
		if (n + size >= room)
			break;
		memcpy(to + n, one, size);
		n += size;
		text += taken;
	}
	to[n] = '\0';
	return n;
}

/* --- printing ------------------------------------------------------------- */

/* One conversion of a format: "%-7.*s" has a width, and a precision that is an
 * argument; longs: 0 int, 1 long, 2 long long. */
struct conversion {
	bool left, zero, alternate;
	int width, precision; /* -1: none */
	int longs;
	char letter;
};

static int number_read(const char **at, va_list *ap)
{
	int number = 0;

	if (**at == '*') {
		(*at)++;
		return va_arg(*ap, int);
	}
	while (**at >= '0' && **at <= '9')
		number = number * 10 + *(*at)++ - '0';
	return number;
}

/* at is behind the percent sign; returns what is behind the conversion. */
static const char *conversion_read(
	const char *at, va_list *ap, struct conversion *ret)
{
	struct conversion c = {.width = 0, .precision = -1};

	for (; *at && strchr("-0#", *at); at++) {
		c.left |= *at == '-';
		c.zero |= *at == '0';
		c.alternate |= *at == '#';
	}
	c.width = number_read(&at, ap);
	if (c.width < 0) {
		c.left = true;
		c.width = -c.width;
	}
	if (*at == '.') {
		at++;
		c.precision = number_read(&at, ap);
	}
	for (; *at && strchr("lzj", *at); at++)
		c.longs++;
	c.letter = *at;
	*ret = c;
	return *at ? at + 1 : at;
}

static int text_print(FILE *out, const struct conversion *c, const char *text)
{
	size_t size = c->precision >= 0 ? strnlen(text, (size_t)c->precision)
					: strlen(text);
	char one[CHARACTER_MAX * BYTE_ROOM], *whole = strndup(text, size), *at;
	size_t taken, pad, n = 0;

	if (!whole)
		return -1;
	for (at = whole; *at; at += taken)
		n += character_show(one, at, &taken);
	pad = n < (size_t)c->width ? (size_t)c->width - n : 0;
	if (!c->left)
		fprintf(out, "%*s", (int)pad, "");
	for (at = whole; *at; at += taken)
		fwrite(one, 1, character_show(one, at, &taken), out);
	if (c->left)
		fprintf(out, "%*s", (int)pad, "");
	free(whole);
	return (int)(n + pad);
}

static int number_print(FILE *out, const struct conversion *c, va_list *ap)
{
	char spec[SPEC_MAX] = "%";
	size_t n = 1;
	bool is_signed = c->letter == 'd' || c->letter == 'i';
	long long value;

	if (c->left)
		spec[n++] = '-';
	if (c->zero)
		spec[n++] = '0';
	if (c->alternate)
		spec[n++] = '#';
	strcpy(spec + n, "*.*");
	n += 3;
	if (c->letter == 'f') {
		strcpy(spec + n, "f");
		return fprintf(
			out, spec, c->width, c->precision, va_arg(*ap, double));
	}
	if (c->longs)
		value = va_arg(*ap, long long); /* as long as long, here */
	else
		value = is_signed ? va_arg(*ap, int)
				  : (long long)va_arg(*ap, unsigned);
	strcpy(spec + n, "ll");
	spec[n + 2] = c->letter;
	return fprintf(out, spec, c->width, c->precision, value);
}

static int conversion_print(FILE *out, const struct conversion *c, va_list *ap)
{
	char one[2] = "";

	switch (c->letter) {
	case '%':
		return putc('%', out) < 0 ? -1 : 1;
	case 's':
		return text_print(
			out, c, va_arg(*ap, const char *) ?: "(none)");
	case 'c':
		one[0] = (char)va_arg(*ap, int);
		return text_print(out, c, one);
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'f':
		return number_print(out, c, ap);
	default:
		abort(); /* a format of ours that no test has printed */
	}
}

int shown_print(FILE *out, const char *fmt, ...)
{
	struct conversion conversion;
	size_t plain;
	va_list ap;
	int n = 0;

	va_start(ap, fmt);
	while (*fmt) {
		plain = strcspn(fmt, "%");
		n += (int)fwrite(fmt, 1, plain, out);
		fmt += plain;
		if (!*fmt)
			break;
		fmt = conversion_read(fmt + 1, &ap, &conversion);
		n += conversion_print(out, &conversion, &ap);
	}
	va_end(ap);
	return n;
}
