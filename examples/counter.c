/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counter: a small program that is worth freezing.
 *
 *	counter PORT
 *
 * A child process ticks ten times a second into a pipe. In the parent one
 * thread counts the ticks, two more keep shuffling a table in memory, and the
 * main thread answers on 127.0.0.1:PORT with one line about it all. What it
 * says can only be right if processes, threads, pipe, memory, listener and
 * sleep all live on:
 *
 *	pid 4711, child 4712, 4 threads, count 37, table intact
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SHUFFLERS = 2, TABLE = 1 << 20 };

struct state {
	int ticks; /* reading end of the pipe */
	pid_t child;
	atomic_int count, lost;
	pthread_mutex_t lock;
	int table[TABLE]; /* a permutation of 0 .. TABLE-1, whatever happens */
};

static void counter_sleep(long milliseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

/* The child: numbers its ticks, so that a lost one would show. */
static void counter_tick(int to)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int tick = 0;; tick++) {
		counter_sleep(100);
		if (write(to, &tick, sizeof(tick)) != sizeof(tick))
			_exit(1);
	}
}

static void *counter_count(void *arg)
{
	struct state *state = arg;
	int tick;

	while (read(state->ticks, &tick, sizeof(tick)) == sizeof(tick))
		if (tick != state->count++)
			state->lost++;
	state->lost++;
	return NULL;
}

static void *counter_shuffle(void *arg)
{
	struct state *state = arg;
	unsigned int seed = (unsigned int)(uintptr_t)&seed;

	for (;;) {
		counter_sleep(1);
		pthread_mutex_lock(&state->lock);
		for (int i = 0; i < 1000; i++) {
			int a = rand_r(&seed) % TABLE,
			    b = rand_r(&seed) % TABLE;
			int old = state->table[a];

			state->table[a] = state->table[b];
			state->table[b] = old;
		}
		pthread_mutex_unlock(&state->lock);
	}
	return NULL;
}

static int counter_is_intact(struct state *state)
{
	long long sum = 0, squares = 0, n = TABLE - 1;

	pthread_mutex_lock(&state->lock);
	for (int i = 0; i < TABLE; i++) {
		sum += state->table[i];
		squares += (long long)state->table[i] * state->table[i];
	}
	pthread_mutex_unlock(&state->lock);
	return sum == n * (n + 1) / 2 &&
	       squares == n * (n + 1) * (2 * n + 1) / 6 && !state->lost;
}

static int counter_listen(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 8)) {
		perror("counter: listening");
		exit(1);
	}
	return fd;
}

static void counter_serve(struct state *state, int listener)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		dprintf(fd,
			"pid %d, child %d, %d threads, count %d, table %s\n",
			getpid(), state->child, SHUFFLERS + 2, state->count,
			counter_is_intact(state) ? "intact" : "BROKEN");
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct state *state = calloc(1, sizeof(*state));
	pthread_t thread;
	int listener, ends[2];

	if (argc != 2 || !state || pipe(ends))
		return 1;
	listener = counter_listen(atoi(argv[1]));
	state->child = fork();
	if (state->child == 0)
		counter_tick(ends[1]);
	close(ends[1]);
	state->ticks = ends[0];
	pthread_mutex_init(&state->lock, NULL);
	for (int i = 0; i < TABLE; i++)
		state->table[i] = i;
	pthread_create(&thread, NULL, counter_count, state);
	for (int i = 0; i < SHUFFLERS; i++)
		pthread_create(&thread, NULL, counter_shuffle, state);
	counter_serve(state, listener);
	return 0;
}
