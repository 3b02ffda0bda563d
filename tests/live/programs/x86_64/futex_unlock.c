/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vdso's unlocking of robust futexes still unlocks. */
#include "checkpoint.h"
#include "vdso.h"

/* Since 7.3: what was in the word; 0 for it, and no list entry is pending, if
 * that was the thread's id. */
typedef uint32_t unlock_fn(uint32_t *word, uint32_t tid, uint64_t *pending);

static void unlock_check(unlock_fn *unlock)
{
	uint32_t tid = (uint32_t)thread_tid(), word = tid;
	uint64_t pending = 42;

	CHECK_INT(unlock(&word, tid, &pending), tid);
	CHECK_INT(word, 0);
	CHECK_INT(pending, 0);
	word = tid | 1u << 31;
	pending = 42;
	CHECK_INT(unlock(&word, tid, &pending), tid | 1u << 31);
	CHECK_INT(word, tid | 1u << 31);
	CHECK_INT(pending, 42);
}

int main(void)
{
	unlock_fn *unlock =
		(unlock_fn *)vdso_find("__vdso_futex_robust_list64_try_unlock");

	if (!unlock)
		checkpoint_skip("the vdso has no such function");
	unlock_check(unlock);
	checkpoint_here();
	unlock_check(unlock);
	checkpoint_ok();
}
