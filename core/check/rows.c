/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The features, by the names that people and scripts know. */
#include "check/check.h"
#include "check/probes.h"
#include "kernel/features.h"

/* What the engine asks at run time, too, is asked in the same way. */
#define KERNEL_PROBE(which)                                       \
	static bool probe_##which(void)                           \
	{                                                         \
		struct kernel_features features = {0};            \
                                                                  \
		return features_have(&features, FEATURE_##which); \
	}

KERNEL_PROBE(PAGEMAP_SCAN)
KERNEL_PROBE(UFFD)
KERNEL_PROBE(UFFD_NONCOOP)
KERNEL_PROBE(CLONE3_SET_TID)
KERNEL_PROBE(TIMER_RESTORE_IDS)
KERNEL_PROBE(GUARD_REGIONS)
KERNEL_PROBE(PROCMAP_QUERY)
KERNEL_PROBE(MEMFD)
KERNEL_PROBE(MEMFD_HUGETLB)
KERNEL_PROBE(OPENAT2)
KERNEL_PROBE(PIDFD_OPEN)
KERNEL_PROBE(PIDFD_GETFD)
KERNEL_PROBE(KCMP)
KERNEL_PROBE(CHILDREN)
KERNEL_PROBE(TIMENS)
KERNEL_PROBE(MOUNT_SET_GROUP)

static bool probe_pidfd_store(void)
{
	return probe_PIDFD_OPEN() && probe_PIDFD_GETFD();
}

static bool probe_track(void)
{
	struct kernel_features features = {0};

	return features_track(&features);
}

/* A mark of the interface, not of the kernel: clients ask for it. */
static bool probe_always(void)
{
	return true;
}

const struct check_row check_rows[] = {
	{"ptrace_seize", CHECK_MUST, true, probe_ptrace_seize,
		"tasks cannot be stopped without a trace"},
	{"children", CHECK_MUST, false, probe_CHILDREN,
		"the children of a task cannot be listed"},
	{"proc_mem", CHECK_MUST, true, probe_proc_mem,
		"memory without access cannot be read or filled"},
	{"map_files", CHECK_MUST, true, probe_map_files,
		"mapped files cannot be reached"},
	{"vdso_moves", CHECK_MUST, false, probe_vdso_moves,
		"the kernel's code in processes cannot be put back"},
	{"kcmp", CHECK_MUST, true, probe_KCMP,
		"what tasks share cannot be told from what they have twice"},
	{"memfd", CHECK_MUST, false, probe_MEMFD,
		"shared memory cannot be made"},
	{"pidfd_open", CHECK_MUST, false, probe_PIDFD_OPEN,
		"tasks cannot be held on to"},
	{"pidfd_getfd", CHECK_MUST, true, probe_PIDFD_GETFD,
		"open files of tasks cannot be copied"},
	{"clone3_set_tid", CHECK_MUST, true, probe_CLONE3_SET_TID,
		"tasks cannot get their pids back"},
	{"openat2", CHECK_MUST, false, probe_OPENAT2,
		"paths cannot be kept below a root"},
	{"mnt_id", CHECK_MUST, false, probe_mnt_id,
		"the mount of an open file cannot be found"},
	{"ns_pid", CHECK_MUST, false, probe_ns_pid,
		"pids inside of pid namespaces cannot be read"},

	{"aio_remap", CHECK_EXTRA, false, probe_aio_remap,
		"tasks with AIO rings cannot be restored"},
	{"timerfd", CHECK_EXTRA, false, probe_timerfd,
		"timerfds cannot be restored"},
	{"tun", CHECK_EXTRA, true, probe_tun,
		"TUN and TAP devices cannot be dumped"},
	{"tun_ns", CHECK_EXTRA, true, probe_tun_ns,
		"the namespace of a TUN device cannot be found"},
	{"userns", CHECK_EXTRA, false, probe_userns,
		"user namespaces cannot be restored"},
	{"fdinfo_lock", CHECK_EXTRA, false, probe_fdinfo_lock,
		"file locks cannot be dumped"},
	{"seccomp_suspend", CHECK_EXTRA, true, probe_seccomp_suspend,
		"tasks under seccomp cannot be dumped"},
	{"seccomp_filters", CHECK_EXTRA, true, probe_seccomp_filters,
		"seccomp filters cannot be read"},
	{"loginuid", CHECK_EXTRA, true, probe_loginuid,
		"the login uid cannot be set"},
	{"cgroupns", CHECK_EXTRA, true, probe_cgroupns,
		"cgroup namespaces cannot be restored"},
	{"autofs", CHECK_EXTRA, true, probe_autofs,
		"autofs mounts cannot be dumped"},
	{"tcp_half_closed", CHECK_EXTRA, true, probe_tcp_half_closed,
		"half closed connections cannot be dumped"},
	{"sk_ns", CHECK_EXTRA, true, probe_sk_ns,
		"the namespace of a socket cannot be found"},
	{"sk_unix_file", CHECK_EXTRA, true, probe_sk_unix_file,
		"unix sockets that lost their name cannot be dumped"},
	{"net_diag_raw", CHECK_EXTRA, false, probe_net_diag_raw,
		"raw sockets cannot be dumped"},
	{"nsid", CHECK_EXTRA, false, probe_nsid,
		"ids of network namespaces cannot be read"},
	{"link_nsid", CHECK_EXTRA, false, probe_link_nsid,
		"links of other namespaces cannot be looked at"},
	{"newifindex", CHECK_EXTRA, true, probe_newifindex,
		"links that move cannot keep their index"},
	{"kcmp_epoll", CHECK_EXTRA, true, probe_kcmp_epoll,
		"targets of epoll under another number cannot be found"},
	{"timens", CHECK_EXTRA, true, probe_TIMENS,
		"clocks cannot be kept from jumping"},
	{"external_net_ns", CHECK_EXTRA, false, probe_always, ""},
	{"nftables", CHECK_EXTRA, true, probe_nftables,
		"connections cannot be locked with nftables"},
	{"network_lock_nftables", CHECK_EXTRA, true, probe_nftables,
		"connections cannot be locked with nftables"},
	{"has_ipt_legacy", CHECK_EXTRA, false, probe_ipt_legacy,
		"rules of the older iptables cannot be dumped"},
	{"apparmor_stacking", CHECK_EXTRA, false, probe_apparmor_stacking,
		"stacked AppArmor profiles cannot be dumped"},
	{"sockopt_buf_lock", CHECK_EXTRA, false, probe_sockopt_buf_lock,
		"whether buffers of sockets were sized by hand is lost"},
	{"memfd_hugetlb", CHECK_EXTRA, false, probe_MEMFD_HUGETLB,
		"memfds of huge pages cannot be restored"},
	{"move_mount_set_group", CHECK_EXTRA, true, probe_MOUNT_SET_GROUP,
		"mounts cannot be shared as they were"},
	{"get_rseq_conf", CHECK_EXTRA, true, probe_rseq_conf,
		"restartable sequences of tasks are lost"},
	{"ipv6_freebind", CHECK_EXTRA, false, probe_ipv6_freebind,
		"IPv6 sockets bound to absent addresses cannot be restored"},
	{"overlayfs_maps", CHECK_EXTRA, true, probe_overlayfs_maps,
		"files mapped from an overlay look like other files"},
	{"compat_cr", CHECK_EXTRA, false, probe_compat_vdso,
		"tasks of the 32 bit machine cannot be restored"},
	{"pidfd_store", CHECK_EXTRA, true, probe_pidfd_store,
		"pids used twice between dumps cannot be noticed for sure"},
	{"uffd", CHECK_EXTRA, true, probe_UFFD,
		"memory cannot be brought when it is touched"},
	{"uffd-noncoop", CHECK_EXTRA, true, probe_UFFD_NONCOOP,
		"memory cannot be brought when it is touched"},
	{"guard_regions", CHECK_EXTRA, false, probe_GUARD_REGIONS,
		"guard regions cannot be restored"},

	{"mem_dirty_track", CHECK_FASTER, false, probe_track,
		"no incremental dumps: it cannot be told what was changed"},
	{"can_map_vdso", CHECK_FASTER, false, probe_can_map_vdso,
		"no fresh vdso can be had; the one that is there is moved"},
	{"pagemap_scan", CHECK_FASTER, false, probe_PAGEMAP_SCAN,
		"looking for pages takes longer"},
	{"pagemap_scan_guard_pages", CHECK_FASTER, false, probe_pagemap_guard,
		"looking for guard regions takes longer"},
	{"proc_mem_forces", CHECK_FASTER, true, probe_proc_mem_forces,
		"memory without access is read word by word"},
	{"procmap_query", CHECK_FASTER, false, probe_PROCMAP_QUERY,
		"mappings are read as text"},
	{"timer_cr_ids", CHECK_FASTER, false, probe_TIMER_RESTORE_IDS,
		"timers are made and deleted until the id fits"},
	{"breakpoints", CHECK_FASTER, true, probe_breakpoints,
		"nothing of ours: there are other ways to stop a task"},
	{0}};
