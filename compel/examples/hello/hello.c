/* SPDX-License-Identifier: MIT */
/* hello PID: makes another process print a line on its standard output. */
#include <compel/compel.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct compel_blob hello_blob;

int main(int argc, char *argv[])
{
	static const char line[] = "hello from inside\n";
	struct compel_error error;
	struct compel *victim;
	int64_t written;
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: hello PID\n");
		return 2;
	}
	failed = compel_open(atoi(argv[1]), &victim, &error);
	if (!failed) {
		failed = compel_inject(victim, &hello_blob, 4096, &error);
		if (!failed)
			failed = compel_write(
				victim, 0, line, sizeof(line), &error);
		if (!failed)
			failed = compel_run(victim, &written, &error);
		failed = compel_close(victim, failed ? NULL : &error) ?: failed;
	}
	if (failed) {
		fprintf(stderr, "hello: %s\n", error.text);
		return 1;
	}
	printf("process %s wrote %lld bytes\n", argv[1], (long long)written);
	return 0;
}
