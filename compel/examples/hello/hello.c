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
	if (compel_open(atoi(argv[1]), &victim, &error)) {
		fprintf(stderr, "hello: %s\n", error.text);
		return 1;
	}
	failed = compel_inject(victim, &hello_blob, sizeof(line), &error) ||
		 compel_write(victim, 0, line, sizeof(line), &error) ||
		 compel_run(victim, &written, &error);
	if (failed)
		fprintf(stderr, "hello: %s\n", error.text);
	/* Whatever happened: the other process gets its registers back. */
	if (compel_close(victim, &error)) {
		fprintf(stderr, "hello: %s\n", error.text);
		return 1;
	}
	if (failed)
		return 1;
	printf("process %s wrote %lld bytes\n", argv[1], (long long)written);
	return 0;
}
