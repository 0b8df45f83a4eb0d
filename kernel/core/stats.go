//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/abi/channel"
	"loam/machine/bootinfo"
	"loam/machine/frame"
	"loam/machine/metal"
)

// counters are what `loam run -v` shows, apart from what others count.
type counters struct {
	memoryMiB   uint64
	freeAtStart uint64 // frames

	// ownedAtStart is what programs could cause to be taken, before any ran.
	ownedAtStart uint64
	nodesAtStart int    // that areas can have
	firstEntry   int64  // ns, when the first user instruction ran
	peak         uint64 // frames, the most that one ended space had
	faults       uint64 // page faults resolved in spaces that have ended
	large        uint64 // large pages made in those

	collections collections
	mallocs     *mallocs // nil: nobody wants it
}

// unknownCalls counts calls that nobody answers, by number. When all slots are
// taken, further numbers are counted together.
type unknownCalls struct {
	numbers [32]uint64
	counts  [32]uint64
	others  uint64
}

func (u *unknownCalls) count(nr uint64) {
	for i := range u.numbers {
		if u.counts[i] == 0 || u.numbers[i] == nr {
			u.numbers[i] = nr
			u.counts[i]++
			return
		}
	}
	u.others++
}

// programFrames is the number of frames that programs can cause to be taken, a context
// for one: all but those behind the kernel's own heap, and the kernel's own.
// After the last process it is what it was before the first, or something leaked.
func programFrames() uint64 {
	return k.frames.Owned(frame.User) + k.frames.Owned(frame.UserFile) +
		k.frames.Owned(frame.PageTable) + metal.ProgramContexts()
}

// report sends the figures to the host, if it wants them (v=1).
func report() {
	if v, _ := bootinfo.Flag(metal.CommandLine(), "v"); !v {
		return
	}
	metal.Objects().Trim()
	m := metal.Machine()
	calls := uint64(0)
	for i := range k.runners {
		calls += k.runners[i].calls
	}
	stat("calls", calls, "calls")
	stat("page_faults", k.stats.faults, "faults")
	stat("large_pages", k.stats.large, "pages")
	stat("peak_resident", k.stats.peak*abi.PageSize>>10, "KiB")
	stat("frames_free_at_start", k.stats.freeAtStart, "frames")
	stat("frames_free_at_end", m.FreeBytes/abi.PageSize, "frames")
	stat("frames_leaked", programFrames()-k.stats.ownedAtStart, "frames")
	stat("kernel_heap", m.HeapBytes>>10, "KiB")
	stat("kernel_tables", m.TableBytes>>10, "KiB")
	stat("kernel_objects", m.ObjectBytes>>10, "KiB")
	stat("least_free", m.LeastFree>>10, "KiB")
	stat("kernel_entry", uint64(metal.Entered()), "ns")
	stat("first_user_instruction", uint64(k.stats.firstEntry), "ns")
	stat("exit_time", uint64(metal.Now()), "ns")
	reportMeasured()
	reportLeft()
	for i, n := range k.unknown.counts {
		if n == 0 {
			break
		}
		var l line
		l.text("unknown_call_")
		if name := abi.Name(abi.HostArch, k.unknown.numbers[i]); name != "" {
			l.text(name)
		} else {
			l.number(k.unknown.numbers[i])
		}
		sendStat(&l, n, "calls")
	}
	if k.unknown.others > 0 {
		stat("unknown_call_others", k.unknown.others, "calls")
	}
}

func stat(name string, value uint64, unit string) {
	var l line
	l.text(name)
	sendStat(&l, value, unit)
}

func sendStat(l *line, value uint64, unit string) {
	l.text(" ")
	l.number(value)
	l.text(" ")
	l.text(unit)
	l.text("\n")
	metal.HostWrite(channel.Stats, l.done())
}
