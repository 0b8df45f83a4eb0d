// SPDX-License-Identifier: Apache-2.0

// A program for musl: threads, processes, signals, shared memory and what else a C library makes calls for. It prints the
// same on Linux.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void *add(void *p)
{
	*(int *)p += 1;
	return p;
}

static void threads(void)
{
	pthread_t t[4];
	int n[4] = {0}, sum = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], 0, add, &n[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], 0);
		sum += n[i];
	}
	printf("threads %d\n", sum);
}

static volatile sig_atomic_t got;

static void handler(int s) { got = s; }

static void processes(void)
{
	int status = 0;
	pid_t p = fork();
	if (p == 0)
		_exit(7);
	waitpid(p, &status, 0);
	printf("fork %d\n", WEXITSTATUS(status));
	char *args[] = {"me", "spawned", 0};
	int e = posix_spawn(&p, "/proc/self/exe", 0, 0, args, environ);
	if (e == 0)
		waitpid(p, &status, 0);
	printf("posix_spawn %d %d\n", e, WEXITSTATUS(status));
	e = posix_spawn(&p, "/nowhere", 0, 0, args, environ);
	printf("posix_spawn of nothing: %s\n", strerror(e));
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	printf("signal %d\n", (int)got);
}

static void shared(void)
{
	int status;
	int fd = shm_open("/loam-musl", O_CREAT | O_RDWR, 0600);
	int cut = ftruncate(fd, 4096);
	char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fork() == 0) {
		strcpy(m, "from a child");
		_exit(0);
	}
	wait(&status);
	printf("shm_open %d %d %s %d\n", fd >= 0, cut, m, shm_unlink("/loam-musl"));
	sem_t *s = sem_open("/loam-musl", O_CREAT, 0600, 0);
	printf("sem_open %d\n", s != SEM_FAILED);
	if (s == SEM_FAILED)
		return;
	if (fork() == 0) {
		sem_post(s);
		_exit(0);
	}
	sem_wait(s);
	wait(&status);
	printf("sem_unlink %d\n", sem_unlink("/loam-musl"));
}

static void files(void)
{
	char line[80] = "", name[] = "/tmp/loam-muslXXXXXX";
	int fd = mkstemp(name);
	FILE *f = fdopen(fd, "w+");
	for (int i = 0; i < 5000; i++)
		fprintf(f, "line %d\n", i);
	printf("stdio %ld", ftell(f));
	fseek(f, 8890, SEEK_SET);
	fgets(line, sizeof line, f);
	printf(" %s", line);
	fclose(f);
	unlink(name);
	int ends[2];
	printf("pipe %d ", pipe(ends));
	struct pollfd p = {ends[0], POLLIN, 0};
	printf("poll %d ", poll(&p, 1, 1));
	printf("write %zd ", write(ends[1], "x", 1));
	int n = poll(&p, 1, 1000);
	printf("poll %d %d\n", n, p.revents);
	struct termios t;
	int e = tcgetattr(ends[0], &t);
	printf("tcgetattr %d %s\n", e, strerror(errno));
}

static void names(void)
{
	struct timespec ms = {0, 1000000};
	printf("clock_nanosleep %d\n", clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, 0));
	struct passwd *root = getpwuid(0);
	printf("user 0: %s %s\n", root ? root->pw_name : "none", root ? root->pw_dir : "");
	struct addrinfo *found;
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
	printf("getaddrinfo %d\n", getaddrinfo("127.0.0.1", "80", &hints, &found));
}

int main(int argc, char **argv)
{
	setvbuf(stdout, 0, _IONBF, 0); // what is buffered a child would write again
	if (argc > 1) {
		printf("a program that was %s\n", argv[1]);
		return 3;
	}
	threads();
	processes();
	shared();
	files();
	names();
	return 0;
}
