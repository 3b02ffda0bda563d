/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/log.h"
#include "pages/tls_library.h"
#include "pages/wire.h"

#ifdef GNUTLS_LIBRARY

/* Bytes of a file of certificates. */
enum { FILE_MAX = 16 << 20 };

struct tls {
	struct tls_library lib;
	int fd;
	struct wire *wire; /* who waits now; NULL: nobody */
	const char *peer;  /* for people */
	bool is_server, shaken;
	struct err ended; /* why no more is to be read or written */
	gnutls_certificate_credentials_t own;
	gnutls_session_t session;
};

static int tls_failed(
	const struct tls *tls, int code, const char *what, struct err *err)
{
	const char *text;
	int alert;

	if (tls->ended.code)
		return err_copy(err, &tls->ended);
	if (code == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		alert = tls->lib.alert_get(tls->session);
		err_set(err, EACCES, "%s ends the encrypted connection: %s",
			tls->peer, tls->lib.alert_get_name(alert));
		return err_hint(err, "its own log says why; it may not trust "
				     "the authority of our certificate");
	}
	if (code == GNUTLS_E_PREMATURE_TERMINATION ||
		code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH ||
		code == GNUTLS_E_PULL_ERROR || code == GNUTLS_E_PUSH_ERROR) {
		err_set(err, EPIPE,
			"%s has cut the encrypted connection while %s",
			tls->peer, what);
		return err_hint(err, "its own log says why");
	}
	text = tls->lib.strerror(code);
	return err_set(err, EPROTO,
		"encrypted connection to %s: while %s: %.*s", tls->peer, what,
		(int)strcspn(text, "."), text);
}

static bool tls_again(int code)
{
	return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED;
}

/* --- files -----------------------------------------------------------------
 */

/* *ret->data NULL: a default file that there is not. */
static int pem_read(struct arena *arena, const char *asked, const char *usual,
	const char *what, gnutls_datum_t *ret, struct err *err)
{
	const char *path = asked ?: usual;
	char *bytes = NULL;
	size_t size = 0;
	struct err now = {0};
	int code = io_read_regular(
		arena, AT_FDCWD, path, FILE_MAX, &bytes, &size, &now);

	if (code && (code != -ENOENT || asked)) {
		err_copy(err, &now);
		return err_wrap(err, "%s '%s'", what, path);
	}
	*ret = (gnutls_datum_t){(unsigned char *)bytes, (unsigned)size};
	return 0;
}

static int pem_refused(const struct tls *tls, int code, const char *what,
	const char *path, struct err *err)
{
	err_set(err, EINVAL, "%s '%s': %s", what, path,
		code ? tls->lib.strerror(code) : "there is none in it");
	return err_hint(err, "the file must be in PEM");
}

static int trust_load(struct arena *arena, struct tls *tls,
	const struct options *options, struct err *err)
{
	static const char usual[] = "/etc/pki/CA/cacert.pem",
			  usual_crl[] = "/etc/pki/CA/cacrl.pem",
			  what[] = "the authority's certificate",
			  what_crl[] = "the list of revoked certificates";
	gnutls_datum_t pem;
	int code = pem_read(arena, options->tls_cacert, usual, what, &pem, err),
	    n;

	if (code)
		return code;
	if (pem.data) {
		n = tls->lib.certificate_set_x509_trust_mem(
			tls->own, &pem, GNUTLS_X509_FMT_PEM);
		if (n <= 0)
			return pem_refused(tls, n, what,
				options->tls_cacert ?: usual, err);
	} else {
		tls->lib.certificate_set_x509_system_trust(tls->own);
	}
	code = pem_read(
		arena, options->tls_cacrl, usual_crl, what_crl, &pem, err);
	if (code || !pem.data)
		return code;
	n = tls->lib.certificate_set_x509_crl_mem(
		tls->own, &pem, GNUTLS_X509_FMT_PEM);
	return n < 0 ? pem_refused(tls, n, what_crl,
			       options->tls_cacrl ?: usual_crl, err)
		     : 0;
}

static int own_load(struct arena *arena, struct tls *tls,
	const struct options *options, struct err *err)
{
	static const char usual[] = "/etc/pki/criu/cert.pem",
			  usual_key[] = "/etc/pki/criu/private/key.pem";
	gnutls_datum_t cert, key;
	int code;

	/* Both ends must show one. */
	code = pem_read(arena, options->tls_cert ?: usual, "",
		       "our certificate", &cert, err)
		       ?: pem_read(arena, options->tls_key ?: usual_key, "",
				  "our key", &key, err);
	if (code == -ENOENT && !(options->tls_cert && options->tls_key))
		err_hint(err, "name them with --tls-cert and --tls-key");
	if (code)
		return code;
	code = tls->lib.certificate_set_x509_key_mem(
		tls->own, &cert, &key, GNUTLS_X509_FMT_PEM);
	explicit_bzero(key.data, key.size);
	return code < 0 ? pem_refused(tls, code, "our certificate and key",
				  options->tls_cert ?: usual, err)
			: 0;
}

