/* SPDX-License-Identifier: MIT */
/* Runs inside the other process: no C library, no data of its own. */
#include <asm/unistd.h>
#include <stdint.h>

static int64_t blob_write(int fd, const char *text, uint64_t size)
{
#if defined(__x86_64__)
	int64_t result = __NR_write;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"((int64_t)fd), "S"(text), "d"(size)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register int64_t x8 __asm__("x8") = __NR_write;
	register int64_t x0 __asm__("x0") = fd;
	register const char *x1 __asm__("x1") = text;
	register uint64_t x2 __asm__("x2") = size;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2)
			 : "memory");
	return x0;
#else
	register int64_t r0 __asm__("r0") = __NR_write;
	register int64_t r3 __asm__("r3") = fd;
	register const char *r4 __asm__("r4") = text;
	register uint64_t r5 __asm__("r5") = size;

	__asm__ volatile("sc\n\tbns+ 1f\n\tneg %1, %1\n1:"
			 : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5)
			 :
			 : "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cr0",
			 "ctr", "xer", "memory");
	return r3;
#endif
}

int64_t hello(void *data);

int64_t hello(void *data)
{
	const char *text = data;
	uint64_t size = 0;

	while (text[size])
		size++;
	return blob_write(1, text, size);
}
