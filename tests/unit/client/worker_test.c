/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding and starting who serves. The worker is this program itself: started
 * as "PROGRAM swrk FD" it tells what it finds about itself, a dump by an errno
 * value and a restore by a pid, and answers any other with success.
 */
#include "fake.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Bits of what it tells, on top of 1000. */
#define SAYS_CHILD 1	  /* the caller is the parent */
#define SAYS_SESSION 2	  /* the caller's session */
#define SAYS_FD 4	  /* the caller's end of the socket is not here */
#define SAYS_SIBLING 8	  /* rst_sibling was asked for */
#define SAYS_DIRECTORY 16 /* the caller's working directory */

static int packets_carry(int fd)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_SEQPACKET;
}

static int worker_says(pid_t caller)
{
	char here[PATH_MAX], there[PATH_MAX], link[64];
	int says = 0, open_sockets = 0;

	if (getppid() == caller)
		says |= SAYS_CHILD;
	if (getsid(0) == getsid(caller))
		says |= SAYS_SESSION;
	for (int fd = 0; fd < 64; fd++)
		open_sockets += packets_carry(fd);
	if (open_sockets == 1)
		says |= SAYS_FD;
	snprintf(link, sizeof(link), "/proc/%d/cwd", caller);
	memset(there, 0, sizeof(there));
	if (readlink(link, there, sizeof(there) - 1) > 0 &&
		getcwd(here, sizeof(here)) && strcmp(here, there) == 0)
		says |= SAYS_DIRECTORY;
	return says;
}

static void worker_answer(int fd, const CriuReq *req, int says)
{
	CriuResp resp = CRIU_RESP__INIT;
	CriuRestoreResp restore = CRIU_RESTORE_RESP__INIT;
	uint8_t bytes[256];

	if (req->opts && req->opts->has_rst_sibling && req->opts->rst_sibling)
		says |= SAYS_SIBLING;
	resp.type = req->type;
	resp.success = true;
	restore.pid = 1000 + says; /* a restore's pid says the same */
	resp.restore = &restore;
	if (req->type == CRIU_REQ_TYPE__DUMP) {
		resp.success = false; /* and so does a dump's error */
		resp.has_cr_errno = true;
		resp.cr_errno = 1000 + says;
	}
	send(fd, bytes, criu_resp__pack(&resp, bytes), MSG_NOSIGNAL);
}

/* Runs before the tests do, and instead of them in a worker. */
__attribute__((constructor(101))) static void worker_play(int argc, char **argv)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	uint8_t bytes[4096];
	CriuReq *req;
	ssize_t n;
	int fd;

	if (argc != 3 || strcmp(argv[1], "swrk") != 0)
		return;
	fd = atoi(argv[2]);
	n = recv(fd, bytes, sizeof(bytes), 0);
	req = n > 0 ? criu_req__unpack(NULL, n, bytes) : NULL;
	if (!req)
		_exit(1);
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	worker_answer(fd, req, worker_says(peer.pid));
	_exit(0);
}

static criu_opts *worker_opts(void)
{
	static char self[PATH_MAX];
	criu_opts *opts = NULL;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		abort();
	if (criu_local_init_opts(&opts))
		abort();
	CHECK_INT(criu_local_set_service_binary(opts, self), 0);
	return opts;
}

TEST(a_worker_is_a_child_with_nothing_but_its_end)
{
	criu_opts *opts = worker_opts();

	CHECK_INT(criu_local_restore(opts) - 1000,
		SAYS_CHILD | SAYS_SESSION | SAYS_FD | SAYS_DIRECTORY);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1); /* and none is left */
	criu_local_free_opts(opts);
}

TEST(the_dump_of_a_pid_is_done_by_a_child)
{
	criu_opts *opts = worker_opts();

	criu_local_set_pid(opts, 5);
	CHECK_INT(criu_local_dump(opts), -EBADE);
	CHECK_INT((errno - 1000) & SAYS_CHILD, SAYS_CHILD);
	criu_local_free_opts(opts);
}

TEST(who_dumps_itself_has_a_worker_outside_of_its_tree)
{
	criu_opts *opts = worker_opts();

	CHECK_INT(criu_local_dump(opts), -EBADE);
	CHECK_INT(errno - 1000, SAYS_FD | SAYS_DIRECTORY);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	criu_local_free_opts(opts);
}

TEST(a_child_is_restored_by_a_worker_whatever_was_set)
{
	criu_opts *opts = worker_opts();
	struct fake fake;

	criu_local_set_service_fd(opts, fake_open(&fake));
	CHECK_INT(criu_local_restore_child(opts) - 1000,
		SAYS_CHILD | SAYS_SESSION | SAYS_FD | SAYS_SIBLING |
			SAYS_DIRECTORY);
	/* What was set is set again: the fake serves, without rst_sibling. */
	fake_answer(&fake, RESTORE_DONE);
	CHECK_INT(criu_local_restore(opts), 123);
	CHECK_STR(fake_request(&fake), "0802120b" NO_DIR);
	fake_close(&fake, opts);
}

