/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * membership: the multicast groups that a UDP socket has joined, with the
 * sources that it wants or does not want (ip(7), ipv6(7), RFC 3678).
 *
 * The image format has no field for them; they lie in one of our own.
 * Devices go by name, for their numbers are of one host.
 */
#ifndef STASIS_KINDS_FILE_LIB_MEMBERSHIP_H
#define STASIS_KINDS_FILE_LIB_MEMBERSHIP_H

#include "model/dump.h"
#include "proto/sockets.pb-c.h"

/* family: of the socket. */
int membership_capture(struct dump *dump, int fd, uint32_t family,
	StasisMembership ***ret_at, size_t *ret_n, struct err *err);
int membership_restore(int fd, const InetSkEntry *inet, struct err *err);

#endif
