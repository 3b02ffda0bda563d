/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program in a memfd can be run as before, though it is open and mapped. */
#include "checkpoint.h"

static int program(const char *name, int flags)
{
	int from = (int)CHECK_SYS(open("/bin/true", O_RDONLY));
	int fd = (int)CHECK_SYS(memfd_create(name, 0));
	char link[32], buffer[4096];
	ssize_t n;
	int again;

	while ((n = CHECK_SYS(read(from, buffer, sizeof(buffer)))) > 0)
		CHECK_INT(write(fd, buffer, (size_t)n), n);
	close(from);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (flags == O_RDWR)
		return fd;
	again = (int)CHECK_SYS(open(link, flags));
	close(fd);
	return again;
}

/* 0, or why not. */
static int run(int fd)
{
	const char *const argv[] = {"true", NULL}, *const env[] = {NULL};
	int status;
	pid_t pid = (pid_t)CHECK_SYS(fork());

	if (!pid) {
		syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
		_exit(errno);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int main(void)
{
	int only_read = program("read", O_RDONLY);
	int first = program("first", O_RDWR);
	int mapped = program("mapped", O_RDWR);
	int busy = program("busy", O_WRONLY);
	char *map = CHECK_MAP(mmap(NULL, (size_t)PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED, mapped, 0));

	CHECK_INT(run(only_read), 0);
	CHECK_INT(run(first), 0);
	CHECK_INT(run(mapped), 0);
	CHECK_INT(run(busy), ETXTBSY);
	CHECK_SYS(lseek(first, 5, SEEK_SET));
	CHECK_SYS(fcntl(first, F_SETFL, O_APPEND));
	checkpoint_here();
	CHECK_INT(run(only_read), 0);
	CHECK_INT(run(first), 0);
	CHECK_INT(run(mapped), 0);
	CHECK_INT(run(busy), ETXTBSY);
	CHECK_INT(lseek(first, 0, SEEK_CUR), 5);
	CHECK_INT(fcntl(first, F_GETFL) & O_APPEND, O_APPEND);
	CHECK(!memcmp(map, "\177ELF", 4));
	checkpoint_ok();
}
