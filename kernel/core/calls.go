//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/machine/metal"
)

// call is the function behind a call number. It finds its arguments in c and returns
// the result. The runner's t, p and as are the caller's.
type call func(r *runner, c *metal.Context) uint64

// way is how the runner gets to a call's function.
type way uint8

const (
	locked   way = iota // with the kernel lock
	lockless            // without
	other               // with it, if forwardNow doesn't do it without
)

// ways has the numbers of the calls that touch nothing but the calling thread, for which
// the kernel lock isn't taken (sysClockGettime takes it when it has to), and of those
// that may be forwarded (fillCalls).
var ways = [len(calls)]way{
	abi.SYS_CLOCK_GETTIME: lockless,
	abi.SYS_GETPID:        lockless,
	abi.SYS_GETTID:        lockless,
}

// calls are the runtime calls, by Linux's numbers. What is not here answers ENOSYS
// and is counted.
var calls = [abi.SYS_FUTEX_WAITV + 1]call{
	// memory
	abi.SYS_MMAP:     sysMmap,
	abi.SYS_MPROTECT: sysMprotect,
	abi.SYS_MUNMAP:   sysMunmap,
	abi.SYS_BRK:      sysBrk,
	abi.SYS_MREMAP:   sysMremap,
	abi.SYS_MINCORE:  sysMincore,
	abi.SYS_MADVISE:  sysMadvise,
	abi.SYS_MSYNC:    sysMsync,
	abi.SYS_MLOCK:    sysNothing, // nothing is ever paged out
	abi.SYS_MUNLOCK:  sysNothing,
	abi.SYS_MLOCK2:   sysNothing,

	// time
	abi.SYS_CLOCK_GETTIME:   sysClockGettime,
	abi.SYS_CLOCK_GETRES:    sysClockGetres,
	abi.SYS_CLOCK_NANOSLEEP: sysClockNanosleep,
	abi.SYS_NANOSLEEP:       sysNanosleep,
	abi.SYS_GETTIMEOFDAY:    sysGettimeofday,
	abi.SYS_SETITIMER:       sysSetitimer,
	abi.SYS_GETITIMER:       sysGetitimer,

	// signals
	abi.SYS_RT_SIGACTION:    sysSigaction,
	abi.SYS_RT_SIGPROCMASK:  sysSigprocmask,
	abi.SYS_RT_SIGRETURN:    sysSigreturn,
	abi.SYS_RT_SIGPENDING:   sysSigpending,
	abi.SYS_RT_SIGTIMEDWAIT: sysSigtimedwait,
	abi.SYS_RT_SIGSUSPEND:   sysSigsuspend,
	abi.SYS_SIGALTSTACK:     sysSigaltstack,
	abi.SYS_KILL:            sysKill,
	abi.SYS_TKILL:           sysTkill,
	abi.SYS_TGKILL:          sysTgkill,

	// threads and processes
	abi.SYS_GETPID:             sysGetpid,
	abi.SYS_GETTID:             sysGettid,
	abi.SYS_CLONE:              sysClone,
	abi.SYS_EXIT:               sysExit,
	abi.SYS_EXIT_GROUP:         sysExitGroup,
	abi.SYS_FUTEX:              sysFutex,
	abi.SYS_SET_TID_ADDRESS:    sysSetTidAddress,
	abi.SYS_SET_ROBUST_LIST:    sysSetRobustList,
	abi.SYS_PRCTL:              sysPrctl,
	abi.SYS_SCHED_YIELD:        sysSchedYield,
	abi.SYS_SCHED_GETAFFINITY:  sysSchedGetaffinity,
	abi.SYS_SCHED_SETAFFINITY:  sysSchedSetaffinity,
	abi.SYS_SCHED_GETSCHEDULER: sysNothing, // SCHED_OTHER
	abi.SYS_SCHED_GETPARAM:     sysSchedGetparam,
	abi.SYS_GETPRIORITY:        sysGetpriority,
	abi.SYS_SETPRIORITY:        sysSetpriority,
	abi.SYS_GETCPU:             sysGetcpu,
	abi.SYS_MEMBARRIER:         sysMembarrier,

	// the system and its limits
	abi.SYS_UNAME:     sysUname,
	abi.SYS_SYSINFO:   sysSysinfo,
	abi.SYS_GETRUSAGE: sysGetrusage,
	abi.SYS_GETRANDOM: sysGetrandom,
}

