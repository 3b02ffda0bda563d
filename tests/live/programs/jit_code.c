/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Executable memory that the program wrote itself still runs. */
#include "checkpoint.h"

int main(void)
{
#if defined(__x86_64__)
	static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};
#elif defined(__aarch64__)
	static const uint32_t code[] = {0x52800540, 0xd65f03c0};
#else
	static const uint32_t code[] = {0x3860002a, 0x4e800020};
#endif
	void *mem = mem_map(
		65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	int (*call)(void);

	memcpy(mem, code, sizeof(code));
	__builtin___clear_cache(mem, (char *)mem + sizeof(code));
	CHECK_SYS(mprotect(mem, 65536, PROT_READ | PROT_EXEC));
	memcpy(&call, &mem, sizeof(call));
	checkpoint_here();
	CHECK_INT(call(), 42);
	checkpoint_ok();
}
