/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/stat: one line of numbers around a name that may hold anything. */
#include "kernel/proc.h"

#include <errno.h>
#include <string.h>

#include "kernel/scan.h"

/* Fields are counted as in proc_pid_stat(5): 1 is the pid, 4 the first
 * number behind the name. 52 of them since 3.5. */
enum { STAT_FIRST = 4, STAT_LAST = 52 };

/* Behind "(name)": the state and the numbers. */
static int stat_scan_numbers(
	const char *at, int64_t field[STAT_LAST + 1], int *ret_got)
{
	int got = STAT_FIRST - 1;

	while (got < STAT_LAST) {
		uint64_t big;

		scan_blanks(&at);
		if (*at == '-') {
			if (!scan_i64(&at, &field[got + 1]))
				break;
		} else {
			/* Limits and masks use all 64 bits. */
			if (!scan_u64(&at, 10, &big))
				break;
			field[got + 1] = (int64_t)big;
		}
		/* A number is whole only when something follows it. */
		if (*at != ' ' && *at != '\n')
			break;
		got++;
	}
	*ret_got = got;
	return got == STAT_LAST ? 0 : -EINVAL;
}

static void stat_fill(struct proc_stat *stat, const int64_t *field)
{
	stat->ppid = (pid_t)field[4];
	stat->pgid = (pid_t)field[5];
	stat->sid = (pid_t)field[6];
	stat->tty_nr = (int)field[7];
	stat->tpgid = (pid_t)field[8];
	stat->flags = (uint32_t)field[9];
	stat->utime = (uint64_t)field[14];
	stat->stime = (uint64_t)field[15];
	stat->cutime = (uint64_t)field[16];
	stat->cstime = (uint64_t)field[17];
	stat->priority = (int)field[18];
	stat->nice = (int)field[19];
	stat->num_threads = (int)field[20];
	stat->start_time = (uint64_t)field[22];
	stat->vsize = (uint64_t)field[23];
	stat->rss = (uint64_t)field[24];
	stat->start_code = (uint64_t)field[26];
	stat->end_code = (uint64_t)field[27];
	stat->start_stack = (uint64_t)field[28];
	stat->exit_signal = (int)field[38];
	stat->rt_priority = (uint32_t)field[40];
	stat->policy = (uint32_t)field[41];
	stat->start_data = (uint64_t)field[45];
	stat->end_data = (uint64_t)field[46];
	stat->start_brk = (uint64_t)field[47];
	stat->arg_start = (uint64_t)field[48];
	stat->arg_end = (uint64_t)field[49];
	stat->env_start = (uint64_t)field[50];
	stat->env_end = (uint64_t)field[51];
	stat->exit_code = (int)field[52];
}

int proc_stat_parse(const char *text, struct proc_stat *ret, struct err *err)
{
	struct proc_stat stat = {0};
	int64_t field[STAT_LAST + 1] = {0};
	const char *at = text, *name, *close;
	uint64_t pid;
	size_t size;
	int got;

	/* The name ends at the last bracket: all behind it are numbers. */
	close = strrchr(text, ')');
	if (!scan_u64(&at, 10, &pid) || !scan_mark(&at, " (") || !close ||
		close < at)
		return err_set(err, EINVAL,
			"the stat text '%.40s' does not begin with "
			"'pid (name)'",
			text);
	name = at;
	size = (size_t)(close - name);
	if (size >= sizeof(stat.comm))
		size = sizeof(stat.comm) - 1;
	memcpy(stat.comm, name, size);
	stat.pid = (pid_t)pid;
	at = close + 1;
	if (!scan_char(&at, ' ') || !*at || *at == '\n')
		return err_set(err, EINVAL,
			"the stat text of process %d ends behind its name",
			stat.pid);
	stat.state = *at++;
	if (stat_scan_numbers(at, field, &got))
		return err_set(err, EINVAL,
			"the stat text of process %d has %d fields of %d",
			stat.pid, got, STAT_LAST);
	stat_fill(&stat, field);
	*ret = stat;
	return 0;
}

int proc_stat_read(const struct proc *proc, pid_t tid, struct proc_stat *ret,
	struct err *err)
{
	char text[2048];
	int r = proc_read_small(
		proc, tid, "stat", text, sizeof(text), NULL, err);

	if (r)
		return r;
	return proc_stat_parse(text, ret, err);
}
