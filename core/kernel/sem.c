/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sem.h"

#include <sys/sem.h>

#include "base/vec.h"

union sem_arg {
	int val;
	struct semid_ds *ds;
	struct seminfo *info;
};

void sem_list(struct arena *arena, struct sem_uses *ret)
{
	VEC(struct sem_use) uses = {0};
	struct seminfo info = {0};
	struct semid_ds ds;
	struct sem_use use;
	int highest = semctl(0, 0, SEM_INFO, (union sem_arg){.info = &info});

	for (int index = 0; info.semusz && index <= highest; index++) {
		use.set =
			semctl(index, 0, SEM_STAT, (union sem_arg){.ds = &ds});
		if (use.set < 0)
			continue;
		for (use.at = 0; use.at < (int)ds.sem_nsems; use.at++) {
			use.last = semctl(use.set, use.at, GETPID);
			use.value = semctl(use.set, use.at, GETVAL);
			if (use.last > 0)
				*vec_push(arena, &uses) = use;
		}
	}
	ret->at = uses.at;
	ret->n = uses.n;
}
