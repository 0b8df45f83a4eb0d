// SPDX-License-Identifier: Apache-2.0

package linux

import "loam/user/linux/lx"

// known are the calls that are answered. What an architecture doesn't have is lx.None there.
var known = []struct {
	number int
	do     handler
}{
	// what is open
	{lx.SysRead, sysRead}, {lx.SysReadv, sysReadv}, {lx.SysPread64, sysPread64}, {lx.SysPreadv, sysPread64},
	{lx.SysWrite, sysWrite}, {lx.SysWritev, sysWritev}, {lx.SysPwrite64, sysPwrite64}, {lx.SysPwritev, sysPwrite64},
	{lx.SysLseek, sysLseek}, {lx.SysClose, sysClose}, {lx.SysCloseRange, sysCloseRange},
	{lx.SysDup, sysDup}, {lx.SysDup2, sysDup2}, {lx.SysDup3, sysDup3},
	{lx.SysFcntl, sysFcntl}, {lx.SysFlock, sysFlock}, {lx.SysIoctl, sysIoctl},
	{lx.SysFtruncate, sysFtruncate}, {lx.SysFallocate, sysFallocate}, {lx.SysFsync, sysFsync}, {lx.SysFdatasync, sysFsync},
	{lx.SysFadvise64, sysAdvise}, {lx.SysReadahead, sysAdvise}, {lx.SysSyncFileRange, sysFsync},
	{lx.SysSync, sysNothing}, {lx.SysSyncfs, sysFsync}, {lx.SysGetdents64, sysGetdents64},
	{lx.SysCopyFileRange, sysCopyFileRange}, {lx.SysSendfile, sysSendfile}, {lx.SysMmap, sysMmap},
	{lx.SysMsync, sysMsync}, {lx.SysMemfdCreate, sysMemfdCreate},

	// what can be waited for
	{lx.SysPipe, sysPipe}, {lx.SysPipe2, sysPipe2}, {lx.SysEventfd, sysEventfd}, {lx.SysEventfd2, sysEventfd2},
	{lx.SysEpollCreate, sysEpollCreate}, {lx.SysEpollCreate1, sysEpollCreate1}, {lx.SysEpollCtl, sysEpollCtl},
	{lx.SysEpollWait, sysEpollWait}, {lx.SysEpollPwait, sysEpollWait}, {lx.SysEpollPwait2, sysEpollPwait2},
	{lx.SysPoll, sysPoll}, {lx.SysPpoll, sysPpoll}, {lx.SysSelect, sysSelect}, {lx.SysPselect6, sysPselect6},

	// sockets
	{lx.SysSocket, sysSocket},
	{lx.SysConnect, sysConnect},
	{lx.SysAccept, sysAccept},
	{lx.SysSendto, sysSendto},
	{lx.SysRecvfrom, sysRecvfrom},
	{lx.SysSendmsg, sysSendmsg},
	{lx.SysRecvmsg, sysRecvmsg},
	{lx.SysShutdown, sysShutdown},
	{lx.SysBind, sysBind},
	{lx.SysListen, sysListen},
	{lx.SysGetsockname, sysGetsockname},
	{lx.SysGetpeername, sysGetpeername},
	{lx.SysSocketpair, sysSocketpair},
	{lx.SysSetsockopt, sysSetsockopt},
	{lx.SysGetsockopt, sysGetsockopt},
	{lx.SysAccept4, sysAccept4},
	{lx.SysRecvmmsg, sysRecvmmsg},
	{lx.SysSendmmsg, sysSendmmsg},

	{lx.SysSignalfd, sysSignalfd}, {lx.SysSignalfd4, sysSignalfd4},
	{lx.SysTimerfdCreate, sysTimerfdCreate}, {lx.SysTimerfdSettime, sysTimerfdSettime}, {lx.SysTimerfdGettime, sysTimerfdGettime},
	{lx.SysInotifyInit, sysInotifyInit}, {lx.SysInotifyInit1, sysInotifyInit1},
	{lx.SysInotifyAddWatch, sysInotifyAddWatch}, {lx.SysInotifyRmWatch, sysInotifyRmWatch},
	{lx.SysSplice, sysSplice}, {lx.SysTee, sysTee}, {lx.SysVmsplice, sysVmsplice},

	// paths
	{lx.SysOpen, sysOpen}, {lx.SysOpenat, sysOpenat}, {lx.SysCreat, sysCreat}, {lx.SysOpenat2, sysOpenat2},
	{lx.SysStat, sysStat}, {lx.SysLstat, sysLstat}, {lx.SysFstat, sysFstat}, {lx.SysNewfstatat, sysNewfstatat}, {lx.SysStatx, sysStatx},
	{lx.SysAccess, sysAccess}, {lx.SysFaccessat, sysFaccessat}, {lx.SysFaccessat2, sysFaccessat2},
	{lx.SysReadlink, sysReadlink}, {lx.SysReadlinkat, sysReadlinkat},
	{lx.SysMkdir, sysMkdir}, {lx.SysMkdirat, sysMkdirat}, {lx.SysMknod, sysMknod}, {lx.SysMknodat, sysMknodat},
	{lx.SysUnlink, sysUnlink}, {lx.SysRmdir, sysRmdir}, {lx.SysUnlinkat, sysUnlinkat},
	{lx.SysSymlink, sysSymlink}, {lx.SysSymlinkat, sysSymlinkat}, {lx.SysLink, sysLink}, {lx.SysLinkat, sysLinkat},
	{lx.SysRename, sysRename}, {lx.SysRenameat, sysRenameat}, {lx.SysRenameat2, sysRenameat2},
	{lx.SysTruncate, sysTruncate}, {lx.SysStatfs, sysStatfs}, {lx.SysFstatfs, sysFstatfs},
	{lx.SysChmod, sysChmod}, {lx.SysFchmod, sysFchmod}, {lx.SysFchmodat, sysFchmodat}, {lx.SysFchmodat2, sysFchmodat2},
	{lx.SysChown, sysChown}, {lx.SysLchown, sysLchown}, {lx.SysFchown, sysFchown}, {lx.SysFchownat, sysFchownat},
	{lx.SysUtimensat, sysUtimensat}, {lx.SysUtimes, sysUtimes}, {lx.SysFutimesat, sysUtimes},

	// the process's own
	{lx.SysGetcwd, sysGetcwd}, {lx.SysChdir, sysChdir}, {lx.SysFchdir, sysFchdir}, {lx.SysChroot, sysChroot}, {lx.SysUmask, sysUmask},
	{lx.SysGetuid, sysGetuid}, {lx.SysGeteuid, sysGeteuid}, {lx.SysGetgid, sysGetgid}, {lx.SysGetegid, sysGetegid},
	{lx.SysSetuid, sysSetuid}, {lx.SysSetgid, sysSetgid}, {lx.SysSetreuid, sysSetreuid}, {lx.SysSetregid, sysSetregid},
	{lx.SysSetresuid, sysSetresuid}, {lx.SysSetresgid, sysSetresgid}, {lx.SysGetresuid, sysGetresuid}, {lx.SysGetresgid, sysGetresgid},
	{lx.SysSetfsuid, sysSetfsuid}, {lx.SysSetfsgid, sysSetfsgid}, {lx.SysGetgroups, sysGetgroups}, {lx.SysSetgroups, sysSetgroups},

	// processes
	{lx.SysClone, sysClone}, {lx.SysFork, sysFork}, {lx.SysVfork, sysVfork}, {lx.SysExecve, sysExecve}, {lx.SysExecveat, sysExecveat},
	{lx.SysUnshare, sysUnshare}, {lx.SysWait4, sysWait4}, {lx.SysWaitid, sysWaitid}, {lx.SysGetrusage, sysGetrusage}, {lx.SysTimes, sysTimes},
	{lx.SysKill, sysKill}, {lx.SysTkill, sysTkill}, {lx.SysTgkill, sysTgkill},
	{lx.SysRtSigqueueinfo, sysSigqueueinfo}, {lx.SysRtTgsigqueueinfo, sysTgsigqueueinfo},
	{lx.SysGetppid, sysGetppid}, {lx.SysGetpgid, sysGetpgid}, {lx.SysGetpgrp, sysGetpgrp}, {lx.SysSetpgid, sysSetpgid},
	{lx.SysGetsid, sysGetsid}, {lx.SysSetsid, sysSetsid},
	{lx.SysPrctl, sysPrctl}, {lx.SysCapget, sysCapget}, {lx.SysCapset, sysCapset},
	{lx.SysPrlimit64, sysPrlimit64}, {lx.SysGetrlimit, sysGetrlimit}, {lx.SysSetrlimit, sysSetrlimit},
	{lx.SysPidfdOpen, sysPidfdOpen}, {lx.SysPidfdSendSignal, sysPidfdSendSignal},

	// what nobody may, or nothing has
	{lx.SysMount, sysRefused}, {lx.SysUmount2, sysRefused},
	{lx.SysNameToHandleAt, sysNotSupported},

	// extended attributes
	{lx.SysSetxattr, sysSetxattr}, {lx.SysLsetxattr, sysSetxattr}, {lx.SysFsetxattr, sysSetxattr},
	{lx.SysGetxattr, sysGetxattr}, {lx.SysLgetxattr, sysGetxattr}, {lx.SysFgetxattr, sysGetxattr},
	{lx.SysListxattr, sysListxattr}, {lx.SysLlistxattr, sysListxattr}, {lx.SysFlistxattr, sysListxattr},
	{lx.SysRemovexattr, sysRemovexattr}, {lx.SysLremovexattr, sysRemovexattr}, {lx.SysFremovexattr, sysRemovexattr},
}
