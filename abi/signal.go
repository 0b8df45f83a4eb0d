// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"encoding/binary"
	"math/bits"
)

// Signal is a signal number, 1 to NumSignals.
type Signal int32

// NumSignals is the highest signal number; numbers from SIGRTMIN up queue,
// those below it don't.
const (
	NumSignals = 64
	SIGRTMIN   = 32
)

// Standard signals, as in asm-generic/signal.h (amd64 has the same).
const (
	SIGHUP    Signal = 1
	SIGINT    Signal = 2
	SIGQUIT   Signal = 3
	SIGILL    Signal = 4
	SIGTRAP   Signal = 5
	SIGABRT   Signal = 6
	SIGBUS    Signal = 7
	SIGFPE    Signal = 8
	SIGKILL   Signal = 9
	SIGUSR1   Signal = 10
	SIGSEGV   Signal = 11
	SIGUSR2   Signal = 12
	SIGPIPE   Signal = 13
	SIGALRM   Signal = 14
	SIGTERM   Signal = 15
	SIGSTKFLT Signal = 16
	SIGCHLD   Signal = 17
	SIGCONT   Signal = 18
	SIGSTOP   Signal = 19
	SIGTSTP   Signal = 20
	SIGTTIN   Signal = 21
	SIGTTOU   Signal = 22
	SIGURG    Signal = 23
	SIGXCPU   Signal = 24
	SIGXFSZ   Signal = 25
	SIGVTALRM Signal = 26
	SIGPROF   Signal = 27
	SIGWINCH  Signal = 28
	SIGIO     Signal = 29
	SIGPWR    Signal = 30
	SIGSYS    Signal = 31
)

var signalNames = [...]string{
	1: "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS",
	"SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM",
	"SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
	"SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM",
	"SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
}

// String gives the signal's name, such as "SIGSEGV".
func (s Signal) String() string {
	if s > 0 && int(s) < len(signalNames) {
		return signalNames[s]
	}
	if s >= SIGRTMIN && s <= NumSignals {
		return "real-time signal"
	}
	return "unknown signal"
}

// Valid reports whether s is a signal number (0 isn't).
func (s Signal) Valid() bool { return s >= 1 && s <= NumSignals }

// Set gives the set of s alone. s must be valid.
func (s Signal) Set() Sigset { return 1 << uint(s-1) }

// SigsetSize is the size of the kernel's sigset_t in bytes.
const SigsetSize = 8

// Sigset is a set of signals: bit s-1 stands for signal s.
type Sigset uint64

// Has reports whether s, a valid signal, is in the set.
func (m Sigset) Has(s Signal) bool { return m>>uint(s-1)&1 != 0 }

// Lowest gives the smallest signal number in the set, 0 when it is empty.
func (m Sigset) Lowest() Signal {
	if m == 0 {
		return 0
	}
	return Signal(bits.TrailingZeros64(uint64(m)) + 1)
}

// Actions that stand for themselves in Sigaction.Handler.
const (
	SIG_DFL = 0
	SIG_IGN = 1
)

// What rt_sigprocmask(2) does with its set.
const (
	SIG_BLOCK   = 0
	SIG_UNBLOCK = 1
	SIG_SETMASK = 2
)

// Flags of Sigaction.
const (
	SA_NOCLDSTOP      = 0x1
	SA_NOCLDWAIT      = 0x2
	SA_SIGINFO        = 0x4
	SA_UNSUPPORTED    = 0x400
	SA_EXPOSE_TAGBITS = 0x800
	SA_RESTORER       = 0x0400_0000
	SA_ONSTACK        = 0x0800_0000
	SA_RESTART        = 0x1000_0000
	SA_NODEFER        = 0x4000_0000
	SA_RESETHAND      = 0x8000_0000
)

// Sigaction is what rt_sigaction(2) sets for one signal. Restorer is amd64's
// only: elsewhere handlers return to the vDSO.
type Sigaction struct {
	Handler  UserAddr
	Flags    uint64
	Restorer UserAddr
	Mask     Sigset
}

// Sizes of the kernel's struct sigaction: amd64 has a restorer, the generic
// layout hasn't.
const (
	SigactionSizeAMD64   = 32
	SigactionSizeGeneric = 24
)

// PutSigactionAMD64 writes handler, flags, restorer, mask.
func PutSigactionAMD64(b []byte, a Sigaction) {
	_ = b[SigactionSizeAMD64-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(a.Handler))
	binary.LittleEndian.PutUint64(b[8:], a.Flags)
	binary.LittleEndian.PutUint64(b[16:], uint64(a.Restorer))
	binary.LittleEndian.PutUint64(b[24:], uint64(a.Mask))
}

// GetSigactionAMD64 reads what PutSigactionAMD64 writes.
func GetSigactionAMD64(b []byte) Sigaction {
	_ = b[SigactionSizeAMD64-1]
	return Sigaction{
		Handler:  UserAddr(binary.LittleEndian.Uint64(b[0:])),
		Flags:    binary.LittleEndian.Uint64(b[8:]),
		Restorer: UserAddr(binary.LittleEndian.Uint64(b[16:])),
		Mask:     Sigset(binary.LittleEndian.Uint64(b[24:])),
	}
}

// PutSigactionGeneric writes handler, flags, mask.
func PutSigactionGeneric(b []byte, a Sigaction) {
	_ = b[SigactionSizeGeneric-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(a.Handler))
	binary.LittleEndian.PutUint64(b[8:], a.Flags)
	binary.LittleEndian.PutUint64(b[16:], uint64(a.Mask))
}

// GetSigactionGeneric reads what PutSigactionGeneric writes.
func GetSigactionGeneric(b []byte) Sigaction {
	_ = b[SigactionSizeGeneric-1]
	return Sigaction{
		Handler: UserAddr(binary.LittleEndian.Uint64(b[0:])),
		Flags:   binary.LittleEndian.Uint64(b[8:]),
		Mask:    Sigset(binary.LittleEndian.Uint64(b[16:])),
	}
}

// Flags of SigStack, and the smallest stack that sigaltstack(2) takes, in bytes.
const (
	SS_ONSTACK    = 1
	SS_DISABLE    = 2
	SS_AUTODISARM = 1 << 31
	MINSIGSTKSZ   = 2048
)

// SigStackSize is the size of stack_t in bytes.
const SigStackSize = 24

// SigStack is an alternate signal stack (stack_t).
type SigStack struct {
	Base  UserAddr
	Flags uint32
	Size  uint64
}

// Put writes s's layout to the first SigStackSize bytes of b.
func (s SigStack) Put(b []byte) {
	_ = b[SigStackSize-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(s.Base))
	binary.LittleEndian.PutUint64(b[8:], uint64(s.Flags))
	binary.LittleEndian.PutUint64(b[16:], s.Size)
}

// GetSigStack reads a stack_t from the first SigStackSize bytes of b.
func GetSigStack(b []byte) SigStack {
	_ = b[SigStackSize-1]
	return SigStack{
		Base:  UserAddr(binary.LittleEndian.Uint64(b[0:])),
		Flags: binary.LittleEndian.Uint32(b[8:]),
		Size:  binary.LittleEndian.Uint64(b[16:]),
	}
}