// otherCalls are what the kernel answers for a process whose calls aren't forwarded
// (forward.go): as much as a Go runtime needs before there is anything else.
var otherCalls = [len(calls)]call{
	// descriptors
	abi.SYS_READ:          sysRead,
	abi.SYS_WRITE:         sysWrite,
	abi.SYS_READV:         sysReadv,
	abi.SYS_WRITEV:        sysWritev,
	abi.SYS_PREAD64:       sysSeek,
	abi.SYS_PWRITE64:      sysSeek,
	abi.SYS_LSEEK:         sysSeek,
	abi.SYS_CLOSE:         sysClose,
	abi.SYS_FSTAT:         sysFstat,
	abi.SYS_NEWFSTATAT:    sysNewfstatat,
	abi.SYS_IOCTL:         sysIoctl,
	abi.SYS_FCNTL:         sysFcntl,
	abi.SYS_DUP:           sysDup,
	abi.SYS_DUP3:          sysDup3,
	abi.SYS_PIPE2:         sysPipe2,
	abi.SYS_EVENTFD2:      sysEventfd2,
	abi.SYS_EPOLL_CREATE1: sysEpollCreate1,
	abi.SYS_EPOLL_CTL:     sysEpollCtl,
	abi.SYS_EPOLL_PWAIT:   sysEpollPwait,
	abi.SYS_PPOLL:         sysPpoll,

	// files: there are none
	abi.SYS_OPENAT:     sysNoEntry,
	abi.SYS_FACCESSAT:  sysNoEntry,
	abi.SYS_FACCESSAT2: sysNoEntry,
	abi.SYS_READLINKAT: sysNoEntry,

	abi.SYS_UMASK:  sysUmask,
	abi.SYS_GETCWD: sysGetcwd,

	// users: everybody is user 0, who may do nothing special
	abi.SYS_GETUID:  sysNothing,
	abi.SYS_GETEUID: sysNothing,
	abi.SYS_GETGID:  sysNothing,
	abi.SYS_GETEGID: sysNothing,

	// other processes
	abi.SYS_WAIT4:   sysWait4,
	abi.SYS_GETPPID: sysGetppid,
	abi.SYS_GETPGID: sysGetpid,
	abi.SYS_GETSID:  sysGetpid,
	abi.SYS_TIMES:   sysTimes,

	abi.SYS_GETRLIMIT: sysGetrlimit,
	abi.SYS_PRLIMIT64: sysPrlimit64,
}

// fillCalls has every number answered by a function, so that the runner needs no test.
func fillCalls() {
	for i := range calls {
		switch {
		case calls[i] != nil:
		case otherCalls[i] != nil:
			calls[i], ways[i] = otherCall, other
		default:
			calls[i] = rareCall
			if !archCall(uint64(i)) {
				ways[i] = other
			}
		}
	}
}

