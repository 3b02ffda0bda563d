/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind law, for what a task and its threads are. */
#include "thread_law.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

/* In a child: a setup that does not work ends it, which the test sees. */
#define MUST(what)                     \
	do {                           \
		if ((what) == -1) {    \
			perror(#what); \
			_exit(1);      \
		}                      \
	} while (0)

static bool is_root(void)
{
	return geteuid() == 0;
}

static void law_expect(void (*setup)(void))
{
	struct law law = {0};
	int ret = law_run(&law, setup);

	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0))
		law_check(&law);
	law_end(&law);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void setup_nothing(void)
{
}

TEST(a_plain_task_comes_back_as_it_was)
{
	law_expect(setup_nothing);
}

static void setup_actions(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaddset(&action.sa_mask, SIGUSR2);
	action.sa_flags = SA_RESTART | SA_ONSTACK | SA_NODEFER;
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(sigaction(SIGRTMAX, &action, NULL));
	action.sa_flags = SA_SIGINFO | SA_RESETHAND;
	MUST(sigaction(SIGSYS, &action, NULL));
	action = (struct sigaction){.sa_handler = SIG_IGN};
	MUST(sigaction(SIGPIPE, &action, NULL));
	action = (struct sigaction){
		.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	MUST(sigaction(SIGCHLD, &action, NULL));
}

TEST(handlers_ignored_and_default_actions_come_back)
{
	law_expect(setup_actions);
}

static void setup_stack(void)
{
	stack_t stack = {.ss_size = 65536, .ss_flags = 1u << 31};

	stack.ss_sp = malloc(stack.ss_size);
	MUST(sigaltstack(&stack, NULL));
}

TEST(an_alternate_signal_stack_comes_back_with_autodisarm)
{
	law_expect(setup_stack);
}

static void setup_limits(void)
{
	struct rlimit limit = {.rlim_cur = 64, .rlim_max = 128};

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	limit = (struct rlimit){0, 0};
	MUST(setrlimit(RLIMIT_CORE, &limit));
	limit = (struct rlimit){1 << 20, RLIM_INFINITY};
	MUST(setrlimit(RLIMIT_STACK, &limit));
}

TEST(resource_limits_come_back)
{
	law_expect(setup_limits);
}

static void setup_waiting(void)
{
	union sigval value = {.sival_int = 7};

	MUST(kill(getpid(), SIGUSR1));
	for (int i = 0; i < 5; i++, value.sival_int++)
		MUST(sigqueue(getpid(), SIGRTMIN + 3, value));
	MUST(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2));
	MUST(syscall(SYS_tgkill, getpid(), getpid(), SIGRTMAX));
}

TEST(waiting_signals_come_back_in_order_with_who_sent_them)
{
	struct law law = {0};
	int ret = law_run(&law, setup_waiting);
	const CoreEntry *core = law.newborn.tree_thread.core;

	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		CHECK_INT(core->tc->signals_s->n_signals, 6);
		CHECK_INT(core->thread_core->signals_p->n_signals, 2);
		law_check(&law);
	}
	law_end(&law);
}

static void setup_timers(void)
{
	/* Half seconds: the kernel adds a tick to a limit of CPU time. */
	struct itimerval real = {{100, 5}, {1000, 0}};
	struct itimerval prof = {{0, 0}, {9, 500000}};
	struct itimerspec times = {{7, 8}, {500, 0}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1,
		.sigev_value = {.sival_ptr = &times}};
	int id[6];

	MUST(setitimer(ITIMER_REAL, &real, NULL));
	MUST(setitimer(ITIMER_PROF, &prof, NULL));
	for (int i = 0; i < 5; i++)
		MUST(syscall(
			SYS_timer_create, CLOCK_MONOTONIC, &event, &id[i]));
	MUST(syscall(SYS_timer_delete, id[0]));
	MUST(syscall(SYS_timer_delete, id[3]));
	MUST(syscall(SYS_timer_settime, id[1], 0, &times, NULL));
	event.sigev_notify = SIGEV_THREAD_ID | SIGEV_SIGNAL;
	event._sigev_un._tid = getpid();
	MUST(syscall(
		SYS_timer_create, CLOCK_PROCESS_CPUTIME_ID, &event, &id[5]));
	MUST(syscall(SYS_timer_settime, id[5], 0, &times, NULL));
}

