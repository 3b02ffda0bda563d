/* SPDX-License-Identifier: MIT */
/* version: the release of CRIU whose client interface criu.h is. */
#ifndef STASIS_CLIENT_VERSION_H
#define STASIS_CLIENT_VERSION_H

#define CRIU_VERSION "4.2"
#define CRIU_VERSION_MAJOR 4
#define CRIU_VERSION_MINOR 2
#define CRIU_GITID "0"

#endif