/* --- below the library ------------------------------------------------------
 */

/* It calls until it has a whole record: in between it is asked whether to go
 * on. */
static ssize_t bytes_pull(gnutls_transport_ptr_t of, void *to, size_t size)
{
	struct tls *tls = of;

	if (!tls->wire || !wire_look(tls->wire, &tls->ended))
		return recv(tls->fd, to, size, 0);
	errno = EIO;
	return -1;
}

static ssize_t bytes_push(
	gnutls_transport_ptr_t of, const void *from, size_t size)
{
	struct tls *tls = of;

	if (!tls->wire || !wire_look(tls->wire, &tls->ended))
		return send(tls->fd, from, size, MSG_NOSIGNAL);
	errno = EIO;
	return -1;
}

/* --- the handshake ----------------------------------------------------------
 */

static int session_make(struct tls *tls, struct err *err)
{
	/* Without tickets nothing comes that nobody has asked for. */
	unsigned flags = GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS |
			 (tls->is_server ? GNUTLS_SERVER : GNUTLS_CLIENT);
	int code = tls->lib.init(&tls->session, flags);

	if (code)
		return tls_failed(tls, code, "it was prepared", err);
	code = tls->lib.set_default_priority(tls->session)
		       ?: tls->lib.credentials_set(tls->session,
				  GNUTLS_CRD_CERTIFICATE, tls->own);
	if (code)
		return tls_failed(tls, code, "it was prepared", err);
	tls->lib.transport_set_ptr(tls->session, tls);
	tls->lib.transport_set_pull_function(tls->session, bytes_pull);
	tls->lib.transport_set_push_function(tls->session, bytes_push);
	if (tls->is_server) {
		tls->lib.certificate_server_set_request(
			tls->session, GNUTLS_CERT_REQUIRE);
		/* A client has one certificate and shows it, whoever signed
		 * it; so it hears why it is refused. */
		tls->lib.certificate_send_x509_rdn_sequence(tls->session, 1);
	}
	return 0;
}

static int hands_shake(struct tls *tls, struct err *err)
{
	int waited = 0, code, look = 0;

	do {
		code = tls->lib.handshake(tls->session);
		if (code == GNUTLS_E_AGAIN)
			look = wire_wait(tls->wire, &waited, err);
	} while (code && !look && !tls->lib.error_is_fatal(code));
	if (look)
		return look;
	if (code == GNUTLS_E_NO_CERTIFICATE_FOUND ||
		code == GNUTLS_E_CERTIFICATE_REQUIRED)
		return err_set(
			err, EACCES, "%s shows no certificate", tls->peer);
	if (code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH ||
		code == GNUTLS_E_UNEXPECTED_PACKET ||
		code == GNUTLS_E_UNSUPPORTED_VERSION_PACKET) {
		err_set(err, EPROTO,
			"%s does not speak TLS, or has cut the connection",
			tls->peer);
		return err_hint(err, "both ends need --tls");
	}
	tls->shaken = !code;
	return code ? tls_failed(tls, code, "both made themselves known", err)
		    : 0;
}

/* What the library says of it, without what it begins every answer with. */
static int peer_refused(const struct tls *tls, unsigned status,
	const char *host, struct err *err)
{
	gnutls_datum_t told = {0};
	const char *text, *start = "The certificate is NOT trusted. ";

	if (tls->lib.certificate_verification_status_print(status,
		    tls->lib.certificate_type_get(tls->session), &told, 0))
		told.data = NULL;
	text = told.data ? (char *)told.data : "it is not valid";
	if (!strncmp(text, start, strlen(start)))
		text += strlen(start);
	err_set(err, EACCES, "the certificate of %s is refused: %.*s",
		tls->peer, (int)strcspn(text, "."), text);
	free(told.data);
	if (status & GNUTLS_CERT_UNEXPECTED_OWNER)
		return err_hint(err,
			"it does not name '%s'; --address must be what it "
			"names, or say --tls-no-cn-verify",
			host);
	return err_hint(err, "--tls-cacert names the authority that must have "
			     "signed it");
}

