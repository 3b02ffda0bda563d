/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/features.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/openat2.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "kernel/clone3.h"
#include "kernel/pagemap.h"
#include "kernel/proc.h"
#include "kernel/uffd.h"

/* For headers older than the kernel. */
enum {
	ASK_TIMER_RESTORE_IDS = 77, /* PR_TIMER_CREATE_RESTORE_IDS */
	ADVICE_GUARD_INSTALL = 102, /* MADV_GUARD_INSTALL */
	MOVE_SET_GROUP = 0x100,	    /* MOVE_MOUNT_SET_GROUP */
	UFFD_WP_ASYNC = 1 << 15,    /* UFFD_FEATURE_WP_ASYNC */
	SECCOMP_ACTION_AVAIL = 2,
};

/* struct procmap_query of 6.11. */
struct procmap_args {
	uint64_t size, query_flags, query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset;
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	uint32_t vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};
#define PROCMAP_ASK _IOWR('f', 17, struct procmap_args)

static bool fd_made(long fd)
{
	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

/* Is the system call there? Called in a way that it must refuse. */
static bool call_known(long answer)
{
	return answer >= 0 || errno != ENOSYS;
}

static bool probe_pagemap_scan(void)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;

	return !proc_open(getpid(), &self, ERR_UNREAD) &&
	       !pagemap_open(&self, &pagemap, ERR_UNREAD) && pagemap.scan;
}

static bool probe_soft_dirty(void)
{
	_cleanup_fd_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t word = 0;
	char *page;

	if (fd < 0)
		return false;
	page = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	/* What was just written is dirty, where there is such a mark. */
	*(volatile char *)page = 1;
	if (io_pread_exact(fd, &word, sizeof(word),
		    (off_t)((uintptr_t)page / size * sizeof(word))))
		word = 0;
	munmap(page, size);
	return pagemap_word_flags(word, 0) & PAGEMAP_SOFT_DIRTY;
}

static int uffd_plain(void)
{
	return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
}

static bool probe_uffd(void)
{
	return fd_made(uffd_plain());
}

static bool uffd_offers(uint64_t features)
{
	_cleanup_fd_ int fd = uffd_plain();
	struct uffdio_api api = {.api = UFFD_API};

	return fd >= 0 && !ioctl(fd, UFFDIO_API, &api) &&
	       (api.features & features) == features;
}

static bool probe_uffd_wp_async(void)
{
	return uffd_offers(UFFD_WP_ASYNC);
}

/* And the right to follow forks. */
static bool probe_uffd_noncoop(void)
{
	int fd = -1;

	return !uffd_open(&fd, ERR_UNREAD) && fd_made(fd);
}

/* Asks for pid 1 again: EEXIST means that the wish was understood and that
 * we may wish. (In a fresh pid namespace 1 is taken by definition.) */
static bool probe_clone3_set_tid(void)
{
	const pid_t taken = 1;
	const struct clone3_wish wish = {
		.set_tid = &taken, .set_tid_n = 1, .exit_signal = SIGCHLD};
	pid_t pid;
	int r = clone3_fork(&wish, &pid, ERR_UNREAD);

	if (!r && !pid)
		_exit(0);
	if (!r)
		waitpid(pid, NULL, 0);
	return !r || r == -EEXIST;
}

/* 2 asks whether it is on, and changes nothing. */
static bool probe_timer_restore_ids(void)
{
	return prctl(ASK_TIMER_RESTORE_IDS, 2, 0, 0, 0) >= 0;
}

static bool probe_guard_regions(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool have;

	if (page == MAP_FAILED)
		return false;
	have = !madvise(page, size, ADVICE_GUARD_INSTALL);
	munmap(page, size);
	return have;
}

static bool probe_procmap_query(void)
{
	_cleanup_fd_ int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct procmap_args args = {.size = sizeof(args),
		.query_addr = (uintptr_t)probe_procmap_query};

	return fd >= 0 && !ioctl(fd, PROCMAP_ASK, &args);
}

static bool probe_memfd(void)
{
	return fd_made(memfd_create("stasis-probe", MFD_CLOEXEC));
}

static bool probe_memfd_hugetlb(void)
{
	return fd_made(memfd_create("stasis-probe", MFD_CLOEXEC | MFD_HUGETLB));
}

static bool probe_openat2(void)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC};

	return fd_made(syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)));
}

static bool probe_pidfd_open(void)
{
	return fd_made(syscall(SYS_pidfd_open, getpid(), 0));
}

static bool probe_pidfd_getfd(void)
{
	return call_known(syscall(SYS_pidfd_getfd, -1, 0, 0));
}

