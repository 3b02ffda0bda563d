/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockopt_table: every option number of internet sockets, and what it is to
 * an image. What is not here is not known to us, and must be as it is in a
 * new socket.
 *
 * Of Linux 6.18; numbers are never used again for something else.
 */
#ifndef STASIS_KINDS_FILE_LIB_SOCKOPT_TABLE_H
#define STASIS_KINDS_FILE_LIB_SOCKOPT_TABLE_H

enum sockopt_sort {
	SOCKOPT_UNKNOWN, /* also what is known, and cannot be given back */
	SOCKOPT_KEEP,	 /* set again as it was told, if it is not usual */
	SOCKOPT_FORMAT,	 /* the format has a field, or another option tells */
	SOCKOPT_DEVICE,	 /* the index of a network device */
	SOCKOPT_STATE,	 /* nothing that was set: what the socket is or does */
	SOCKOPT_SILENT,	 /* not to be asked: asking changes something, needs
			    an argument, or is another module's */
};

/* Numbers of all levels are below. */
enum { SOCKOPT_NAMES = 128 };

enum sockopt_sort sockopt_sort(int level, int name);

/* "TCP_ULP", "option 99 of SOL_TCP". */
const char *sockopt_label(int level, int name, char ret[48]);

#endif