static int peer_check(struct tls *tls, const char *host, struct err *err)
{
	unsigned status = 0;
	int code =
		tls->lib.certificate_verify_peers3(tls->session, host, &status);

	if (code)
		return tls_failed(
			tls, code, "its certificate was looked at", err);
	if (!status)
		return 0;
	tls->lib.alert_send(
		tls->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
	return peer_refused(tls, status, host, err);
}

static int tls_make(struct arena *arena, struct wire *wire,
	const struct options *options, bool is_server, const char *host,
	struct err *err)
{
	struct tls *tls = arena_new1(arena, struct tls);
	int code = tls_library_load(&tls->lib, err);

	if (code)
		return code;
	tls->fd = wire->fd;
	tls->wire = wire;
	tls->is_server = is_server;
	tls->peer = is_server ? "the client" : "the page server";
	if (tls->lib.certificate_allocate_credentials(&tls->own))
		return err_set(err, ENOMEM, "no memory for certificates");
	code = trust_load(arena, tls, options, err)
		       ?: own_load(arena, tls, options, err)
		       ?: session_make(tls, err) ?: hands_shake(tls, err)
		       ?: peer_check(tls, host, err);
	tls->wire = NULL;
	if (code) {
		tls->shaken = false;
		tls_close(tls);
		return code;
	}
	wire->tls = tls;
	return 0;
}

int tls_connect(struct arena *arena, struct wire *wire,
	const struct options *options, struct err *err)
{
	const char *host = options->tls_no_cn_verify ? NULL : options->address;

	if (!host && !options->tls_no_cn_verify)
		log_warn("the name in the page server's certificate is not "
			 "looked at: no address was given");
	return tls_make(arena, wire, options, false, host, err);
}

int tls_accept(struct arena *arena, struct wire *wire,
	const struct options *options, struct err *err)
{
	return tls_make(arena, wire, options, true, NULL, err);
}

/* --- bytes ------------------------------------------------------------------
 */

/* A struct wire is moved when it is made: where it is now. */
static struct tls *tls_of(struct wire *wire)
{
	wire->tls->wire = wire;
	return wire->tls;
}

ssize_t tls_send(
	struct wire *wire, const void *from, size_t size, struct err *err)
{
	struct tls *tls = tls_of(wire);
	ssize_t done = tls->lib.record_send(tls->session, from, size);

	if (tls_again((int)done))
		return -EAGAIN;
	return done < 0 ? tls_failed(tls, (int)done, "pages were sent", err)
			: done;
}

ssize_t tls_recv(struct wire *wire, void *to, size_t size, struct err *err)
{
	struct tls *tls = tls_of(wire);
	ssize_t got;

	/* New keys, or a question whether we would shake hands again. */
	do {
		got = tls->lib.record_recv(tls->session, to, size);
	} while (got < 0 && !tls_again((int)got) &&
		 !tls->lib.error_is_fatal((int)got));
	if (tls_again((int)got))
		return -EAGAIN;
	return got < 0 ? tls_failed(tls, (int)got, "pages were read", err)
		       : got;
}

bool tls_pending(struct tls *tls)
{
	return tls->lib.record_check_pending(tls->session) > 0;
}

void tls_close(struct tls *tls)
{
	if (!tls)
		return;
	tls->wire = NULL;
	if (tls->session && tls->shaken)
		tls->lib.bye(tls->session, GNUTLS_SHUT_WR);
	if (tls->session)
		tls->lib.deinit(tls->session);
	if (tls->own)
		tls->lib.certificate_free_credentials(tls->own);
	tls->session = NULL;
	tls->own = NULL;
}

#else

static int tls_none(struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"this program is linked statically, which leaves no way to "
		"encrypt a connection");
	return err_hint(err, "build it without STATIC=1, or lead the pages "
			     "through a tunnel");
}

int tls_connect(struct arena *arena, struct wire *wire,
	const struct options *options, struct err *err)
{
	(void)arena, (void)wire, (void)options;
	return tls_none(err);
}

int tls_accept(struct arena *arena, struct wire *wire,
	const struct options *options, struct err *err)
{
	(void)arena, (void)wire, (void)options;
	return tls_none(err);
}

ssize_t tls_send(
	struct wire *wire, const void *from, size_t size, struct err *err)
{
	(void)wire, (void)from, (void)size;
	return tls_none(err);
}

ssize_t tls_recv(struct wire *wire, void *to, size_t size, struct err *err)
{
	(void)wire, (void)to, (void)size;
	return tls_none(err);
}

bool tls_pending(struct tls *tls)
{
	(void)tls;
	return false;
}

void tls_close(struct tls *tls)
{
	(void)tls;
}

#endif
