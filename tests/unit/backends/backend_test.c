/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <elf.h>
#include <string.h>
#include <sys/utsname.h>

#include "backends.h"

TEST(the_host_is_the_machine_that_uname_says)
{
	struct utsname uts;

	uname(&uts);
	CHECK_STR(backend_host()->name, uts.machine);
	CHECK(backend_host()->agent != NULL);
}

TEST(only_the_host_has_an_agent)
{
	for (unsigned int i = 0; backends[i]; i++)
		CHECK((backends[i]->agent != NULL) ==
			(backends[i] == backend_host()));
}

TEST(a_machine_is_found_by_its_number_in_the_image)
{
	CHECK(backend_by_mtype(CORE_ENTRY__MARCH__X86_64) == &backend_x86_64);
	CHECK(backend_by_mtype(CORE_ENTRY__MARCH__AARCH64) == &backend_aarch64);
	CHECK(backend_by_mtype(CORE_ENTRY__MARCH__PPC64) == &backend_ppc64le);
	CHECK(backend_by_mtype(CORE_ENTRY__MARCH__S390) == NULL);
	CHECK(backend_by_mtype(0) == NULL);
	CHECK(backend_by_mtype(99) == NULL);
}

TEST(every_table_is_complete)
{
	for (unsigned int i = 0; backends[i]; i++) {
		const struct backend *be = backends[i];
		unsigned int sets = 0;

		CHECK_INT(be->regsets[0].note, NT_PRSTATUS);
		CHECK(!be->regsets[0].optional);
		while (be->regsets[sets].note) {
			CHECK(be->regsets[sets].name != NULL);
			CHECK(be->regsets[sets].room % 8 == 0);
			sets++;
		}
		CHECK(sets <= REGS_MAX);
		CHECK(be->calls != NULL);
		CHECK(be->syscall.size >= 2);
		CHECK(be->trap.size >= 1);
		CHECK(be->reg_get && be->reg_set && be->call && be->restart);
		CHECK(be->settle && be->resume && be->result);
		CHECK(be->thread_to_image && be->thread_from_image);
		CHECK(be->extra_save && be->extra_load);
		CHECK(be->clear_tid && be->image_pc_sp);
		CHECK(be->vdso_symbols[0] != NULL && be->vdso_jump);
		CHECK(be->cpu_claims && be->cpu_describe && be->cpu_accept);
		CHECK(be->cpu_features && be->cpu_model);
		CHECK(be->task_size != 0);
	}
}
