/* SPDX-License-Identifier: MIT */
/*
 * compel: runs code of your own inside a live process, which then goes on as
 * if nothing had been.
 *
 *	struct compel_error error;
 *	struct compel *victim;
 *	int64_t result;
 *
 *	if (compel_open(pid, &victim, &error))
 *		errx(1, "%s", error.text);
 *	if (compel_inject(victim, &blob, 4096, &error) ||
 *		compel_write(victim, 0, "hi", 3, &error) ||
 *		compel_run(victim, &result, &error))
 *		warnx("%s", error.text);
 *	compel_close(victim, &error);
 *
 * A blob is made of C code by the compel tool (compel build --public): one
 * function, int64_t f(void *data), with what it calls and reads. It runs in
 * the process's first thread while all others stand still, on a stack of its
 * own (64 KiB), without a C library, all signals but traps and faults
 * blocked. data is a piece of memory that you can write and read.
 *
 * All functions return 0 or a negative errno value, and then the error says
 * in one sentence what was in the way; error may be NULL. A victim that is
 * not closed (the caller dies) keeps the blob and its changed registers, and
 * crashes: close it. Not for threads: the one that opened does the rest.
 */
#ifndef COMPEL_H
#define COMPEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct compel_blob {
	const unsigned char *bytes;
	size_t size;
	size_t entry;	 /* offset of the function */
	int needs_write; /* it holds writable data (--allow-data) */
};

struct compel_error {
	int code; /* positive errno value */
	char text[1700];
};

struct compel;

/* Stops all threads of a process. ESRCH, EPERM (not yours to trace, or
 * traced already). */
int compel_open(
	pid_t pid, struct compel **ret_victim, struct compel_error *error);

/* Maps the blob and data_size bytes of zeros; one blob at a time. */
int compel_inject(struct compel *victim, const struct compel_blob *blob,
	size_t data_size, struct compel_error *error);

/* Into and out of the data. ERANGE: it is not that large. */
int compel_write(struct compel *victim, size_t at, const void *from,
	size_t size, struct compel_error *error);
int compel_read(struct compel *victim, size_t at, void *to, size_t size,
	struct compel_error *error);

/* Where data and blob lie in the victim; 0: nothing is injected. */
uint64_t compel_data_address(const struct compel *victim);
uint64_t compel_code_address(const struct compel *victim);

/* How long the blob's function may take: ten seconds if nothing is said; 0:
 * for ever. Anything else that the victim is waited for has ten seconds. */
void compel_limit(struct compel *victim, int milliseconds);

/* Calls the blob's function and waits until it returns; any number of times.
 * EFAULT: it crashed. ETIMEDOUT: it took too long, and was stopped. The victim
 * can still be closed. */
int compel_run(
	struct compel *victim, int64_t *ret_result, struct compel_error *error);

/* Unmaps the blob and its data. */
int compel_remove(struct compel *victim, struct compel_error *error);

/* Removes, puts registers and signal mask back, and lets the process go on.
 * Frees victim even when it fails. */
int compel_close(struct compel *victim, struct compel_error *error);

#ifdef __cplusplus
}
#endif

#endif