// loamCalls are the calls from abi.CallBase on.
var loamCalls = [...]call{
	abi.CallBootFile - abi.CallBase: loamBootFile,
	abi.CallSpawn - abi.CallBase:    loamSpawn,

	abi.CallHandleDuplicate - abi.CallBase:        loamHandleDuplicate,
	abi.CallHandleReplace - abi.CallBase:          loamHandleReplace,
	abi.CallHandleClose - abi.CallBase:            loamHandleClose,
	abi.CallHandleInfo - abi.CallBase:             loamHandleInfo,
	abi.CallNotificationCreate - abi.CallBase:     loamNotificationCreate,
	abi.CallNotificationSignal - abi.CallBase:     loamNotificationSignal,
	abi.CallNotificationWait - abi.CallBase:       loamNotificationWait,
	abi.CallThreadCreate - abi.CallBase:           loamThreadCreate,
	abi.CallThreadStart - abi.CallBase:            loamThreadStart,
	abi.CallThreadStop - abi.CallBase:             loamThreadStop,
	abi.CallThreadResume - abi.CallBase:           loamThreadResume,
	abi.CallThreadEnd - abi.CallBase:              loamThreadEnd,
	abi.CallThreadWait - abi.CallBase:             loamThreadWait,
	abi.CallProcessCreate - abi.CallBase:          loamProcessCreate,
	abi.CallProcessKill - abi.CallBase:            loamProcessKill,
	abi.CallProcessWait - abi.CallBase:            loamProcessWait,
	abi.CallProcessInfo - abi.CallBase:            loamProcessInfo,
	abi.CallMemoryCreate - abi.CallBase:           loamMemoryCreate,
	abi.CallMemoryResize - abi.CallBase:           loamMemoryResize,
	abi.CallMemoryDecommit - abi.CallBase:         loamMemoryDecommit,
	abi.CallMemoryInfo - abi.CallBase:             loamMemoryInfo,
	abi.CallMemoryMap - abi.CallBase:              loamMemoryMap,
	abi.CallMemoryUnmap - abi.CallBase:            loamMemoryUnmap,
	abi.CallMemoryClone - abi.CallBase:            loamMemoryClone,
	abi.CallHandleRevoke - abi.CallBase:           loamHandleRevoke,
	abi.CallHandleMint - abi.CallBase:             loamHandleMint,
	abi.CallMachineEnd - abi.CallBase:             loamMachineEnd,
	abi.CallProcessUse - abi.CallBase:             loamProcessUse,
	abi.CallInterruptCreate - abi.CallBase:        loamInterruptCreate,
	abi.CallInterruptBind - abi.CallBase:          loamInterruptBind,
	abi.CallInterruptAck - abi.CallBase:           loamInterruptAck,
	abi.CallPortsCreate - abi.CallBase:            loamPortsCreate,
	abi.CallPortRead - abi.CallBase:               loamPortRead,
	abi.CallPortWrite - abi.CallBase:              loamPortWrite,
	abi.CallDeviceMemory - abi.CallBase:           loamDeviceMemory,
	abi.CallMemoryCreateDMA - abi.CallBase:        loamMemoryCreateDMA,
	abi.CallMemoryAddress - abi.CallBase:          loamMemoryAddress,
	abi.CallTimerCreate - abi.CallBase:            loamTimerCreate,
	abi.CallTimerSet - abi.CallBase:               loamTimerSet,
	abi.CallEndpointWatch - abi.CallBase:          loamEndpointWatch,
	abi.CallHostReceive - abi.CallBase:            loamHostReceive,
	abi.CallHostSend - abi.CallBase:               loamHostSend,
	abi.CallMachineInfo - abi.CallBase:            loamMachineInfo,
	abi.CallMachineLog - abi.CallBase:             loamMachineLog,
	abi.CallRegistersCreate - abi.CallBase:        loamRegistersCreate,
	abi.CallRegistersRead - abi.CallBase:          loamRegistersRead,
	abi.CallRegistersWrite - abi.CallBase:         loamRegistersWrite,
	abi.CallProcessForward - abi.CallBase:         loamProcessForward,
	abi.CallInterruptCreateMessage - abi.CallBase: loamInterruptCreateMessage,
	abi.CallInterruptMessage - abi.CallBase:       loamInterruptMessage,
	abi.CallProcessSignal - abi.CallBase:          loamProcessSignal,
	abi.CallMessageMap - abi.CallBase:             loamMessageMap,
	abi.CallMessageSignal - abi.CallBase:          loamMessageSignal,
	abi.CallProcessClone - abi.CallBase:           loamProcessClone,
	abi.CallProcessCopy - abi.CallBase:            loamProcessCopy,
	abi.CallProcessReplace - abi.CallBase:         loamProcessReplace,
	abi.CallProcessContinue - abi.CallBase:        loamProcessContinue,
	abi.CallProcessOpen - abi.CallBase:            loamProcessOpen,
	abi.CallProcessPost - abi.CallBase:            loamProcessPost,
	abi.CallProcessWatch - abi.CallBase:           loamProcessWatch,
	abi.CallProcessNews - abi.CallBase:            loamProcessNews,
	abi.CallProcessWrite - abi.CallBase:           loamProcessWrite,
	abi.CallProcessArea - abi.CallBase:            loamProcessArea,
	abi.CallProcessThread - abi.CallBase:          loamProcessThread,
	abi.CallProcessSignals - abi.CallBase:         loamProcessSignals,

	abi.CallEndpointCreate - abi.CallBase:       loamEndpointCreate,
	abi.CallEndpointCall - abi.CallBase:         loamEndpointCall,
	abi.CallEndpointReceive - abi.CallBase:      loamEndpointReceive,
	abi.CallEndpointReply - abi.CallBase:        loamEndpointReply,
	abi.CallEndpointReplyReceive - abi.CallBase: loamEndpointReplyReceive,
	abi.CallMessageRead - abi.CallBase:          loamMessageRead,
	abi.CallMessageWrite - abi.CallBase:         loamMessageWrite,
	abi.CallThreadBind - abi.CallBase:           loamThreadBind,
	abi.CallThreadSchedule - abi.CallBase:       loamThreadSchedule,
	abi.CallThreadInfo - abi.CallBase:           loamThreadInfo,
	abi.CallMemoryCreatePaged - abi.CallBase:    loamMemoryCreatePaged,
	abi.CallMemorySupply - abi.CallBase:         loamMemorySupply,
	abi.CallProcessQuota - abi.CallBase:         loamProcessQuota,
}

// rareCall makes the calls that are not in the table of runtime calls, or
// counts one that nobody knows.
//
//loam:indirect table=loamCalls
func rareCall(r *runner, c *metal.Context) uint64 {
	if nr := c.Number() - abi.CallBase; nr < uint64(len(loamCalls)) && loamCalls[nr] != nil {
		return loamCalls[nr](r, c)
	}
	if nr := c.Number(); r.p.forward.endpoint != 0 && nr < abi.CallBase && !archCall(nr) {
		return r.forward(c)
	}
	return ownCall(r, c)
}

// ownCall makes the calls that this architecture alone has.
//
//loam:indirect table=ownCalls
func ownCall(r *runner, c *metal.Context) uint64 {
	if nr := c.Number(); nr < uint64(len(ownCalls)) && ownCalls[nr] != nil {
		return ownCalls[nr](r, c)
	}
	k.unknown.count(c.Number())
	return abi.ENOSYS.Result()
}

// sysNothing is for calls that ask for what is so anyway, or answer 0.
func sysNothing(*runner, *metal.Context) uint64 { return 0 }

// sysNoEntry is for calls that name a file: no file is there.
func sysNoEntry(r *runner, c *metal.Context) uint64 { return abi.ENOENT.Result() }

// put copies b to the caller's memory and answers 0, or EFAULT.
func (r *runner) put(addr uint64, b []byte) uint64 {
	return r.as.WriteUser(abi.UserAddr(addr), b).Result()
}
