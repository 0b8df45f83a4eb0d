/* SPDX-License-Identifier: Apache-2.0
 *
 * What SQLite and its shell name and wasi-libc hasn't. The compiler reads this before each file. The locks are never asked for
 * under -vfs unix-none.
 */
enum { F_RDLCK, F_WRLCK, F_UNLCK };
enum { F_GETLK = 5, F_SETLK };
int fchmod(int fd, unsigned mode);
int fchown(int fd, unsigned owner, unsigned group);
unsigned geteuid(void), getuid(void);
