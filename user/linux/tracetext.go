// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"strconv"
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
)

// formats say what the arguments of calls are, a letter each: d a number, f a descriptor of a directory, p
// a path, b bytes whose number is the next argument, o flags of open(2), m a mode; x anything else.
var formats = []struct {
	number int
	format string
}{
	{lx.SysRead, "dxd"}, {lx.SysWrite, "dbd"}, {lx.SysReadv, "dxd"}, {lx.SysWritev, "dxd"}, {lx.SysPread64, "dxdd"}, {lx.SysPwrite64, "dbdd"},
	{lx.SysLseek, "ddd"}, {lx.SysClose, "d"}, {lx.SysCloseRange, "ddx"}, {lx.SysDup, "d"}, {lx.SysDup2, "dd"}, {lx.SysDup3, "ddx"},
	{lx.SysFcntl, "ddx"}, {lx.SysFlock, "dx"}, {lx.SysIoctl, "dxx"}, {lx.SysFtruncate, "dd"}, {lx.SysFallocate, "dxdd"}, {lx.SysFsync, "d"}, {lx.SysFdatasync, "d"},
	{lx.SysGetdents64, "dxd"}, {lx.SysMmap, "xdxxdx"}, {lx.SysPipe2, "xx"}, {lx.SysEventfd2, "dx"}, {lx.SysEpollCreate1, "x"}, {lx.SysEpollCtl, "dddx"},
	{lx.SysEpollPwait, "dxddx"}, {lx.SysPpoll, "xdxx"}, {lx.SysOpen, "pom"}, {lx.SysOpenat, "fpom"}, {lx.SysCreat, "pm"}, {lx.SysStat, "px"}, {lx.SysLstat, "px"},
	{lx.SysFstat, "dx"}, {lx.SysNewfstatat, "fpxx"}, {lx.SysStatx, "fpxxx"}, {lx.SysAccess, "px"}, {lx.SysFaccessat, "fpx"}, {lx.SysFaccessat2, "fpxx"},
	{lx.SysReadlink, "pxd"}, {lx.SysReadlinkat, "fpxd"}, {lx.SysMkdir, "pm"}, {lx.SysMkdirat, "fpm"}, {lx.SysMknodat, "fpmx"}, {lx.SysUnlink, "p"}, {lx.SysRmdir, "p"},
	{lx.SysUnlinkat, "fpx"}, {lx.SysSymlink, "pp"}, {lx.SysSymlinkat, "pfp"}, {lx.SysLink, "pp"}, {lx.SysLinkat, "fpfpx"}, {lx.SysRename, "pp"},
	{lx.SysRenameat, "fpfp"}, {lx.SysRenameat2, "fpfpx"}, {lx.SysTruncate, "pd"}, {lx.SysStatfs, "px"}, {lx.SysFstatfs, "dx"}, {lx.SysChmod, "pm"},
	{lx.SysFchmod, "dm"}, {lx.SysFchmodat, "fpm"}, {lx.SysChown, "pdd"}, {lx.SysLchown, "pdd"}, {lx.SysFchown, "ddd"}, {lx.SysFchownat, "fpddx"}, {lx.SysUtimensat, "fpxx"},
	{lx.SysGetcwd, "xd"}, {lx.SysChdir, "p"}, {lx.SysFchdir, "d"}, {lx.SysChroot, "p"}, {lx.SysUmask, "m"}, {lx.SysExecve, "pxx"},
	{lx.SysSocket, "ddd"}, {lx.SysSocketpair, "dddx"}, {lx.SysBind, "dxd"}, {lx.SysConnect, "dxd"}, {lx.SysListen, "dd"}, {lx.SysAccept4, "dxxx"},
	{lx.SysSendto, "dbdxxd"}, {lx.SysRecvfrom, "dxdxxx"}, {lx.SysSendmsg, "dxx"}, {lx.SysRecvmsg, "dxx"}, {lx.SysShutdown, "dd"},
	{lx.SysGetsockopt, "dddxx"}, {lx.SysSetsockopt, "dddxd"}, {lx.SysGetsockname, "dxx"}, {lx.SysGetpeername, "dxx"},
	{lx.SysInotifyInit1, "x"}, {lx.SysInotifyAddWatch, "dpx"}, {lx.SysInotifyRmWatch, "dd"}, {lx.SysTimerfdCreate, "dx"}, {lx.SysUnshare, "x"}, {lx.SysSignalfd, "dxd"}, {lx.SysSignalfd4, "dxdx"}, {lx.SysTimerfdSettime, "dxxx"},
	{lx.SysSplice, "dxdxdx"}, {lx.SysSendfile, "ddxd"}, {lx.SysCopyFileRange, "dxdxdx"}, {lx.SysMemfdCreate, "px"}, {lx.SysMsync, "xdx"},
	{lx.SysWait4, "dxxx"}, {lx.SysKill, "dd"}, {lx.SysSetpgid, "dd"},
}

