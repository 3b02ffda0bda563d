/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the image format packs into words comes back, also unusual values. */
#include "checkpoint.h"
#include <linux/filter.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

enum {
	FD_FILE = 20,
	FD_PIPE_OUT,
	FD_PIPE_IN,
	FD_EVENT,
	FD_SIGNALS,
	FD_TIMER,
	FD_EPOLL,
	FD_TCP,
	FD_UDP6,
	FD_MEMORY,
};
/* All of it that is compared with a set that CRIU made of this program
 * (tests/data/samples/packed) lies at numbers and addresses of its own choice.
 */
enum { GETOWNER_UIDS = 17 };

#define HANDLER ((uintptr_t)0x123456789000)
#define AREA ((char *)0x200000000)

static struct sock_filter filter[] = {
	{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0x12},
	{BPF_JMP | BPF_JEQ | BPF_K, 2, 1, 0xfeedbeef},
	{BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x80000001},
	{BPF_RET | BPF_K, 0, 0, 0x10000},
	{BPF_RET | BPF_K, 0, 0, 0},
};

static void place(int fd, int number, int cloexec)
{
	CHECK_SYS(fd);
	CHECK_SYS(dup3(fd, number, cloexec));
	close(fd);
}

static void owner_set(int fd, int type, pid_t pid)
{
	struct f_owner_ex owner = {
		.type = (typeof(owner.type))type, .pid = pid};

	CHECK_SYS(fcntl(fd, F_SETSIG, SIGRTMIN + 5));
	CHECK_SYS(fcntl(fd, F_SETOWN_EX, &owner));
}

static void files_open(void)
{
	struct itimerspec when = {{7, 123456789}, {70000, 5}};
	struct epoll_event event = {.events = EPOLLIN | EPOLLPRI | EPOLLET |
					      EPOLLONESHOT | EPOLLWAKEUP,
		.data.u64 = 0x1122334455667788};
	char path[PATH_MAX];
	sigset_t set;
	int ends[2];

	place(open(checkpoint_path(path, "file"),
		      O_RDWR | O_CREAT | O_APPEND | O_DSYNC | O_NOATIME, 04750),
		FD_FILE, O_CLOEXEC);
	CHECK_SYS(write(FD_FILE, "0123456789", 10));
	CHECK_SYS(lseek(FD_FILE, 7, SEEK_SET));
	owner_set(FD_FILE, F_OWNER_PGRP, getpgrp());
	CHECK_SYS(pipe2(ends, O_NONBLOCK));
	place(ends[0], FD_PIPE_OUT, 0);
	place(ends[1], FD_PIPE_IN, O_CLOEXEC);
	CHECK_SYS(fcntl(FD_PIPE_OUT, F_SETPIPE_SZ, 1 << 18));
	CHECK_SYS(write(FD_PIPE_IN, "unread", 6));
	owner_set(FD_PIPE_OUT, F_OWNER_PID, getpid());
	place(eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), FD_EVENT, 0);
	CHECK_SYS(write(FD_EVENT, &(uint64_t){1ull << 40 | 3}, 8));
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGSYS);
	sigaddset(&set, 33);
	sigaddset(&set, 64);
	place((int)syscall(SYS_signalfd4, -1, &set, 8, SFD_NONBLOCK),
		FD_SIGNALS, 0);
	place(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK), FD_TIMER, 0);
	CHECK_SYS(timerfd_settime(FD_TIMER, 0, &when, NULL));
	place(epoll_create1(0), FD_EPOLL, 0);
	CHECK_SYS(epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_EVENT, &event));
	place((int)syscall(SYS_memfd_create, "odd name", 2u), FD_MEMORY, 0);
	CHECK_SYS(ftruncate(FD_MEMORY, 8192));
	CHECK_SYS(fchmod(FD_MEMORY, 0123));
	CHECK_SYS(fcntl(FD_MEMORY, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL));
}

static void option(int fd, int level, int name, int value)
{
	CHECK_SYS(setsockopt(fd, level, name, &value, sizeof(value)));
}

