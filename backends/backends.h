/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backends: the table of each machine. */
#ifndef STASIS_BACKENDS_H
#define STASIS_BACKENDS_H

#include "backend.h"

extern const struct backend backend_x86_64;
extern const struct backend backend_aarch64;
extern const struct backend backend_ppc64le;

#endif
