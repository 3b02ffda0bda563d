/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a signal is called, and how a process ended. */
#include "base/ending.h"

#include "test.h"

TEST(a_signal_is_told_by_number_and_name)
{
	char text[SIGNAL_LABEL];

	CHECK_STR(signal_label(15, text), "signal 15 (SIGTERM)");
	CHECK_STR(signal_label(16, text), "signal 16 (SIGSTKFLT)");
	CHECK_STR(signal_label(31, text), "signal 31 (SIGSYS)");
	CHECK_STR(signal_label(32, text), "signal 32");
	CHECK_STR(signal_label(0, text), "signal 0");
	CHECK_STR(signal_label(-7, text), "signal -7");
	CHECK_STR(signal_label(-2147483647 - 1, text), "signal -2147483648");
}

TEST(a_status_says_exit_signal_or_stop)
{
	char text[ENDING_LABEL];

	CHECK_STR(ending_label(0, text), "exit status 0");
	CHECK_STR(ending_label(7 << 8, text), "exit status 7");
	CHECK_STR(ending_label(9, text), "signal 9 (SIGKILL)");
	CHECK_STR(ending_label(11 | 128, text), "signal 11 (SIGSEGV)");
	CHECK_STR(ending_label(19 << 8 | 127, text),
		"stopped by signal 19 (SIGSTOP)");
}