static void sockets_open(void)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
		.sin_port = htons(0x1f6b),
		.sin_addr.s_addr = htonl(0x7f030201)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
		.sin6_port = htons(0x2f6b),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sock_fprog program = {COUNT_OF(filter), filter};
	struct timeval time = {12, 340000};
	struct linger linger = {1, 77};

	place(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_TCP, 0);
	option(FD_TCP, SOL_SOCKET, SO_REUSEADDR, 1);
	option(FD_TCP, SOL_SOCKET, SO_KEEPALIVE, 1);
	option(FD_TCP, SOL_SOCKET, SO_PRIORITY, 5);
	option(FD_TCP, SOL_SOCKET, SO_MARK, 0x76543210);
	option(FD_TCP, SOL_SOCKET, SO_RCVLOWAT, 300);
	CHECK_SYS(setsockopt(
		FD_TCP, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
	CHECK_SYS(setsockopt(
		FD_TCP, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	CHECK_SYS(setsockopt(FD_TCP, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		sizeof(program)));
	CHECK_SYS(setsockopt(FD_TCP, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	CHECK_SYS(bind(FD_TCP, (struct sockaddr *)&v4, sizeof(v4)));
	CHECK_SYS(listen(FD_TCP, 9));
	place(socket(AF_INET6, SOCK_DGRAM, 0), FD_UDP6, 0);
	option(FD_UDP6, SOL_SOCKET, SO_BROADCAST, 1);
	option(FD_UDP6, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	CHECK_SYS(bind(FD_UDP6, (struct sockaddr *)&v6, sizeof(v6)));
}

struct action {
	uint64_t handler, flags, restorer, mask;
};

static void signals_set(void)
{
	struct action action = {HANDLER,
		0x04000000 | SA_RESTART | SA_ONSTACK | SA_NODEFER | SA_SIGINFO,
		HANDLER + 8, 1ull << 63 | 1ull << 33 | 1ull << 11};
	struct sched_param none = {0};
	siginfo_t info;
	uint64_t mask = 1ull << 63 | 1ull << (SIGUSR2 - 1);
	stack_t stack = {.ss_sp = (void *)0x300000000,
		.ss_size = 70000,
		.ss_flags = (int)(1u << 31)};

	CHECK_SYS(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8));
	CHECK_SYS(syscall(SYS_rt_sigaction, 64, &action, NULL, 8));
	action = (struct action){(uintptr_t)SIG_IGN, 0, 0, 0};
	CHECK_SYS(syscall(SYS_rt_sigaction, SIGPIPE, &action, NULL, 8));
	CHECK_SYS(syscall(
		SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask)));
	memset(&info, 0, sizeof(info));
	info.si_code = -60;
	info.si_pid = 0x1234567;
	info.si_uid = 0x89abcde;
	info.si_value.sival_ptr = (void *)0x1122334455667788;
	CHECK_SYS(syscall(SYS_rt_sigqueueinfo, getpid(), 64, &info));
	info.si_code = -61;
	CHECK_SYS(syscall(
		SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR2, &info));
	CHECK_SYS(sigaltstack(&stack, NULL));
	CHECK_SYS(syscall(SYS_set_robust_list, 0x300010000, 24));
	CHECK_SYS(sched_setscheduler(
		0, SCHED_BATCH | SCHED_RESET_ON_FORK, &none));
	CHECK_SYS(setpriority(PRIO_PROCESS, 0, 11));
}

static void areas_map(void)
{
	const int usual = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	char *at = AREA;

	CHECK(mmap(at, 0x10000, PROT_READ | PROT_WRITE, usual, -1, 0) == at);
	CHECK_SYS(madvise(at, 0x10000, MADV_DONTFORK));
	CHECK_SYS(madvise(at, 0x10000, MADV_DONTDUMP));
	at[0x3000] = 1;
	at += 0x100000;
	CHECK(mmap(at, 0x10000, PROT_NONE, usual | MAP_NORESERVE, -1, 0) == at);
	at += 0x100000;
	CHECK(mmap(at, 0x10000, PROT_READ | PROT_EXEC, usual, -1, 0) == at);
	CHECK_SYS(madvise(at, 0x10000, MADV_NOHUGEPAGE));
	at += 0x100000;
	CHECK(mmap(at, 0x10000, PROT_READ | PROT_WRITE, usual | MAP_GROWSDOWN,
		      -1, 0) == at);
	CHECK_SYS(madvise(at, 0x10000, MADV_WIPEONFORK));
	at += 0x100000;
	CHECK(mmap(at, 0x10000, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		      0) == at);
	at[0x2000] = 2;
	at += 0x100000;
	CHECK(mmap(at, 0x2000, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE,
		      FD_MEMORY, 0) == at);
}

static void task_set(void)
{
	struct rlimit core = {1234, 5678}, cpu = {1ull << 33, RLIM_INFINITY};
	struct itimerval real = {{9, 87654}, {90000, 1}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = 63,
		.sigev_value.sival_ptr = (void *)0xffeeddccbbaa9988};
	struct itimerspec when = {{3, 250000000}, {80000, 0}};
	gid_t groups[] = {5, 70000};
	timer_t timer;

	CHECK_SYS(setrlimit(RLIMIT_CORE, &core));
	CHECK_SYS(setrlimit(RLIMIT_CPU, &cpu));
	CHECK_SYS(setitimer(ITIMER_REAL, &real, NULL));
	CHECK_SYS(timer_create(CLOCK_MONOTONIC, &event, &timer));
	CHECK_SYS(timer_settime(timer, 0, &when, NULL));
	CHECK_SYS(prctl(PR_SET_NAME, "odd \"name\""));
	CHECK_SYS(prctl(PR_SET_PDEATHSIG, SIGPIPE)); /* ignored */
	CHECK_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK_SYS(syscall(SYS_setgroups, 2, groups));
	CHECK_SYS(prctl(PR_CAPBSET_DROP, 39));
	CHECK_SYS(prctl(PR_CAPBSET_DROP, 3));
	CHECK_SYS(prctl(PR_SET_SECUREBITS,
		SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS_LOCKED));
	CHECK_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void check_back(void)
{
	struct sock_filter now[COUNT_OF(filter)];
	struct action action;
	socklen_t n = COUNT_OF(now);
	uint64_t mask, count;
	uint32_t uids[2];

	CHECK_SYS(syscall(SYS_rt_sigaction, 64, NULL, &action, 8));
	CHECK(action.handler == HANDLER &&
		action.mask == (1ull << 63 | 1ull << 33 | 1ull << 11) &&
		action.flags & SA_NODEFER);
	CHECK_SYS(syscall(
		SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)));
	CHECK(mask == (1ull << 63 | 1ull << (SIGUSR2 - 1)));
	CHECK(sched_getscheduler(0) == (SCHED_BATCH | SCHED_RESET_ON_FORK));
	CHECK(getpriority(PRIO_PROCESS, 0) == 11);
	CHECK_SYS(getsockopt(FD_TCP, SOL_SOCKET, SO_GET_FILTER, now, &n));
	CHECK(n == COUNT_OF(now) && !memcmp(now, filter, sizeof(now)));
	CHECK_SYS(read(FD_EVENT, &count, 8));
	CHECK(count == 1);
	CHECK(fcntl(FD_FILE, F_GETSIG) == SIGRTMIN + 5);
	CHECK_SYS(fcntl(FD_FILE, GETOWNER_UIDS, uids));
	CHECK((fcntl(FD_FILE, F_GETFL) &
		      (O_APPEND | O_DSYNC | O_NOATIME | O_SYNC)) ==
		(O_APPEND | O_DSYNC | O_NOATIME));
	CHECK(fcntl(FD_PIPE_IN, F_GETPIPE_SZ) == 1 << 18);
	CHECK(fcntl(FD_MEMORY, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_SEAL));
	CHECK(AREA[0x3000] == 1 && AREA[0x402000] == 2);
	CHECK(prctl(PR_GET_SECUREBITS) ==
		(SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS_LOCKED));
}

int main(void)
{
	files_open();
	sockets_open();
	areas_map();
	signals_set();
	task_set();
	checkpoint_here();
	check_back();
	checkpoint_ok();
}
