/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->hint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -code;
}

/* A limit of this program says so in its number alone. */
static const char *limit_hint(int code)
{
	if (code == EMFILE)
		return "raise the limit of open files: ulimit -n";
	if (code == EFBIG)
		return "raise the limit of file sizes: ulimit -f";
	return "";
}

static int err_fill(struct err *err, int code, const char *fmt, va_list ap)
{
	size_t used;

	err->code = code;
	snprintf(err->hint, sizeof(err->hint), "%s", limit_hint(code));
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s",
		strerror(code));
	return -code;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int code = errno;
	va_list ap;

	va_start(ap, fmt);
	code = err_fill(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int err_code(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = err_fill(err, -code, fmt, ap);
	va_end(ap);
	return code;
}

int err_copy(struct err *err, const struct err *from)
{
	*err = *from;
	return -err->code;
}

static bool part_of_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Where the text says just that ("task 4" is not in "task 42"); NULL: nowhere.
 */
static const char *find_words(const char *text, const char *what, size_t size)
{
	const char *at = text;

	for (; size && (at = memmem(at, strlen(at), what, size)); at++)
		if ((at == text || !part_of_word(at[-1])) &&
			!part_of_word(at[size]))
			return at;
	return NULL;
}

static bool comes_after(const char *text, const char *at, const char *before)
{
	size_t size = strlen(before);

	return (size_t)(at - text) >= size && !memcmp(at - size, before, size);
}

/* Is the text, or what follows a colon in it, about that? */
static bool is_about(
	const char *text, const char *what, size_t size, bool somebody)
{
	const char *at = text;

	for (; (at = find_words(at, what, size)); at++)
		if (at == text || comes_after(text, at, ": ") ||
			(somebody && comes_after(text, at, "of ")))
			return true;
	return false;
}

/* The same number is the same one: "process 4", "thread 4" and "fd 3 of task
 * 4" are all said of process 4. */
static bool is_said(const char *text, const char *what, size_t size)
{
	static const char *const bodies[] = {"process ", "task ", "thread "};
	char other[64];
	size_t n;
	int used;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		n = strlen(bodies[i]);
		if (size <= n || memcmp(what, bodies[i], n) != 0 ||
			strspn(what + n, "0123456789") != size - n)
			continue;
		for (size_t k = 0; k < sizeof(bodies) / sizeof(*bodies); k++) {
			used = snprintf(other, sizeof(other), "%s%.*s",
				bodies[k], (int)(size - n), what + n);
			if (is_about(text, other, (size_t)used, true))
				return true;
		}
		return false;
	}
	return is_about(text, what, size, false);
}

/* "a: b: " without those parts that the text says anyway. */
static void context_join(
	char *ret, size_t room, const char *context, const char *text)
{
	size_t used = 0, size;

	*ret = '\0';
	for (; *context; context += size + (context[size] ? 2 : 0)) {
		size = strstr(context, ": ")
			       ? (size_t)(strstr(context, ": ") - context)
			       : strlen(context);
		if (is_said(text, context, size))
			continue;
		used += (size_t)snprintf(
			ret + used, room - used, "%.*s: ", (int)size, context);
		if (used >= room)
			return;
	}
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)], context[sizeof(err->text)];
	const char *text = inner, *end;
	size_t used;
	va_list ap;

	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	end = strstr(text, ": ");
	if (end && find_words(context, text, (size_t)(end - text)))
		text = end + 2;
	context_join(err->text, sizeof(err->text), context, text);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, "%s", text);
	return -err->code;
}

int err_hint(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return -err->code;
}