static void timers_expect(bool count_ids)
{
	struct law law = {.count_timer_ids = count_ids};
	int ret = law_run(&law, setup_timers);
	TaskTimersEntry *timers;

	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		timers = law.newborn.tree_thread.core->tc->timers;
		CHECK_INT(timers->n_posix, 4);
		CHECK(timers->real->vsec > 900);
		law_check(&law);
	}
	law_end(&law);
}

TEST(timers_come_back_with_their_ids_and_the_time_left)
{
	timers_expect(false);
}

TEST(timers_get_their_ids_on_kernels_that_only_count_them_up)
{
	timers_expect(true);
}

static void setup_switches(void)
{
	MUST(prctl(PR_SET_NAME, "a b)c\n\x80"));
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	MUST(prctl(PR_SET_DUMPABLE, 0));
	MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2));
	MUST(prctl(PR_SET_TIMERSLACK, 123456));
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_DUMPABLE, 1));
	MUST(personality(ADDR_NO_RANDOMIZE));
	MUST(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
		0, 0));
}

TEST(switches_that_prctl_sets_come_back)
{
	struct law law = {0};
	int ret = law_run(&law, setup_switches);
	const CoreEntry *core = law.newborn.tree_thread.core;

	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		CHECK_STR(core->thread_core->comm, "a b)c\n\x80");
		CHECK_INT(core->thread_core->pdeath_sig, SIGUSR2);
		CHECK(core->tc->child_subreaper);
		CHECK(law.newborn.task.mm->thp_disabled);
		CHECK_INT(core->tc->personality, ADDR_NO_RANDOMIZE);
		law_check(&law);
	}
	law_end(&law);
}

static void setup_rare_switches(void)
{
	static uint64_t list[3];

	list[0] = (uint64_t)list;
	/* Only root may look at what is not dumpable. */
	if (is_root())
		MUST(prctl(PR_SET_DUMPABLE, 0));
	MUST(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
	MUST(syscall(SYS_set_robust_list, list, sizeof(list)));
	/* Not on every machine. */
	prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
	prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE, 0,
		0);
}

TEST(switches_of_the_cpu_and_of_memory_come_back)
{
	struct law law = {0};
	int ret = law_run(&law, setup_rare_switches);

	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		CHECK_INT(law.newborn.task.mm->dumpable, !is_root());
		CHECK_INT(law.newborn.tree_thread.extra->mce_kill,
			PR_MCE_KILL_EARLY);
		law_check(&law);
	}
	law_end(&law);
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	MUST(fd);
	MUST(write(fd, text, strlen(text)));
	MUST(close(fd));
}

static void setup_proc(void)
{
	file_write("/proc/self/oom_score_adj", "500");
	file_write("/proc/self/coredump_filter", "0x7");
}

TEST(what_was_written_to_proc_comes_back)
{
	struct law law = {0};
	int ret = law_run(&law, setup_proc);

	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		CHECK_INT(law.newborn.tree_thread.core->tc->oom_score_adj, 500);
		CHECK_INT(law.newborn.task.extra->coredump_filter, 7);
		law_check(&law);
	}
	law_end(&law);
}

static void setup_nice(void)
{
	cpu_set_t cpus;

	MUST(setpriority(PRIO_PROCESS, 0, 5));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	MUST(sched_setaffinity(0, sizeof(cpus), &cpus));
	MUST(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
}

TEST(nice_cpus_and_io_priority_come_back)
{
	law_expect(setup_nice);
}

static void setup_realtime(void)
{
	struct sched_param param = {.sched_priority = 3};

	MUST(setpriority(PRIO_PROCESS, 0, -4));
	MUST(sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param));
}

TEST(a_realtime_policy_comes_back_with_the_nice_behind_it)
{
	struct law law = {0};
	int ret;

	if (!is_root()) {
		test_skip("needs root");
		return;
	}
	ret = law_run(&law, setup_realtime);
	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		/* One word in the format, as of sched_getscheduler(2). */
		CHECK_INT(
			law.newborn.tree_thread.core->thread_core->sched_policy,
			SCHED_RR | SCHED_RESET_ON_FORK);
		law_check(&law);
	}
	law_end(&law);
}

