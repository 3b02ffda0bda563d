/* SPDX-License-Identifier: GPL-2.0-or-later */
/* version: who we are, and whose interfaces we speak. */
#ifndef STASIS_OPTIONS_VERSION_H
#define STASIS_OPTIONS_VERSION_H

#define STASIS_VERSION "0.1.0"

/* Clients compare the first line of --version and the RPC answer to this. */
#define CRIU_VERSION_MAJOR 4
#define CRIU_VERSION_MINOR 2
#define CRIU_VERSION "4.2"

#endif
