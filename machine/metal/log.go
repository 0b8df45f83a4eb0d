//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/abi"
	"loam/machine/spin"
)

// The kernel's log is a ring of bytes. Unless somebody wants to see it, it is kept there and
// shown when the kernel panics: sending a line costs more instructions than most of
// boot. What is shown goes to the kernel's consoles (console.go) as it is written; what
// those don't show, because drivers have them, waits in the ring to be taken (TakeLog).

// consoleLock guards log and consoles; a panic doesn't ask for it. Log and its like
// turn interrupts off besides, for they may be called with interrupts on.
var consoleLock = spin.Lock{Rank: rankConsole}

var (
	logShown   bool // show the log as it is written
	logRing    [abi.MachineLogSize]byte
	logEnd     uint64 // bytes ever written; position modulo the ring's size
	logTaken   uint64 // so far the consoles have shown it, or TakeLog has given it
	logWatched bool   // EventLog is wanted when there is something to be taken
)

func beginLog() (flags uint64) {
	flags = disable()
	consoleLock.Lock()
	return flags
}

// endLog tells who waits for more of the log: it makes this CPU's runner look by an
// interrupt, which comes when whoever logs is done.
func endLog(flags uint64) {
	tell := logWatched && logTaken != logEnd
	if tell {
		logWatched = false
	}
	consoleLock.Unlock()
	if tell {
		cpu := thisCPU()
		cpu.events |= uint32(EventLog)
		sendKick(cpu)
	}
	restore(flags)
}

// TakeLog moves what nobody has seen of the log to p, the oldest first, and returns
// how much. watch says whether EventLog is wanted, once, when there is more.
func TakeLog(p []byte, watch bool) int {
	f := beginLog()
	logTaken = max(logTaken, kept())
	n := 0
	for n < len(p) && logTaken != logEnd {
		p[n] = logRing[logTaken%uint64(len(logRing))]
		n++
		logTaken++
	}
	logWatched = watch // for what comes: what is left the caller can see
	consoleLock.Unlock()
	restore(f)
	return n
}

// kept is from where on the ring still has the log.
func kept() uint64 { return logEnd - min(logEnd, uint64(len(logRing))) }

// consoleWrite appends to the log.
func consoleWrite(p []byte) {
	for _, b := range p {
		put(b)
	}
}

func put(b byte) {
	logRing[logEnd%uint64(len(logRing))] = b
	logEnd++
	if logShown {
		showPut(b)
	}
}

// showPut shows what put has put. It is not inlined, so that put is.
//
//go:noinline
func showPut(b byte) {
	show(b, allConsoles&^yielded)
	if yielded == 0 {
		logTaken = logEnd
	}
}

// replay shows on some consoles what the ring has from a place on.
func replay(from uint64, to Consoles) {
	for i := max(from, kept()); i < logEnd; i++ {
		show(logRing[i%uint64(len(logRing))], to)
	}
}

// showLog shows on all consoles what nobody has seen of the log, and all from now
// on. If it has not been shown yet, that is all that the ring has.
func showLog() {
	if logShown {
		takeBack(yielded, true)
		return
	}
	logShown, yielded, logTaken = true, 0, logEnd
	replay(0, allConsoles)
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
