/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that are in the vdso nearly all the time: what it says never goes
 * back and is what the kernel says, before and after. */
#include "checkpoint.h"
#include "vdso.h"
#include <sys/time.h>

#define THREADS 4

typedef int clock_fn(clockid_t clock, struct timespec *ret);
typedef int day_fn(struct timeval *ret, void *zone);
typedef time_t time_fn(time_t *ret);

static clock_fn *vdso_clock, *vdso_res;
static day_fn *vdso_day;
static time_fn *vdso_time;
static volatile bool stop;
static volatile unsigned long rounds[THREADS];

static int64_t nanoseconds(const struct timespec *at)
{
	return at->tv_sec * 1000000000ll + at->tv_nsec;
}

static int64_t ask(clockid_t clock)
{
	struct timespec now;

	CHECK_INT(vdso_clock(clock, &now), 0);
	return nanoseconds(&now);
}

static int64_t ask_kernel(clockid_t clock)
{
	struct timespec now;

	CHECK_SYS(syscall(SYS_clock_gettime, clock, &now));
	return nanoseconds(&now);
}

static void *spin(void *arg)
{
	static const clockid_t clocks[THREADS] = {CLOCK_MONOTONIC,
		CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
	long number = (long)arg;
	int64_t last = 0, now;

	while (!stop) {
		now = ask(clocks[number]);
		if (now < last)
			FAIL("clock %d went back by %lld ns", clocks[number],
				(long long)(last - now));
		last = now;
		rounds[number]++;
	}
	return NULL;
}

static void get_on(void)
{
	unsigned long before[THREADS];

	for (int i = 0; i < THREADS; i++)
		before[i] = rounds[i];
	for (int i = 0; i < THREADS; i++)
		while (rounds[i] < before[i] + 1000)
			checkpoint_nap();
}

static void clocks_agree(void)
{
	static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
		CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE};
	struct timespec res, kernel_res;
	int64_t before, kernel;
	struct timeval day;

	for (size_t i = 0; i < COUNT_OF(clocks); i++) {
		before = ask(clocks[i]);
		kernel = ask_kernel(clocks[i]);
		CHECK(before <= kernel);
		CHECK(kernel <= ask(clocks[i]));
	}
	CHECK_INT(vdso_res(CLOCK_MONOTONIC, &res), 0);
	CHECK_SYS(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &kernel_res));
	CHECK_INT(nanoseconds(&res), nanoseconds(&kernel_res));
	CHECK_INT(vdso_day(&day, NULL), 0);
	kernel = ask_kernel(CLOCK_REALTIME) / 1000000000;
	CHECK(kernel - day.tv_sec >= 0 && kernel - day.tv_sec <= 5);
	if (vdso_time)
		CHECK(llabs(vdso_time(NULL) - kernel) <= 5);
}

int main(void)
{
	pthread_t threads[THREADS];

	vdso_clock = (clock_fn *)vdso_named("clock_gettime");
	vdso_res = (clock_fn *)vdso_named("clock_getres");
	vdso_day = (day_fn *)vdso_named("gettimeofday");
	vdso_time = (time_fn *)vdso_named("time");
	CHECK(vdso_clock && vdso_res && vdso_day);
	clocks_agree();
	for (long i = 0; i < THREADS; i++)
		threads[i] = thread_start(spin, (void *)i);
	get_on();
	checkpoint_here();
	get_on();
	clocks_agree();
	stop = true;
	for (int i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
