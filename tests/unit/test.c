/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct {
	struct test *first, *last;
	const char *skipped; /* of the running test: why */
	int failures;	     /* checks of the running test */
} tests;

void test_register(struct test *test)
{
	if (tests.last)
		tests.last->next = test;
	else
		tests.first = test;
	tests.last = test;
}

static int test_fail(const char *file, int line, const char *text)
{
	tests.failures++;
	printf("# %s:%d: %s\n", file, line, text);
	return 0;
}

int test_check(int holds, const char *file, int line, const char *text)
{
	return holds ? 1 : test_fail(file, line, text);
}

int test_check_int(long long a, long long b, const char *file, int line,
	const char *text_a, const char *text_b)
{
	if (a == b)
		return 1;
	test_fail(file, line, text_a);
	printf("#\tis %lld (0x%llx), not %s = %lld (0x%llx)\n", a, a, text_b, b,
		b);
	return 0;
}

int test_check_str(const char *a, const char *b, const char *file, int line,
	const char *text)
{
	if (a == b || (a && b && strcmp(a, b) == 0))
		return 1;
	test_fail(file, line, text);
	printf("#\tis  '%s'\n#\tnot '%s'\n", a ?: "(null)", b ?: "(null)");
	return 0;
}

int test_check_mem(const void *a, const void *b, size_t size, const char *file,
	int line, const char *text)
{
	const unsigned char *x = a, *y = b;
	size_t i = 0;

	while (i < size && x[i] == y[i])
		i++;
	if (i == size)
		return 1;
	test_fail(file, line, text);
	printf("#\tbyte %zu is 0x%02x, not 0x%02x\n", i, x[i], y[i]);
	return 0;
}

void test_skip(const char *reason)
{
	tests.skipped = reason;
}

static int test_chosen(const struct test *test, int argc, char **argv)
{
	if (argc < 2)
		return 1;
	for (int i = 1; i < argc; i++)
		if (strstr(test->name, argv[i]))
			return 1;
	return 0;
}

/* "a sentence", not "a_sentence": people read it. */
static void test_print(const struct test *test, const char *program)
{
	char sentence[256];

	snprintf(sentence, sizeof(sentence), "%s", test->name);
	for (char *c = sentence; *c; c++)
		if (*c == '_')
			*c = ' ';
	printf("%sok - %s: %s", tests.failures ? "not " : "", program,
		sentence);
	if (tests.skipped && !tests.failures)
		printf(" # SKIP %s", tests.skipped);
	printf("\n");
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	int failed = 0, ran = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test *test = tests.first; test; test = test->next) {
		if (!test_chosen(test, argc, argv))
			continue;
		tests.failures = 0;
		tests.skipped = NULL;
		test->run();
		test_print(test, slash ? slash + 1 : argv[0]);
		failed += tests.failures != 0;
		ran++;
	}
	printf("1..%d\n", ran);
	return failed || !ran;
}
