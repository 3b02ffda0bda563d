/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes random numbers from the vdso, as newer C libraries do: from a state in
 * its own memory. Writes one to the file "random" after the checkpoint. */
#include "checkpoint.h"
#include "vdso.h"

/* The kernel's struct vgetrandom_opaque_params. */
struct params {
	uint32_t size, prot, flags, reserved[13];
};

typedef ssize_t random_fn(
	void *to, size_t size, unsigned flags, void *state, size_t state_size);

int main(void)
{
	random_fn *vdso_random = (random_fn *)vdso_named("getrandom");
	uint8_t number[32], before[32];
	struct params params;
	char path[PATH_MAX];
	void *state;
	int fd;

	if (!vdso_random)
		checkpoint_skip("the vdso has no getrandom (it is of 6.11)");
	CHECK_INT(vdso_random(NULL, 0, 0, &params, ~0ul), 0);
	state = CHECK_MAP(
		mmap(NULL, PAGE, (int)params.prot, (int)params.flags, -1, 0));
	CHECK_INT(vdso_random(before, 32, 0, state, params.size), 32);
	checkpoint_here();
	CHECK_INT(vdso_random(number, 32, 0, state, params.size), 32);
	CHECK(memcmp(number, before, 32) != 0);
	CHECK(smaps_kb(state, "Size:") >= 4);
	fd = (int)CHECK_SYS(open(checkpoint_path(path, "random"),
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
	CHECK_INT(write(fd, number, 32), 32);
	checkpoint_ok();
}