static bool probe_kcmp(void)
{
	return !syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0);
}

static bool probe_children(void)
{
	return !access("/proc/thread-self/children", R_OK);
}

static bool probe_timens(void)
{
	return !access("/proc/self/ns/time_for_children", F_OK);
}

static bool probe_rseq(void)
{
	/* Refused for its length, where the call is known. */
	return call_known(syscall(SYS_rseq, NULL, 0, 0, 0));
}

static bool probe_mount_api(void)
{
	return call_known(syscall(SYS_open_tree, -1, "", ~0u)) &&
	       call_known(syscall(SYS_fsopen, NULL, ~0u));
}

/* Unknown flags are refused (EINVAL) before fds are looked at (EBADF); the
 * right to mount is asked for before both. */
static bool probe_mount_set_group(void)
{
	return syscall(SYS_move_mount, -1, "x", -1, "x", MOVE_SET_GROUP) < 0 &&
	       errno == EBADF;
}

static bool probe_seccomp_filter(void)
{
	uint32_t allow = 0x7fff0000; /* SECCOMP_RET_ALLOW */

	return !syscall(SYS_seccomp, SECCOMP_ACTION_AVAIL, 0, &allow);
}

/* EBADF: the kernel looked for the cgroup. */
static bool probe_clone_into_cgroup(void)
{
	const struct clone3_wish wish = {.flags = CLONE_INTO_CGROUP,
		.cgroup_fd = 1 << 30,
		.exit_signal = SIGCHLD};
	pid_t pid;
	int r = clone3_fork(&wish, &pid, ERR_UNREAD);

	if (!r && !pid)
		_exit(0);
	if (!r)
		waitpid(pid, NULL, 0);
	return r == -EBADF;
}

static const struct {
	const char *name;
	bool (*probe)(void);
} features_table[FEATURE_COUNT] = {
	[FEATURE_PAGEMAP_SCAN] = {"pagemap-scan", probe_pagemap_scan},
	[FEATURE_SOFT_DIRTY] = {"soft-dirty", probe_soft_dirty},
	[FEATURE_UFFD] = {"uffd", probe_uffd},
	[FEATURE_UFFD_WP_ASYNC] = {"uffd-wp-async", probe_uffd_wp_async},
	[FEATURE_UFFD_NONCOOP] = {"uffd-noncoop", probe_uffd_noncoop},
	[FEATURE_CLONE3_SET_TID] = {"clone3-set-tid", probe_clone3_set_tid},
	[FEATURE_TIMER_RESTORE_IDS] = {"timer-restore-ids",
		probe_timer_restore_ids},
	[FEATURE_GUARD_REGIONS] = {"guard-regions", probe_guard_regions},
	[FEATURE_PROCMAP_QUERY] = {"procmap-query", probe_procmap_query},
	[FEATURE_MEMFD] = {"memfd", probe_memfd},
	[FEATURE_MEMFD_HUGETLB] = {"memfd-hugetlb", probe_memfd_hugetlb},
	[FEATURE_OPENAT2] = {"openat2", probe_openat2},
	[FEATURE_PIDFD_OPEN] = {"pidfd-open", probe_pidfd_open},
	[FEATURE_PIDFD_GETFD] = {"pidfd-getfd", probe_pidfd_getfd},
	[FEATURE_KCMP] = {"kcmp", probe_kcmp},
	[FEATURE_CHILDREN] = {"proc-children", probe_children},
	[FEATURE_TIMENS] = {"timens", probe_timens},
	[FEATURE_RSEQ] = {"rseq", probe_rseq},
	[FEATURE_MOUNT_API] = {"mount-api", probe_mount_api},
	[FEATURE_MOUNT_SET_GROUP] = {"mount-set-group", probe_mount_set_group},
	[FEATURE_SECCOMP_FILTER] = {"seccomp-filter", probe_seccomp_filter},
	[FEATURE_CLONE_INTO_CGROUP] = {"clone-into-cgroup",
		probe_clone_into_cgroup},
};

bool features_have(struct kernel_features *features, enum kernel_feature which)
{
	uint8_t *known = &features->known[which];

	if (!*known)
		*known = features_table[which].probe() ? 2 : 1;
	return *known == 2;
}

bool features_track(struct kernel_features *features)
{
	return features_have(features, FEATURE_SOFT_DIRTY) ||
	       (features_have(features, FEATURE_PAGEMAP_SCAN) &&
		       features_have(features, FEATURE_UFFD_WP_ASYNC));
}

const char *features_name(enum kernel_feature which)
{
	return features_table[which].name;
}
