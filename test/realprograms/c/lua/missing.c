/* SPDX-License-Identifier: Apache-2.0 */

__attribute__((import_module("asyncify"), import_name("start_unwind"))) void asyncify_start_unwind(void *stack);

/* Where Asyncify saves what functions had, though nothing comes back to them. */
static char saved[1 << 20];
static struct { char *next, *end; } stack;
static int unwinding;

/* Has its caller, and whoever called that, return. */
__attribute__((noinline)) void loam_unwind(void) {
	stack.next = saved;
	stack.end = saved + sizeof saved;
	unwinding = 1;
	asyncify_start_unwind(&stack);
}

/* Tells whether functions are returning so; who asks stops it. */
int loam_unwinds(void) {
	int now = unwinding;
	unwinding = 0;
	return now;
}

/* There are no temporary files and no processes. */
void *tmpfile(void) { return 0; }
int system(const char *command) { return command ? -1 : 0; }
