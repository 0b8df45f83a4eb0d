/* SPDX-License-Identifier: Apache-2.0 */

/* Files have no modes and owners, and there are no processes. */
int chmod(const char *path, unsigned mode) { return 0; }
int fchmod(int fd, unsigned mode) { return 0; }
int fchown(int fd, unsigned owner, unsigned group) { return 0; }
unsigned geteuid(void) { return 0; }
unsigned getuid(void) { return 0; }
void *getpwuid(unsigned user) { return 0; }
int system(const char *command) { return command ? -1 : 0; }
void *popen(const char *command, const char *mode) { return 0; }
int pclose(void *stream) { return -1; }