// openFlags are the names of those.
var openFlags = []struct {
	bit  uint64
	name string
}{{lx.O_TMPFILE, "O_TMPFILE"}, {lx.O_SYNC, "O_SYNC"}, {abi.O_CREAT, "O_CREAT"}, {abi.O_EXCL, "O_EXCL"}, {abi.O_TRUNC, "O_TRUNC"}, {abi.O_APPEND, "O_APPEND"},
	{abi.O_NONBLOCK, "O_NONBLOCK"}, {abi.O_DIRECTORY, "O_DIRECTORY"}, {abi.O_NOFOLLOW, "O_NOFOLLOW"}, {abi.O_CLOEXEC, "O_CLOEXEC"},
	{abi.O_PATH, "O_PATH"}, {lx.O_DSYNC, "O_DSYNC"}, {abi.O_DIRECT, "O_DIRECT"}, {lx.O_NOATIME, "O_NOATIME"}, {abi.O_LARGEFILE, "O_LARGEFILE"}}

// callText gives a call as strace(1) does.
func (s *Server) callText(c *Call) string {
	pid := int32(0)
	if p := s.processes[c.Badge]; p != nil {
		pid = p.pid
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[pid %d] %s(", pid, callName(c.Number))
	format, ok := s.tracer.formats[c.Number]
	if !ok {
		format = "xxx"
	}
	for i, kind := range []byte(format) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.argumentText(c, i, kind))
	}
	b.WriteString(")")
	return b.String()
}

// shown is how many bytes of a text are shown.
const shown = 64

func (s *Server) argumentText(c *Call, i int, kind byte) string {
	v := c.Args[i]
	switch kind {
	case 'd':
		return strconv.FormatInt(int64(v)<<32>>32, 10)
	case 'f':
		if int32(v) == abi.AT_FDCWD {
			return "AT_FDCWD"
		}
		return strconv.Itoa(int(int32(v)))
	case 'm':
		return fmt.Sprintf("%#o", uint32(v))
	case 'o':
		return openText(v)
	case 'p', 'b':
		if v == 0 {
			return "NULL"
		}
		n := uint64(shown + 1)
		if kind == 'b' {
			n = min(c.Args[i+1], shown+1)
		}
		p := make([]byte, n)
		p = p[:s.kernel.Read(c.Token, v, p)]
		if kind == 'p' {
			text, _, _ := strings.Cut(string(p), "\x00")
			p = []byte(text)
		}
		if len(p) > shown {
			return strconv.QuoteToASCII(string(p[:shown])) + "..."
		}
		return strconv.QuoteToASCII(string(p))
	}
	if v < 10 {
		return strconv.Itoa(int(v))
	}
	return fmt.Sprintf("%#x", v)
}

func openText(v uint64) string {
	names := []string{[]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[v&abi.O_ACCMODE]}
	v = uint64(uint32(v)) &^ abi.O_ACCMODE
	for _, f := range openFlags {
		if v&f.bit == f.bit {
			names = append(names, f.name)
			v &^= f.bit
		}
	}
	if v != 0 {
		names = append(names, fmt.Sprintf("%#x", v))
	}
	return strings.Join(names, "|")
}
