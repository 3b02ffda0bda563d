/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probes: one function per feature, which tries it and says yes or no. What
 * it opens it closes; what would leave a trace happens in a child. */
#ifndef STASIS_CHECK_PROBES_H
#define STASIS_CHECK_PROBES_H

#include <stdbool.h>
#include <sys/types.h>

/* True when the probe, run in a child of its own, is. */
bool probe_in_child(bool (*probe)(void));
/* True when act on a stopped child, our copy, is. */
bool probe_on_child(bool (*act)(pid_t child, void *arg), void *arg);
/* Does the text file have the words? */
bool probe_file_has(const char *path, const char *words);

/* memory.c */
bool probe_map_files(void);
bool probe_proc_mem(void);
bool probe_proc_mem_forces(void);
bool probe_vdso_moves(void);
bool probe_aio_remap(void);
bool probe_pagemap_guard(void);
bool probe_can_map_vdso(void);
bool probe_compat_vdso(void);

/* tasks.c */
bool probe_ptrace_seize(void);
bool probe_seccomp_suspend(void);
bool probe_seccomp_filters(void);
bool probe_rseq_conf(void);
bool probe_ns_pid(void);
bool probe_loginuid(void);
bool probe_breakpoints(void);
bool probe_cgroupns(void);
bool probe_userns(void);

/* files.c */
bool probe_mnt_id(void);
bool probe_timerfd(void);
bool probe_fdinfo_lock(void);
bool probe_kcmp_epoll(void);
bool probe_tun(void);
bool probe_tun_ns(void);
bool probe_autofs(void);
bool probe_overlayfs_maps(void);
bool probe_apparmor_stacking(void);

/* net.c */
bool probe_tcp_half_closed(void);
bool probe_sk_ns(void);
bool probe_sk_unix_file(void);
bool probe_net_diag_raw(void);
bool probe_nsid(void);
bool probe_link_nsid(void);
bool probe_newifindex(void);
bool probe_nftables(void);
bool probe_ipt_legacy(void);
bool probe_sockopt_buf_lock(void);
bool probe_ipv6_freebind(void);

#endif
