/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu: can the tasks of the images go on at this host's CPU?
 *
 * Asked before anything of them is made. With CPU_CAP_IMAGE the CPU in the
 * image's cpuinfo.img is compared with this one, as strictly as asked; else
 * the CPU in the manifest, if there is one, by what code can have been chosen
 * by; with no bit of CPU_CAP_ALL what is lacking is only told. In any case the
 * registers of each thread are tried on a process of this host's, so that what
 * is really in use and not there is found, by its name; as they are then they
 * are placed later.
 */
#ifndef STASIS_RESTORE_CPU_H
#define STASIS_RESTORE_CPU_H

#include "model/restore.h"

/* Fills regs of each thread. */
int cpu_check(struct restore *restore, struct err *err);

#endif
