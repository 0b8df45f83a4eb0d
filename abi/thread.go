// SPDX-License-Identifier: Apache-2.0

package abi

// Flags of clone(2). The low byte is the signal that the parent gets when the
// child ends.
const (
	CLONE_CSIGNAL        = 0xff
	CLONE_VM             = 0x100
	CLONE_FS             = 0x200
	CLONE_FILES          = 0x400
	CLONE_SIGHAND        = 0x800
	CLONE_PIDFD          = 0x1000
	CLONE_PTRACE         = 0x2000
	CLONE_VFORK          = 0x4000
	CLONE_PARENT         = 0x8000
	CLONE_THREAD         = 0x1_0000
	CLONE_NEWNS          = 0x2_0000
	CLONE_SYSVSEM        = 0x4_0000
	CLONE_SETTLS         = 0x8_0000
	CLONE_PARENT_SETTID  = 0x10_0000
	CLONE_CHILD_CLEARTID = 0x20_0000
	CLONE_DETACHED       = 0x40_0000
	CLONE_UNTRACED       = 0x80_0000
	CLONE_CHILD_SETTID   = 0x100_0000
	CLONE_NEWTIME        = 0x80
	CLONE_NEWCGROUP      = 0x200_0000
	CLONE_NEWUTS         = 0x400_0000
	CLONE_NEWIPC         = 0x800_0000
	CLONE_NEWUSER        = 0x1000_0000
	CLONE_NEWPID         = 0x2000_0000
	CLONE_NEWNET         = 0x4000_0000
	CLONE_IO             = 0x8000_0000
)

// Operations of futex(2): the low bits of its second argument.
const (
	FUTEX_WAIT            = 0
	FUTEX_WAKE            = 1
	FUTEX_FD              = 2
	FUTEX_REQUEUE         = 3
	FUTEX_CMP_REQUEUE     = 4
	FUTEX_WAKE_OP         = 5
	FUTEX_LOCK_PI         = 6
	FUTEX_UNLOCK_PI       = 7
	FUTEX_TRYLOCK_PI      = 8
	FUTEX_WAIT_BITSET     = 9
	FUTEX_WAKE_BITSET     = 10
	FUTEX_WAIT_REQUEUE_PI = 11
	FUTEX_CMP_REQUEUE_PI  = 12
	FUTEX_LOCK_PI2        = 13

	FUTEX_PRIVATE_FLAG   = 0x80
	FUTEX_CLOCK_REALTIME = 0x100
	FUTEX_CMD_MASK       = ^(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)

	FUTEX_BITSET_MATCH_ANY = 0xffff_ffff
)

// Clocks of clock_gettime(2).
const (
	CLOCK_REALTIME           = 0
	CLOCK_MONOTONIC          = 1
	CLOCK_PROCESS_CPUTIME_ID = 2
	CLOCK_THREAD_CPUTIME_ID  = 3
	CLOCK_MONOTONIC_RAW      = 4
	CLOCK_REALTIME_COARSE    = 5
	CLOCK_MONOTONIC_COARSE   = 6
	CLOCK_BOOTTIME           = 7
	CLOCK_REALTIME_ALARM     = 8
	CLOCK_BOOTTIME_ALARM     = 9
	CLOCK_TAI                = 11
)

// TIMER_ABSTIME makes the time of clock_nanosleep(2) and timer_settime(2) absolute.
const TIMER_ABSTIME = 1

// Interval timers of setitimer(2).
const (
	ITIMER_REAL    = 0
	ITIMER_VIRTUAL = 1
	ITIMER_PROF    = 2
)

// Codes of arch_prctl(2), amd64 only.
const (
	ARCH_SET_GS    = 0x1001
	ARCH_SET_FS    = 0x1002
	ARCH_GET_FS    = 0x1003
	ARCH_GET_GS    = 0x1004
	ARCH_GET_CPUID = 0x1011
	ARCH_SET_CPUID = 0x1012
)

// Options of prctl(2) that runtimes use.
const (
	PR_SET_PDEATHSIG       = 1
	PR_GET_PDEATHSIG       = 2
	PR_GET_DUMPABLE        = 3
	PR_SET_DUMPABLE        = 4
	PR_GET_KEEPCAPS        = 7
	PR_SET_KEEPCAPS        = 8
	PR_SET_NAME            = 15
	PR_GET_NAME            = 16
	PR_SET_TIMERSLACK      = 29
	PR_GET_TIMERSLACK      = 30
	PR_SET_CHILD_SUBREAPER = 36
	PR_GET_CHILD_SUBREAPER = 37
	PR_SET_NO_NEW_PRIVS    = 38
	PR_SET_VMA             = 0x53564d41
)

// Scheduling policies of sched_setscheduler(2).
const (
	SCHED_OTHER = 0
	SCHED_FIFO  = 1
	SCHED_RR    = 2
	SCHED_BATCH = 3
	SCHED_IDLE  = 5
)

// Resources of prlimit64(2), and the value that means no limit.
const (
	RLIMIT_CPU        = 0
	RLIMIT_FSIZE      = 1
	RLIMIT_DATA       = 2
	RLIMIT_STACK      = 3
	RLIMIT_CORE       = 4
	RLIMIT_RSS        = 5
	RLIMIT_NPROC      = 6
	RLIMIT_NOFILE     = 7
	RLIMIT_MEMLOCK    = 8
	RLIMIT_AS         = 9
	RLIMIT_LOCKS      = 10
	RLIMIT_SIGPENDING = 11
	RLIMIT_MSGQUEUE   = 12
	RLIMIT_NICE       = 13
	RLIMIT_RTPRIO     = 14
	RLIMIT_RTTIME     = 15
	RLIM_NLIMITS      = 16

	RLIM_INFINITY = 1<<64 - 1
)

// Whose usage getrusage(2) asks for.
const (
	RUSAGE_SELF     = 0
	RUSAGE_CHILDREN = -1
	RUSAGE_THREAD   = 1
)

// Flags of getrandom(2).
const (
	GRND_NONBLOCK = 1
	GRND_RANDOM   = 2
	GRND_INSECURE = 4
)

// Commands of membarrier(2).
const (
	MEMBARRIER_CMD_QUERY                      = 0
	MEMBARRIER_CMD_GLOBAL                     = 1
	MEMBARRIER_CMD_PRIVATE_EXPEDITED          = 8
	MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16
)
