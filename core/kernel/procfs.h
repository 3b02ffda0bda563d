/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * procfs: which files of /proc are about one process.
 *
 * What such a file shows, and what can be done through it, depends on who
 * opened it: "self" is the opener, and his own mem opens for everybody. To
 * hand one over is to hand over a part of oneself.
 */
#ifndef STASIS_KERNEL_PROCFS_H
#define STASIS_KERNEL_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Is fd (O_PATH will do) a file or folder below the folder of a process, in
 * any mount of procfs? Also said of one whose place in procfs cannot be told,
 * as in a mount of a part of it. Does not block. */
bool procfs_is_of_process(int fd);
/* The same where f_type of its file system is known. */
bool procfs_type_is_of_process(int fd, uint32_t fs_type);

/* The process that we are there, by an fd (O_PATH will do) of the root of a
 * procfs; 0: it is none, or we are not in it. */
pid_t procfs_self(int root);

/* "/proc/7/stat", "/proc/7/task/8/fd/3". */
struct procfs_name {
	pid_t pid;
	pid_t tid;	  /* 0: about the whole process */
	const char *rest; /* "stat"; "": the folder itself */
};

/* Pure; false: it has another form, or would lead out by "..". */
bool procfs_name_read(const char *name, struct procfs_name *ret);

/* Everybody may read it (but for the option hidepid of the mount), and the
 * kernel asks no more of who opens it. It is no power over that process, and
 * none of its secrets. */
bool procfs_name_is_public(const struct procfs_name *name);

#endif
