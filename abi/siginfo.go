// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// Values of Siginfo.Code that say who sent the signal. Positive codes come
// from the kernel and depend on the signal.
const (
	SI_USER    = 0    // kill(2)
	SI_KERNEL  = 0x80 // the kernel, with nothing more to say
	SI_QUEUE   = -1   // rt_sigqueueinfo(2)
	SI_TIMER   = -2   // a POSIX timer
	SI_MESGQ   = -3
	SI_ASYNCIO = -4
	SI_TKILL   = -6 // tkill(2), tgkill(2)
)

// Codes of SIGILL.
const (
	ILL_ILLOPC = 1 // illegal opcode
	ILL_ILLOPN = 2 // illegal operand
	ILL_ILLADR = 3
	ILL_ILLTRP = 4
	ILL_PRVOPC = 5 // privileged opcode
	ILL_PRVREG = 6
	ILL_COPROC = 7
	ILL_BADSTK = 8
)

// Codes of SIGFPE.
const (
	FPE_INTDIV = 1 // integer divide by zero
	FPE_INTOVF = 2
	FPE_FLTDIV = 3
	FPE_FLTOVF = 4
	FPE_FLTUND = 5
	FPE_FLTRES = 6
	FPE_FLTINV = 7
	FPE_FLTSUB = 8
)

// Codes of SIGSEGV.
const (
	SEGV_MAPERR = 1 // nothing mapped there
	SEGV_ACCERR = 2 // the mapping doesn't allow it
)

// Codes of SIGBUS.
const (
	BUS_ADRALN = 1 // misaligned
	BUS_ADRERR = 2 // no such physical address: past the end of the object
	BUS_OBJERR = 3
)

// Codes of SIGTRAP.
const (
	TRAP_BRKPT  = 1
	TRAP_TRACE  = 2
	TRAP_HWBKPT = 4
)

// Codes of SIGSYS and SIGCHLD.
const (
	SYS_SECCOMP   = 1
	CLD_EXITED    = 1
	CLD_KILLED    = 2
	CLD_DUMPED    = 3
	CLD_TRAPPED   = 4
	CLD_STOPPED   = 5
	CLD_CONTINUED = 6
)

// SiginfoSize is the size of siginfo_t in bytes.
const SiginfoSize = 128

// Siginfo is the part of siginfo_t that Loam gives. After three integers and
// padding, siginfo_t is a union; A and B are its first two words, named by
// what the signal puts there:
//
//	fault (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP): A = si_addr
//	kill, tkill, sigqueue: A = si_pid | si_uid<<32, B = si_value
//	SIGCHLD: A = si_pid | si_uid<<32, B = si_status
//	timer: A = si_tid | si_overrun<<32, B = si_value
type Siginfo struct {
	Signo Signal
	Errno int32
	Code  int32
	A     uint64
	B     uint64
}

// FaultInfo makes the information of a signal raised by a fault at addr.
func FaultInfo(s Signal, code int32, addr UserAddr) Siginfo {
	return Siginfo{Signo: s, Code: code, A: uint64(addr)}
}

// SentInfo makes the information of a signal that process pid of user uid sent.
func SentInfo(s Signal, code int32, pid, uid uint32) Siginfo {
	return Siginfo{Signo: s, Code: code, A: uint64(pid) | uint64(uid)<<32}
}

// PID gives the sender of a sent signal.
func (i Siginfo) PID() uint32 { return uint32(i.A) }

// UID gives the sender's user.
func (i Siginfo) UID() uint32 { return uint32(i.A >> 32) }

// Addr gives the address of a fault.
func (i Siginfo) Addr() UserAddr { return UserAddr(i.A) }

// Put writes i's layout to the first SiginfoSize bytes of b, the rest of the
// union as zeros.
func (i Siginfo) Put(b []byte) {
	b = b[:SiginfoSize]
	clear(b[32:])
	binary.LittleEndian.PutUint32(b[0:], uint32(i.Signo))
	binary.LittleEndian.PutUint32(b[4:], uint32(i.Errno))
	binary.LittleEndian.PutUint64(b[8:], uint64(uint32(i.Code)))
	binary.LittleEndian.PutUint64(b[16:], i.A)
	binary.LittleEndian.PutUint64(b[24:], i.B)
}

// GetSiginfo reads a siginfo_t from the first SiginfoSize bytes of b; it drops
// what the union holds after its second word.
func GetSiginfo(b []byte) Siginfo {
	_ = b[SiginfoSize-1]
	return Siginfo{
		Signo: Signal(binary.LittleEndian.Uint32(b[0:])),
		Errno: int32(binary.LittleEndian.Uint32(b[4:])),
		Code:  int32(binary.LittleEndian.Uint32(b[8:])),
		A:     binary.LittleEndian.Uint64(b[16:]),
		B:     binary.LittleEndian.Uint64(b[24:]),
	}
}