static void caps_set(uint64_t eff, uint64_t prm, uint64_t inh)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			(uint32_t)(eff >> (32 * i)),
			(uint32_t)(prm >> (32 * i)),
			(uint32_t)(inh >> (32 * i))};
	MUST(syscall(SYS_capset, &head, data));
}

static void setup_user(void)
{
	gid_t groups[] = {4, 24, 1000, 70000};

	MUST(syscall(SYS_setgroups, 4, groups));
	MUST(syscall(SYS_setresgid, 1000, 1001, 1002));
	MUST(syscall(SYS_setresuid, 1000, 1000, 1000));
	/* The kernel took it with the ids. */
	MUST(prctl(PR_SET_DUMPABLE, 1));
}

TEST(an_ordinary_user_comes_back_without_capabilities)
{
	struct law law = {0};
	const struct proc_status *status = &law.newborn.thread.status;
	int ret;

	if (!is_root()) {
		test_skip("needs root");
		return;
	}
	ret = law_run(&law, setup_user);
	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		CHECK_INT(status->uid[PROC_ID_FS], 1000);
		CHECK_INT(status->gid[PROC_ID_EFFECTIVE], 1001);
		CHECK_INT(status->groups_n, 4);
		CHECK_INT(status->cap_prm, 0);
		CHECK_INT(law.newborn.task.mm->dumpable, 1);
		law_check(&law);
	}
	law_end(&law);
}

static void setup_service(void)
{
	uint64_t net = 1ull << CAP_NET_BIND_SERVICE | 1ull << CAP_NET_RAW;

	MUST(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN));
	MUST(prctl(PR_CAPBSET_DROP, CAP_MKNOD));
	MUST(prctl(
		PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP));
	MUST(syscall(SYS_setresuid, 33, 34, 35));
	MUST(syscall(SYS_setfsuid, 36));
	caps_set(net | 1ull << CAP_SETPCAP, net | 1ull << CAP_SETPCAP, net);
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
	MUST(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
					      SECBIT_NO_CAP_AMBIENT_RAISE));
	caps_set(1ull << CAP_NET_RAW, net, net);
}

TEST(capability_sets_and_securebits_come_back_bit_by_bit)
{
	struct law law = {0};
	const struct proc_status *status = &law.newborn.thread.status;
	int ret;

	if (!is_root()) {
		test_skip("needs root");
		return;
	}
	ret = law_run(&law, setup_service);
	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		CHECK_INT(status->cap_eff, 1ull << CAP_NET_RAW);
		CHECK_INT(status->cap_amb, 1ull << CAP_NET_RAW);
		CHECK(!(status->cap_bnd >> CAP_MKNOD & 1));
		CHECK_INT(status->uid[PROC_ID_SAVED], 35);
		law_check(&law);
	}
	law_end(&law);
}

static void filter_install(unsigned length, unsigned flags)
{
	struct sock_filter insns[16];
	struct sock_fprog program = {(unsigned short)length, insns};

	for (unsigned i = 0; i + 1 < length; i++)
		insns[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, i);
	insns[length - 1] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

static void setup_filters(void)
{
	filter_install(1, 0);
	filter_install(5, SECCOMP_FILTER_FLAG_LOG);
	filter_install(3, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
}

TEST(seccomp_filters_come_back_in_order)
{
	struct law law = {0};
	int ret;

	if (!is_root()) {
		test_skip("needs root");
		return;
	}
	ret = law_run(&law, setup_filters);
	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		/* The newborn's are the same ones in the book. */
		CHECK_INT(law.dump.seccomp->entry.n_seccomp_filters, 3);
		CHECK_INT(law.newborn.thread.status.seccomp_filters, 3);
		law_check(&law);
	}
	law_end(&law);
}

static void setup_strict(void)
{
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
}

TEST(strict_seccomp_comes_back)
{
	struct law law = {0};
	int ret;

	if (!is_root()) {
		test_skip("needs root");
		return;
	}
	ret = law_run(&law, setup_strict);
	CHECK_STR(law.err.text, "");
	if (CHECK_INT(ret, 0)) {
		CHECK_INT(law.newborn.thread.status.seccomp, 1);
		law_check(&law);
	}
	law_end(&law);
}
