/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * features: what the running kernel can do, probed when first asked.
 *
 * A zeroed struct kernel_features knows nothing; each answer is kept in it.
 * Probes use the thing itself, harmlessly, and need no version numbers. A
 * probe may fork a short-lived child; none leaves anything behind.
 */
#ifndef STASIS_KERNEL_FEATURES_H
#define STASIS_KERNEL_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

enum kernel_feature {
	FEATURE_PAGEMAP_SCAN,	   /* ioctl PAGEMAP_SCAN, 6.7 */
	FEATURE_SOFT_DIRTY,	   /* CONFIG_MEM_SOFT_DIRTY */
	FEATURE_UFFD,		   /* userfaultfd, with the rights we have */
	FEATURE_UFFD_WP_ASYNC,	   /* UFFD_FEATURE_WP_ASYNC, 6.7 */
	FEATURE_UFFD_NONCOOP,	   /* fork, remap, remove events, 4.11 */
	FEATURE_CLONE3_SET_TID,	   /* and the right to choose, 5.5 */
	FEATURE_TIMER_RESTORE_IDS, /* PR_TIMER_CREATE_RESTORE_IDS, 6.15 */
	FEATURE_GUARD_REGIONS,	   /* MADV_GUARD_INSTALL, 6.13 */
	FEATURE_PROCMAP_QUERY,	   /* ioctl PROCMAP_QUERY, 6.11 */
	FEATURE_MEMFD,		   /* memfd_create, 3.17 */
	FEATURE_MEMFD_HUGETLB,	   /* 4.14 */
	FEATURE_OPENAT2,	   /* 5.6 */
	FEATURE_PIDFD_OPEN,	   /* 5.3 */
	FEATURE_PIDFD_GETFD,	   /* 5.6 */
	FEATURE_KCMP,		   /* CONFIG_KCMP */
	FEATURE_CHILDREN,	   /* /proc/PID/task/TID/children */
	FEATURE_TIMENS,		   /* time namespaces, 5.6 */
	FEATURE_RSEQ,		   /* rseq, 4.18 */
	FEATURE_MOUNT_API,	   /* open_tree, move_mount, fsopen, 5.2 */
	FEATURE_MOUNT_SET_GROUP,   /* MOVE_MOUNT_SET_GROUP, 5.15 */
	FEATURE_SECCOMP_FILTER,	   /* SECCOMP_SET_MODE_FILTER, 3.17 */
	FEATURE_CLONE_INTO_CGROUP, /* 5.7 */
	FEATURE_COUNT,
};

/* One a run. */
struct kernel_features {
	uint8_t known[FEATURE_COUNT]; /* 0 not asked, 1 no, 2 yes */
};

bool features_have(struct kernel_features *features, enum kernel_feature which);
/* Can it be told which memory of another process was written? By soft-dirty
 * marks, or by userfaultfd and PAGEMAP_SCAN. */
bool features_track(struct kernel_features *features);
/* "pagemap-scan"; for people and for logs. */
const char *features_name(enum kernel_feature which);

#endif
