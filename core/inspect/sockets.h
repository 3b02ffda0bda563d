/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sockets: one line about a socket of any family. */
#ifndef STASIS_INSPECT_SOCKETS_H
#define STASIS_INSPECT_SOCKETS_H

#include "inspect/describe.h"

/* One of the socket fields of the file is set. */
struct description socket_describe(
	const struct file_book *book, const FileEntry *file);

#endif
