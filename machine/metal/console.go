//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/spin"

// The consoles of the kernel: a serial port (16550), and on amd64 VGA text in boot
// mode. They carry the log and panics, never a program's streams. Unless the log is
// asked for, it is kept in a ring and shown when the kernel panics: sending a
// line costs more instructions than most of boot.

// consoleLock guards log and consoles; a panic doesn't ask for it. Log and its like
// turn interrupts off besides, for they may be called with interrupts on.
var consoleLock = spin.Lock{Rank: rankConsole}

func beginLog() (flags uint64) {
	flags = disable()
	consoleLock.Lock()
	return flags
}

func endLog(flags uint64) {
	consoleLock.Unlock()
	restore(flags)
}

var (
	logShown bool // send the log as it is written
	logRing  [8192]byte
	yielded  bool   // a driver has the consoles: nothing is sent until the kernel has to
	logEnd   uint64 // bytes ever written; position modulo the ring's size
	bootMode bool   // mode=boot: a person watches the consoles
)

// consoleWrite appends to the log.
func consoleWrite(p []byte) {
	for _, b := range p {
		put(b)
	}
}

func put(b byte) {
	logRing[logEnd%uint64(len(logRing))] = b
	logEnd++
	if logShown && !yielded {
		show(b)
	}
}

func show(b byte) {
	if b == '\n' {
		serialPut('\r')
	}
	serialPut(b)
	screenPut(b)
}

// showLog sends what the ring still has and everything from now on.
func showLog() {
	yielded = false
	if logShown {
		return
	}
	logShown = true
	start := uint64(0)
	if logEnd > uint64(len(logRing)) {
		start = logEnd - uint64(len(logRing))
	}
	for i := start; i < logEnd; i++ {
		show(logRing[i%uint64(len(logRing))])
	}
}

// YieldConsole leaves the consoles to a driver, or has the kernel show there again
// what it logs. A panic is shown in any case.
func YieldConsole(yield bool) {
	f := beginLog()
	yielded = yield
	endLog(f)
}

// ShowLog shows what the log has had so far, and all from now on.
func ShowLog() {
	f := beginLog()
	showLog()
	endLog(f)
}

func puts(s string) {
	for i := range len(s) {
		put(s[i])
	}
}

// putHex writes v with at least n hexadecimal digits.
func putHex(v uint64, n int) {
	for i := 15; i >= 0; i-- {
		if d := v >> (4 * i); i < n || d != 0 {
			put("0123456789abcdef"[d&15])
		}
	}
}

func putDec(v uint64) { putPadded(v, 1, ' ') }

// putPadded writes v in at least n places, filled with pad.
func putPadded(v uint64, n int, pad byte) {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + v%10)
		if v /= 10; v == 0 {
			break
		}
	}
	for k := len(b) - i; k < n; k++ {
		put(pad)
	}
	consoleWrite(b[i:])
}

// stamp begins a log line with the time since power-on.
func stamp() {
	us := uint64(0)
	if clockHz != 0 {
		us = uint64(Now()) / 1000
	}
	puts("[")
	putPadded(us/1_000_000, 4, ' ')
	puts(".")
	putPadded(us%1_000_000, 6, '0')
	puts("] ")
}

// Log writes one line to the log.
func Log(s string) {
	f := beginLog()
	stamp()
	puts(s)
	put('\n')
	endLog(f)
}

// LogValue writes one line, "s v", to the log.
func LogValue(s string, v uint64) {
	f := beginLog()
	stamp()
	puts(s)
	put(' ')
	putDec(v)
	put('\n')
	endLog(f)
}

// LogLine writes text as one line to the log.
func LogLine(p []byte) {
	f := beginLog()
	stamp()
	consoleWrite(p)
	put('\n')
	endLog(f)
}

// LogBytes writes text as it is to the log.
func LogBytes(p []byte) {
	f := beginLog()
	consoleWrite(p)
	endLog(f)
}
