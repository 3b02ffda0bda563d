/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend.h"

const struct backend *backend_host(void)
{
	return backend_native;
}

const struct backend *backend_by_mtype(uint32_t core_mtype)
{
	for (unsigned int i = 0; backends[i]; i++)
		if (backends[i]->core_mtype == core_mtype)
			return backends[i];
	return NULL;
}

const struct backend *backend_by_cpuinfo(const CpuinfoEntry *cpuinfo)
{
	for (unsigned int i = 0; backends[i]; i++)
		if (backends[i]->cpu_claims(cpuinfo))
			return backends[i];
	return NULL;
}
