/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom: the kernel's choice of whom to kill when memory is short
 * (/proc/PID/oom_score_adj, proc(5); 2.6.36).
 */
#ifndef STASIS_KERNEL_OOM_H
#define STASIS_KERNEL_OOM_H

/* The calling process is not chosen any more, as far as it may ask for that
 * (CAP_SYS_RESOURCE). Children inherit it: make none before oom_expose, which
 * takes what this returned. */
int oom_hide(void);
void oom_expose(int was);

#endif
