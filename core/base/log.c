/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/shown.h"

static struct {
	int fd;
	enum log_level level;
	struct timespec start;
} sink = {.fd = 2, .level = LOG_WARN};

void log_open(int fd, enum log_level level)
{
	sink.fd = fd;
	sink.level = level;
	if (!sink.start.tv_sec)
		clock_gettime(CLOCK_MONOTONIC, &sink.start);
}

int log_enabled(enum log_level level)
{
	return sink.level >= level;
}

static void log_line(const char *word, const char *fmt, va_list ap)
{
	struct timespec now;
	char line[2048], text[2048];
	long usec;
	size_t used;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!sink.start.tv_sec)
		sink.start = now;
	usec = (now.tv_sec - sink.start.tv_sec) * 1000000 +
	       (now.tv_nsec - sink.start.tv_nsec) / 1000;
	used = (size_t)snprintf(line, sizeof(line), "(%02ld.%06ld) %s",
		usec / 1000000, usec % 1000000, word);
	vsnprintf(text, sizeof(text), fmt, ap);
	used += shown_copy(line + used, sizeof(line) - used - 1, text);
	line[used++] = '\n';
	if (write(sink.fd, line, used) < 0)
		return; /* a full disk must not stop the run */
}

#define LOG_FUNCTION(name, at, word)     \
	void name(const char *fmt, ...)  \
	{                                \
		va_list ap;              \
                                         \
		if (sink.level < (at))   \
			return;          \
		va_start(ap, fmt);       \
		log_line(word, fmt, ap); \
		va_end(ap);              \
	}

LOG_FUNCTION(log_warn, LOG_WARN, "Warn  ")
LOG_FUNCTION(log_info, LOG_INFO, "")
LOG_FUNCTION(log_debug, LOG_DEBUG, "")

static void log_plain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("", fmt, ap);
	va_end(ap);
}

void log_error(const char *where, const struct err *err)
{
	if (sink.level < LOG_ERROR)
		return;
	log_plain("Error (%s): %s", where, err->text);
	if (err->hint[0])
		log_plain("Hint: %s", err->hint);
}
