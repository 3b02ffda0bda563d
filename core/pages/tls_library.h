/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_library: GnuTLS's functions, loaded when a connection is first encrypted:
 * no other start of the program pays for it. GNUTLS_LIBRARY names the library;
 * a program that is linked statically cannot load it, is built without that
 * name, and refuses.
 */
#ifndef STASIS_PAGES_TLS_LIBRARY_H
#define STASIS_PAGES_TLS_LIBRARY_H

#ifdef GNUTLS_LIBRARY

#include <gnutls/gnutls.h>

#include "base/err.h"

#define TLS_FUNCTIONS(F)                         \
	F(certificate_allocate_credentials)      \
	F(certificate_free_credentials)          \
	F(certificate_set_x509_system_trust)     \
	F(certificate_set_x509_trust_mem)        \
	F(certificate_set_x509_crl_mem)          \
	F(certificate_set_x509_key_mem)          \
	F(certificate_server_set_request)        \
	F(certificate_send_x509_rdn_sequence)    \
	F(certificate_verify_peers3)             \
	F(certificate_verification_status_print) \
	F(certificate_type_get)                  \
	F(init)                                  \
	F(deinit)                                \
	F(set_default_priority)                  \
	F(credentials_set)                       \
	F(transport_set_ptr)                     \
	F(transport_set_pull_function)           \
	F(transport_set_push_function)           \
	F(handshake)                             \
	F(record_send)                           \
	F(record_recv)                           \
	F(record_check_pending)                  \
	F(bye)                                   \
	F(alert_get)                             \
	F(alert_get_name)                        \
	F(alert_send)                            \
	F(error_is_fatal)                        \
	F(strerror)

struct tls_library {
#define TLS_MEMBER(name) typeof(gnutls_##name) *name;
	TLS_FUNCTIONS(TLS_MEMBER)
#undef TLS_MEMBER
};

/* The library stays loaded. */
int tls_library_load(struct tls_library *ret, struct err *err);

#endif

#endif
