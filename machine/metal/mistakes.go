//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/frame"

// Mistakes that the frame allocator refuses are bugs of the kernel. A checked
// kernel ends at the first; others go on, for nothing was changed, and say so in
// the log.

var mistakesTold uint64 // that are in the log, or were when another came

// ReportMistakes writes the frame allocator's last mistake to the log, and how many
// there are so far, if there was one since it was called last. The kernel floor
// calls it now and then, with the kernel lock held.
func ReportMistakes() {
	n := frames.Mistakes()
	if n == mistakesTold {
		return
	}
	mistakesTold = n
	last := frames.Mistake()
	f := beginLog()
	stamp()
	putMistake(&last)
	if n > 1 {
		puts(", mistake ")
		putDec(n)
	}
	put('\n')
	endLog(f)
}

// endAtMistake is who checked builds tell.
func endAtMistake(f frame.Report) {
	beginPanic()
	showLog()
	putMistake(&f)
	put('\n')
	machineFatal("a mistake in the use of frames")
}

// putMistake writes "frames: CODE at ADDRESS: STATE, OWNER, N frames, by CALLERS".
func putMistake(f *frame.Report) {
	puts("frames: ")
	puts(f.Code.String())
	puts(" at 0x")
	putHex(f.Addr, 1)
	puts(": ")
	puts(f.State.String())
	puts(", ")
	puts(f.Owner.String())
	puts("'s, ")
	putDec(f.Run)
	puts(" frames from 0x")
	putHex(f.Head, 1)
	puts(", ")
	putDec(uint64(f.Count))
	puts(" references, by")
	for _, pc := range f.Callers {
		if pc != 0 {
			puts(" 0x")
			putHex(pc, 1)
		}
	}
}