TEST(the_global_set_starts_workers_too)
{
	criu_opts *opts = worker_opts();
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		abort();
	criu_init_opts();
	CHECK_INT(criu_set_service_binary(self), 0);
	CHECK_INT(criu_check(), 0);
	CHECK_INT((criu_restore_child() - 1000) & SAYS_SIBLING, SAYS_SIBLING);
	criu_free_opts();
	criu_local_free_opts(opts);
}

TEST(a_program_that_is_not_there_is_ECONNREFUSED)
{
	criu_opts *opts = NULL;

	CHECK_INT(criu_local_init_opts(&opts), 0);
	CHECK_INT(criu_local_set_service_binary(opts, "/no/such/program"), 0);
	CHECK_INT(criu_local_check(opts), -ECONNREFUSED);
	CHECK_INT(errno, ENOENT);
	CHECK_INT(criu_local_dump(opts), -ECONNREFUSED); /* a detached one */
	CHECK_INT(errno, ENOENT);
	CHECK_INT(criu_local_set_service_binary(opts, "/dev/null"), 0);
	CHECK_INT(criu_local_check(opts), -ECONNREFUSED);
	CHECK_INT(errno, EACCES);
	criu_local_free_opts(opts);
}

/* A worker that ends without a word. */
TEST(a_program_that_does_not_answer_is_ECOMM)
{
	criu_opts *opts = NULL;

	CHECK_INT(criu_local_init_opts(&opts), 0);
	CHECK_INT(criu_local_set_service_binary(opts, "/bin/false"), 0);
	CHECK_INT(criu_local_check(opts), -ECOMM);
	criu_local_free_opts(opts);
}

/* A folder on $PATH with this program as NAME in it, or with nothing. */
static int path_try(const char *name)
{
	char folder[] = "/tmp/stasis-client-XXXXXX", link[64];
	char self[PATH_MAX] = "", *saved = strdup(getenv("PATH") ?: "");
	criu_opts *opts = NULL;
	int ret;

	if (!mkdtemp(folder) || criu_local_init_opts(&opts) ||
		readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		abort();
	snprintf(link, sizeof(link), "%s/%s", folder, name ?: "x");
	if (name && symlink(self, link))
		abort();
	setenv("PATH", folder, 1);
	CHECK_INT(criu_local_set_service_binary(opts, "/bin/false"), 0);
	CHECK_INT(criu_local_set_service_binary(opts, NULL), 0);
	ret = criu_local_check(opts);
	setenv("PATH", saved, 1);
	free(saved);
	unlink(link);
	rmdir(folder);
	criu_local_free_opts(opts);
	return ret;
}

TEST(by_default_the_worker_is_found_on_the_path)
{
	CHECK_INT(path_try("criu"), 0);
	CHECK_INT(path_try("stasis"), 0);
	CHECK_INT(path_try(NULL), -ECONNREFUSED);
}

/* A service for one client, which it answers with success to CHECK. */
static pid_t service_start(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd;
	char bytes[64];
	pid_t pid;

	strcpy(address.sun_path, path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
		listen(listener, 1))
		abort();
	pid = fork();
	if (pid == 0) {
		fd = accept(listener, NULL, NULL);
		if (recv(fd, bytes, sizeof(bytes), 0) == 2)
			send(fd, "\x08\x03\x10\x01", 4, MSG_NOSIGNAL);
		_exit(0);
	}
	close(listener);
	return pid;
}

TEST(a_service_is_found_by_its_address)
{
	char folder[] = "/tmp/stasis-client-XXXXXX", path[64], here[PATH_MAX];
	pid_t pid;

	if (!mkdtemp(folder) || !getcwd(here, sizeof(here)) || chdir(folder))
		abort();
	snprintf(path, sizeof(path), "%s/criu_service.socket", folder);
	for (int i = 0; i < 2; i++) {
		pid = service_start(path);
		criu_init_opts();
		/* The second time by the default. */
		CHECK_INT(criu_set_service_address(i ? NULL : path), 0);
		CHECK_INT(criu_check(), 0);
		CHECK_INT(waitpid(pid, NULL, 0), pid);
		CHECK_INT(criu_check(), -ECONNREFUSED); /* nobody listens */
		CHECK_INT(errno, ECONNREFUSED);
		unlink(path);
	}
	CHECK_INT(criu_check(), -ECONNREFUSED);
	CHECK_INT(errno, ENOENT);
	CHECK_INT(chdir(here), 0);
	rmdir(folder);
	criu_free_opts();
}

TEST(an_address_too_long_for_a_socket_is_refused)
{
	criu_opts *opts = NULL;
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK_INT(criu_local_init_opts(&opts), 0);
	CHECK_INT(criu_local_set_service_address(opts, path), 0);
	CHECK_INT(criu_local_check(opts), -ECONNREFUSED);
	CHECK_INT(errno, ENAMETOOLONG);
	criu_local_free_opts(opts);
}
