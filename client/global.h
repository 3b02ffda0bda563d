/* SPDX-License-Identifier: MIT */
/*
 * global: the one set of options that belongs to the whole program.
 *
 * Besides pty.h this is all that the library remembers between calls; the
 * interface, in which criu_X() name no set, asks for it.
 */
#ifndef STASIS_CLIENT_GLOBAL_H
#define STASIS_CLIENT_GLOBAL_H

#include "options.h"

criu_opts *global_opts(void);

#endif
