/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent_blob: the agent's code as bytes, which every build makes with compel
 * for the one machine that it is built for.
 *
 * A backend's table takes AGENT_BLOB_<ARCH>: the blob, or NULL in a build
 * for another machine.
 */
#ifndef STASIS_AGENT_BLOB_H
#define STASIS_AGENT_BLOB_H

#include "backend.h"

extern const struct blob agent_blob;

#if defined(__x86_64__)
#define AGENT_BLOB_X86_64 (&agent_blob)
#else
#define AGENT_BLOB_X86_64 NULL
#endif

#if defined(__aarch64__)
#define AGENT_BLOB_AARCH64 (&agent_blob)
#else
#define AGENT_BLOB_AARCH64 NULL
#endif

#if defined(__powerpc64__)
#define AGENT_BLOB_PPC64LE (&agent_blob)
#else
#define AGENT_BLOB_PPC64LE NULL
#endif

#endif
