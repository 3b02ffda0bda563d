/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compel/host/command.h"

int main(int argc, char *argv[])
{
	int status = command_run(argc, argv, stdout, stderr);

	if (fflush(stdout) && !status) {
		perror("compel: writing to standard output");
		status = 1;
	}
	return status;
}
