// SPDX-License-Identifier: Apache-2.0

package abi

// Flags of open(2) and of descriptors, as in asm-generic/fcntl.h.
const (
	O_RDONLY    = 0
	O_WRONLY    = 1
	O_RDWR      = 2
	O_ACCMODE   = 3
	O_CREAT     = 0x40
	O_EXCL      = 0x80
	O_NOCTTY    = 0x100
	O_TRUNC     = 0x200
	O_APPEND    = 0x400
	O_NONBLOCK  = 0x800
	O_DIRECT    = 0x4000
	O_LARGEFILE = 0x8000
	O_DIRECTORY = 0x1_0000
	O_NOFOLLOW  = 0x2_0000
	O_CLOEXEC   = 0x8_0000
	O_PATH      = 0x20_0000
)

// Commands of fcntl(2).
const (
	F_DUPFD         = 0
	F_GETFD         = 1
	F_SETFD         = 2
	F_GETFL         = 3
	F_SETFL         = 4
	F_GETLK         = 5
	F_SETLK         = 6
	F_SETLKW        = 7
	F_DUPFD_CLOEXEC = 1030
	F_SETPIPE_SZ    = 1031
	F_GETPIPE_SZ    = 1032

	FD_CLOEXEC = 1
)

// Requests of ioctl(2) that runtimes and libraries try.
const (
	TCGETS     = 0x5401
	TIOCGWINSZ = 0x5413
	FIONREAD   = 0x541b
	FIONBIO    = 0x5421
	FIONCLEX   = 0x5450
	FIOCLEX    = 0x5451
)

// Flags of eventfd2(2).
const (
	EFD_SEMAPHORE = 1
	EFD_NONBLOCK  = O_NONBLOCK
	EFD_CLOEXEC   = O_CLOEXEC
)

// Operations of epoll_ctl(2) and the flag of epoll_create1(2).
const (
	EPOLL_CTL_ADD = 1
	EPOLL_CTL_DEL = 2
	EPOLL_CTL_MOD = 3

	EPOLL_CLOEXEC = O_CLOEXEC
)

// Event bits of epoll_ctl(2); poll(2) has the same ones below 0x4000.
const (
	EPOLLIN        = 0x1
	EPOLLPRI       = 0x2
	EPOLLOUT       = 0x4
	EPOLLERR       = 0x8
	EPOLLHUP       = 0x10
	EPOLLNVAL      = 0x20
	EPOLLRDNORM    = 0x40
	EPOLLRDBAND    = 0x80
	EPOLLWRNORM    = 0x100
	EPOLLWRBAND    = 0x200
	EPOLLMSG       = 0x400
	EPOLLRDHUP     = 0x2000
	EPOLLEXCLUSIVE = 1 << 28
	EPOLLWAKEUP    = 1 << 29
	EPOLLONESHOT   = 1 << 30
	EPOLLET        = 1 << 31
)

// Special values of the calls that end in "at".
const (
	AT_FDCWD            = -100
	AT_SYMLINK_NOFOLLOW = 0x100
	AT_REMOVEDIR        = 0x200
	AT_EMPTY_PATH       = 0x1000
)

// Whence of lseek(2).
const (
	SEEK_SET = 0
	SEEK_CUR = 1
	SEEK_END = 2
)

// File types and permission bits of Stat.Mode.
const (
	S_IFMT   = 0o170000
	S_IFIFO  = 0o010000
	S_IFCHR  = 0o020000
	S_IFDIR  = 0o040000
	S_IFBLK  = 0o060000
	S_IFREG  = 0o100000
	S_IFLNK  = 0o120000
	S_IFSOCK = 0o140000
)

// Limits of reads and writes.
const (
	IOV_MAX  = 1024        // entries of readv(2) and writev(2)
	PIPE_BUF = 4096        // bytes that a pipe takes whole or not at all
	MAX_RW   = 0x7fff_f000 // bytes that one read or write moves at most
	PATH_MAX = 4096        // bytes of a path, its terminating zero included
)
