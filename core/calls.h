/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls: the system calls that tapes may use, by name.
 *
 * A tape is recorded with these names and gets a machine's numbers when it is
 * pressed (inject/record.h), so that plans for any machine can be made and
 * printed on any other. backends/<arch>/numbers.c holds the numbers.
 */
#ifndef STASIS_CALLS_H
#define STASIS_CALLS_H

#include <stdint.h>

/* clang-format off */
#define CALLS(X) \
	X(read) X(write) X(close) X(lseek) \
	X(mmap) X(mprotect) X(munmap) X(mremap) \
	X(madvise) X(mlock) X(mlock2) X(mlockall) X(brk) \
	X(rt_sigaction) X(rt_sigprocmask) X(rt_sigqueueinfo) X(rt_tgsigqueueinfo) \
	X(sigaltstack) X(pread64) X(preadv) X(pwrite64) \
	X(dup3) X(fcntl) X(flock) X(ioctl) X(ftruncate) \
	X(openat) X(close_range) X(fchdir) X(chroot) \
	X(umask) X(getpid) X(gettid) X(kill) \
	X(tgkill) X(exit) X(exit_group) X(setitimer) \
	X(getitimer) X(timer_create) X(timer_settime) X(timer_gettime) \
	X(timer_getoverrun) X(timer_delete) X(clock_gettime) X(clock_nanosleep) \
	X(setuid) X(setgid) X(setresuid) X(setresgid) \
	X(getresuid) X(getresgid) X(setfsuid) X(setfsgid) \
	X(setgroups) X(getgroups) X(capget) X(capset) \
	X(prctl) X(seccomp) X(personality) X(set_tid_address) \
	X(set_robust_list) X(rseq) X(futex) X(clone3) \
	X(sched_setscheduler) X(sched_getscheduler) X(sched_setattr) X(sched_getattr) \
	X(sched_setaffinity) X(sched_getaffinity) X(setpriority) X(getpriority) \
	X(ioprio_set) X(ioprio_get) X(prlimit64) X(setsid) \
	X(setpgid) X(getsid) X(epoll_create1) X(epoll_ctl) \
	X(eventfd2) X(timerfd_create) X(timerfd_settime) X(signalfd4) \
	X(pidfd_open) X(pidfd_getfd) X(memfd_create) X(setsockopt) \
	X(getsockopt) X(arch_prctl) X(membarrier) X(mincore) \
	X(pipe2) X(epoll_pwait) X(ppoll) X(nanosleep) \
	X(restart_syscall) X(getrandom) X(execve) X(process_madvise) X(userfaultfd) \
	X(set_mempolicy) X(mbind) X(io_setup) X(io_submit) \
	X(io_getevents) X(io_destroy) X(unlinkat) X(setns) \
	X(unshare) X(shmat) X(shmdt) X(semop) \
	X(map_shadow_stack) X(waitid) X(modify_ldt) \
	X(get_mempolicy) X(keyctl) X(openat2) X(rt_sigreturn)

/* clang-format on */

enum call {
#define CALL_ENUM(name) CALL_##name,
	CALLS(CALL_ENUM)
#undef CALL_ENUM
		CALL_COUNT
};

/* A number that no machine gives to a call: this machine has none. */
#define CALL_ABSENT 0xffff

const char *call_name(enum call call);

#endif
