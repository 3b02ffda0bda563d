/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a thread and its process were told by prctl, /proc and the scheduler
 * stays; what this kernel or host does not take is as it was all the same. */
#include "checkpoint.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum {
	SPEC_BYPASS = 0,
	SPEC_DISABLE = 4,
	IOPRIO_BEST_3 = 2 << 13 | 3,
	UTIL_CLAMPS = 0x20 | 0x40,
	POLICY_DEADLINE = 6,
	MDWE_SET = 65,
	MDWE_GET = 66,
	FACTS = 16,
};

struct sched_words {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

struct facts {
	long of[FACTS];
	struct sched_words sched;
	cpu_set_t cpus;
	char comm[16], filter[16], autogroup[64], login[16], oom[16];
};

static void text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	/* Not everybody may, or it is set for good. */
	(void)!write(fd, text, strlen(text));
	close(fd);
}

static void text_read(const char *path, char *ret, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? 0 : read(fd, ret, room - 1);

	ret[size < 0 ? 0 : size] = '\0';
	if (fd >= 0)
		close(fd);
}

/* The group's number is the kernel's. */
static void autogroup_read(char *ret, size_t room)
{
	char text[64], *nice;

	text_read("/proc/self/autogroup", text, sizeof(text));
	nice = strstr(text, " nice ");
	text_copy(ret, room, nice ? nice : "");
}

static void facts_read(struct facts *ret)
{
	struct sigaction action;
	int i = 0;

	memset(ret, 0, sizeof(*ret));
	ret->of[i++] = prctl(PR_GET_TIMERSLACK);
	ret->of[i++] = prctl(PR_GET_KEEPCAPS);
	ret->of[i++] = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	ret->of[i++] = prctl(MDWE_GET, 0, 0, 0, 0);
	ret->of[i++] = prctl(PR_GET_SPECULATION_CTRL, SPEC_BYPASS, 0, 0, 0);
	ret->of[i++] = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	ret->of[i++] = syscall(SYS_ioprio_get, 1, 0);
	CHECK_SYS(sigaction(SIGCHLD, NULL, &action));
	ret->of[i++] = action.sa_flags;
	CHECK_SYS(syscall(
		SYS_sched_getattr, 0, &ret->sched, sizeof(ret->sched), 0));
	CHECK_SYS(sched_getaffinity(0, sizeof(ret->cpus), &ret->cpus));
	CHECK_SYS(prctl(PR_GET_NAME, ret->comm));
	text_read(
		"/proc/self/coredump_filter", ret->filter, sizeof(ret->filter));
	text_read("/proc/self/loginuid", ret->login, sizeof(ret->login));
	text_read("/proc/self/oom_score_adj", ret->oom, sizeof(ret->oom));
	autogroup_read(ret->autogroup, sizeof(ret->autogroup));
}

static void facts_verify(const struct facts *was, const char *who)
{
	struct facts is;

	facts_read(&is);
	for (int i = 0; i < FACTS; i++)
		if (is.of[i] != was->of[i])
			FAIL("%s: fact %d is %#lx, was %#lx", who, i, is.of[i],
				was->of[i]);
	CHECK_STR(is.comm, was->comm);
	CHECK_STR(is.filter, was->filter);
	CHECK_STR(is.autogroup, was->autogroup);
	CHECK_STR(is.login, was->login);
	CHECK_STR(is.oom, was->oom);
	CHECK(!memcmp(&is.sched, &was->sched, sizeof(is.sched)));
	CHECK(CPU_EQUAL(&is.cpus, &was->cpus));
}

static void process_tell(void)
{
	struct sigaction action = {
		.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT | SA_NOCLDSTOP};

	text_write("/proc/self/coredump_filter", "0x7b");
	text_write("/proc/self/autogroup", "5");
	text_write("/proc/self/loginuid", "4711");
	text_write("/proc/self/oom_score_adj", "321");
	CHECK_SYS(sigaction(SIGCHLD, &action, NULL));
	prctl(MDWE_SET, 1, 0, 0, 0);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static void thread_tell(int number)
{
	struct sched_words clamps = {.size = sizeof(clamps),
		.flags = UTIL_CLAMPS,
		.nice = number,
		.util_min = 100 + (uint32_t)number,
		.util_max = 900};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	CHECK_SYS(prctl(PR_SET_TIMERSLACK, 12345L + number));
	CHECK_SYS(prctl(PR_SET_KEEPCAPS, number & 1));
	prctl(PR_MCE_KILL, 1, number & 1, 0, 0);
	prctl(PR_SET_SPECULATION_CTRL, SPEC_BYPASS, SPEC_DISABLE, 0, 0);
	CHECK_SYS(syscall(SYS_ioprio_set, 1, 0, IOPRIO_BEST_3 + number));
	syscall(SYS_sched_setattr, 0, &clamps, 0);
	CHECK_SYS(prctl(PR_SET_NAME, number ? "told 1" : "told 0"));
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void deadline_tell(void)
{
	struct sched_words words = {.size = 48,
		.policy = POLICY_DEADLINE,
		.runtime = 2000000,
		.deadline = 50000000,
		.period = 100000000};

	syscall(SYS_sched_setattr, 0, &words, 0);
}

static void *deadline_run(void *arg)
{
	struct facts was;

	(void)arg;
	deadline_tell();
	facts_read(&was);
	peer_up(1);
	checkpoint_wait_go();
	facts_verify(&was, "the deadline thread");
	return NULL;
}

static void *thread_run(void *arg)
{
	struct facts was;

	(void)arg;
	thread_tell(1);
	facts_read(&was);
	peer_up(0);
	checkpoint_wait_go();
	facts_verify(&was, "a thread");
	return NULL;
}

int main(void)
{
	pthread_t thread, deadline;
	struct facts was;

	process_tell();
	deadline = thread_start(deadline_run, NULL);
	thread = thread_start(thread_run, NULL);
	thread_tell(0);
	facts_read(&was);
	peers_wait(2);
	checkpoint_here();
	facts_verify(&was, "the main thread");
	thread_join(thread);
	thread_join(deadline);
	checkpoint_ok();
}
