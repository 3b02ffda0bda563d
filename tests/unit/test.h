/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test: unit tests as plain programs that speak TAP.
 *
 *	TEST(arena_gives_zeroed_memory)
 *	{
 *		CHECK(memory[0] == 0);
 *		CHECK_INT(vec.n, 3);
 *		CHECK_STR(err.text, "no such thing");
 *	}
 *
 * A test's name is a sentence about behaviour. Tests register themselves
 * before main, which test.c provides; it runs all of them in the order of the
 * file, or those whose names contain an argument of the command line. A check
 * that does not hold prints both sides, fails its test and lets it go on;
 * REQUIRE ends the test's function. The program fails when a test does, and
 * when it has none.
 */
#ifndef STASIS_TEST_H
#define STASIS_TEST_H

#include <stddef.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *test);

/* All return whether the check held. */
int test_check(int holds, const char *file, int line, const char *text);
int test_check_int(long long a, long long b, const char *file, int line,
	const char *text_a, const char *text_b);
int test_check_str(const char *a, const char *b, const char *file, int line,
	const char *text);
int test_check_mem(const void *a, const void *b, size_t size, const char *file,
	int line, const char *text);
/* Marks the running test as skipped, with a reason for the reader. */
void test_skip(const char *reason);

#define TEST(sentence)                                                  \
	static void test_##sentence(void);                              \
	static struct test entry_##sentence = {                         \
		.name = #sentence, .run = test_##sentence};             \
	__attribute__((constructor)) static void enter_##sentence(void) \
	{                                                               \
		test_register(&entry_##sentence);                       \
	}                                                               \
	static void test_##sentence(void)

#define CHECK(cond) test_check(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_INT(a, b) \
	test_check_int( \
		(long long)(a), (long long)(b), __FILE__, __LINE__, #a, #b)
#define CHECK_STR(a, b) test_check_str(a, b, __FILE__, __LINE__, #a)
#define CHECK_MEM(a, b, size) test_check_mem(a, b, size, __FILE__, __LINE__, #a)
#define REQUIRE(cond)     \
	if (!CHECK(cond)) \
	return

#endif
