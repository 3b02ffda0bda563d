/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shown: text from outside, made fit for a line of a log or a terminal.
 *
 * Names, paths and words of others may hold anything: newlines that forge
 * lines, sequences that a terminal obeys, marks that turn the order of what
 * one reads. Each byte of such is shown as "\x1b"; so is each that is no
 * UTF-8, for a terminal of another coding obeys it. What people are to read
 * goes through here and nowhere else (lint).
 */
#ifndef STASIS_BASE_SHOWN_H
#define STASIS_BASE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The bytes of the UTF-8 character at the text, which is not at its end, and
 * its number; 0: there is none. Overlong forms, surrogates and what is beyond
 * U+10FFFF are none. */
size_t shown_utf8(const char *text, uint32_t *ret_number);
/* True of control characters, ends of lines and marks of direction. */
bool shown_harms(uint32_t number);

/* Cut between two characters where there is no more room; room counts the NUL.
 * Returns the length. */
size_t shown_copy(char *to, size_t room, const char *text);

/* fprintf(3) whose strings (%s) are shown so; the format's own text is ours.
 * A width counts what is shown, a precision what is given. It knows d i u x c
 * f s with their lengths, and nothing else. Returns how many bytes. */
int shown_print(FILE *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
