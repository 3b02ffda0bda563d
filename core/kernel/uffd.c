/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* For headers older than the kernel. */
#define UFFD_NEW _IO(0xAA, 0x00) /* of /dev/userfaultfd */
struct uffd_poison_args {
	struct uffdio_range range;
	uint64_t mode;
	int64_t updated;
};
#define UFFD_POISON _IOWR(UFFDIO, 0x08, struct uffd_poison_args)

#define EVENTS                                                \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | \
		UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP)

static int raw_open(int *ret_fd)
{
	const int flags = O_CLOEXEC | O_NONBLOCK;
	_cleanup_fd_ int device = -1;
	int fd = (int)syscall(SYS_userfaultfd, flags), code;

	if (fd < 0 && errno == EPERM) {
		device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
		if (device < 0) {
			errno = EPERM;
			return -errno;
		}
		fd = ioctl(device, UFFD_NEW, flags);
	}
	code = fd < 0 ? -errno : 0;
	if (!code)
		*ret_fd = fd;
	return code;
}

static int open_refused(int code, struct err *err)
{
	err_code(err, code, "memory that is filled when it is touched");
	if (code == -EPERM)
		return err_hint(err,
			"userfaultfd with all its events needs CAP_SYS_PTRACE: "
			"run as root");
	return err_hint(
		err, "this needs a kernel with CONFIG_USERFAULTFD (4.11)");
}

/* What a kernel has is told once to each fd, and then agreed upon. */
int uffd_open(int *ret_fd, struct err *err)
{
	struct uffdio_api offer = {.api = UFFD_API}, wish = {.api = UFFD_API};
	_cleanup_fd_ int asked = -1, fd = -1;
	int code = raw_open(&asked);

	if (!code && ioctl(asked, UFFDIO_API, &offer))
		code = -errno;
	if (!code && (offer.features & EVENTS) != EVENTS)
		code = -EOPNOTSUPP;
	if (!code)
		code = raw_open(&fd);
	wish.features = EVENTS | (offer.features & UFFD_FEATURE_THREAD_ID);
	if (!code && ioctl(fd, UFFDIO_API, &wish))
		code = -errno;
	if (code)
		return open_refused(code, err);
	*ret_fd = fd_take(&fd);
	return 0;
}

struct uffdio_register uffd_missing(uint64_t start, uint64_t end)
{
	return (struct uffdio_register){.range = {start, end - start},
		.mode = UFFDIO_REGISTER_MODE_MISSING};
}

bool uffd_is(int fd)
{
	static const char name[] = "anon_inode:[userfaultfd]";
	char path[64], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target));
	return n == sizeof(name) - 1 && !memcmp(target, name, sizeof(name) - 1);
}

int uffd_read(int fd, struct uffd_msg *ret)
{
	struct uffd_msg message;
	ssize_t got = read(fd, &message, sizeof(message));

	if (got < 0)
		return -errno;
	if (got != sizeof(message))
		return -EIO;
	if (message.event == UFFD_EVENT_FORK)
		fcntl((int)message.arg.fork.ufd, F_SETFD, FD_CLOEXEC);
	*ret = message;
	return 0;
}

int uffd_copy(
	int fd, uint64_t to, const void *from, size_t size, size_t *ret_done)
{
	struct uffdio_copy copy = {
		.dst = to, .src = (uintptr_t)from, .len = size};
	int code = ioctl(fd, UFFDIO_COPY, &copy) ? -errno : 0;

	*ret_done = code ? copy.copy > 0 ? (size_t)copy.copy : 0 : size;
	return code;
}

int uffd_zero(int fd, uint64_t at, size_t page_size)
{
	struct uffdio_zeropage zero = {.range = {at, page_size}};

	return ioctl(fd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}

int uffd_poison(int fd, uint64_t at, size_t page_size)
{
	struct uffd_poison_args poison = {.range = {at, page_size}};

	return ioctl(fd, UFFD_POISON, &poison) ? -errno : 0;
}

int uffd_wake(int fd, uint64_t at, size_t size)
{
	struct uffdio_range range = {at, size};

	return ioctl(fd, UFFDIO_WAKE, &range) ? -errno : 0;
}

/* How much can be mapped is not told; more than that is refused. */
void uffd_wake_all(int fd)
{
	const uint64_t low = 64 << 10; /* no process has less */

	for (int bits = 57; bits > 30; bits--)
		if (!uffd_wake(fd, low, (1ull << bits) - 2 * low))
			return;
}

/* A page that cannot be given, since there is nothing to copy from. */
bool uffd_ended(int fd, size_t page_size)
{
	size_t done;

	return uffd_copy(fd, 16 * page_size, NULL, page_size, &done) == -ESRCH;
}
