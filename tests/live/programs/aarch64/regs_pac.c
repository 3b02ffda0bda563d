/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was signed with a process's own pointer authentication keys is
 * authentic to it afterwards, and the keys that it switched off stay off. */
#include "checkpoint.h"

#include <sys/auxv.h>

enum {
	HAS_ADDRESS = 1 << 30,
	GENERIC_BIT = 31, /* both of AT_HWCAP */
	PRCTL_RESET_KEYS = 54,
	PRCTL_SET_ENABLED_KEYS = 60,
	PRCTL_GET_ENABLED_KEYS = 61,
	KEY_DB = 1 << 3,
	CHILDREN = 2,
	KEYS = 4,
};

#define SIGN(name)                                                 \
	static uint64_t name##_sign(uint64_t value, uint64_t with) \
	{                                                          \
		__asm__(".arch_extension pauth\n" #name " %0, %1"  \
			: "+r"(value)                              \
			: "r"(with));                              \
		return value;                                      \
	}

SIGN(pacia)
SIGN(pacib)
SIGN(pacda)
SIGN(pacdb)

static uint64_t pacga_sign(uint64_t value, uint64_t with)
{
	uint64_t ret;

	__asm__(".arch_extension pauth\n pacga %0, %1, %2"
		: "=r"(ret)
		: "r"(value), "r"(with));
	return ret;
}

static uint64_t (*const sign[KEYS])(uint64_t, uint64_t) = {
	pacia_sign, pacib_sign, pacda_sign, pacdb_sign};

struct signatures {
	uint64_t address[KEYS], generic;
};

static void signatures_make(struct signatures *ret)
{
	uint64_t at = (uintptr_t)signatures_make;

	for (int i = 0; i < KEYS; i++)
		ret->address[i] = sign[i](at, 0x5151 + (uint64_t)i);
	ret->generic = 0;
	if (getauxval(AT_HWCAP) >> GENERIC_BIT & 1)
		ret->generic = pacga_sign(at, 0x5252);
}

/* Returns through an address that was signed before the checkpoint. */
__attribute__((noinline, target("branch-protection=pac-ret"))) static void
signed_return(void (*inside)(void))
{
	inside();
	__asm__ volatile("" : : : "memory");
}

/* A process has keys of its own only after execve, or when it asks. */
static void child(int number)
{
	struct signatures before, after;
	long enabled;

	CHECK_SYS(prctl(PRCTL_RESET_KEYS, 0, 0, 0, 0));
	if (number == 1)
		CHECK_SYS(prctl(PRCTL_SET_ENABLED_KEYS, KEY_DB, 0, 0, 0));
	enabled = CHECK_SYS(prctl(PRCTL_GET_ENABLED_KEYS, 0, 0, 0, 0));
	signatures_make(&before);
	peer_up(number);
	signed_return(checkpoint_wait_go);
	signatures_make(&after);
	CHECK(!memcmp(&before, &after, sizeof(before)));
	CHECK_INT(
		CHECK_SYS(prctl(PRCTL_GET_ENABLED_KEYS, 0, 0, 0, 0)), enabled);
}

int main(void)
{
	struct signatures before, after;
	pid_t pids[CHILDREN];

	if (!(getauxval(AT_HWCAP) & HAS_ADDRESS))
		checkpoint_skip("this CPU has no pointer authentication");
	for (int i = 0; i < CHILDREN; i++)
		pids[i] = child_start(child, i);
	peers_wait(CHILDREN);
	signatures_make(&before);
	signed_return(checkpoint_here);
	signatures_make(&after);
	CHECK(!memcmp(&before, &after, sizeof(before)));
	for (int i = 0; i < CHILDREN; i++)
		child_join(pids[i]);
	checkpoint_ok();
}
