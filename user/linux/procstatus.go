// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"math/bits"
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
)

// The texts of /proc/PID/stat, status, statm and io, in Linux's formats (proc(5)).

const tickNS = 1e9 / 100 // of sysconf(_SC_CLK_TCK)

// state is the letter for what a process does, or a thread of it if tid isn't 0. Who asks is running, though it waits
// for the answer.
func (s *Server) state(p *process, tid int32) byte {
	switch {
	case p.zombie:
		return 'Z'
	case p.halted:
		return 'T'
	}
	if tid == 0 {
		tid = p.pid
	}
	if c := s.current; c != nil && c.p == p && c.tid() == tid {
		return 'R'
	}
	for _, t := range s.threads(p) {
		if int32(t.ID) == tid && (t.State == abi.ThreadWaiting || t.State == abi.ThreadNew) {
			return 'S'
		}
	}
	return 'R'
}

// stateNames are the words for the letters.
var stateNames = map[byte]string{'R': "running", 'S': "sleeping", 'T': "stopped", 'Z': "zombie"}

func (p *process) parentID() int32 {
	switch {
	case p.parent != nil:
		return p.parent.pid
	case p.first:
		return 0
	}
	return 1
}

// statLine is the file stat.
func (s *Server) statLine(p *process, tid int32) string {
	u, threads := s.use(p), s.threads(p)
	m := sizesOf(s.areas(p))
	id, time, nice, cpu := p.pid, int64(u.Time), int32(0), uint32(0)
	for _, t := range threads {
		if int32(t.ID) == p.pid && tid == 0 || int32(t.ID) == tid {
			nice, cpu = t.Nice, t.CPU
			if tid != 0 {
				id, time = tid, int64(t.Time)
			}
		}
	}
	tty, foreground := 0, int32(-1)
	if c := s.terminalOf(p); c != nil {
		tty, foreground = int(lx.Device(ptsMajor, uint32(s.numberOf(c)))), c.group
	}
	count := len(threads)
	if p.zombie {
		count = 0
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d (%s) %c %d %d %d %d %d %d", id, s.comm(p), s.state(p, tid), p.parentID(), p.pgid, p.sid, tty, foreground, 0x40_0000)
	fmt.Fprintf(&b, " %d 0 0 0 %d 0 %d 0 %d %d %d 0 %d", u.Faults, time/tickNS, p.childTime/tickNS, 20+nice, nice, count, p.born/tickNS)
	fmt.Fprintf(&b, " %d %d %d %d %d %d", m.all, u.Pages, p.limits[abi.RLIMIT_RSS].Cur, m.codeStart, m.codeEnd, m.stack)
	fmt.Fprintf(&b, " 0 0 0 0 0 0 0 0 0 %d %d 0 0 0 0 0 0 0 0 0 0 0 0 0\n", p.exitSignal, cpu)
	return b.String()
}

// statmLine is the file statm, in pages.
func (s *Server) statmLine(p *process) string {
	m := sizesOf(s.areas(p))
	return fmt.Sprintf("%d %d %d %d 0 %d 0\n", m.all/abi.PageSize, s.use(p).Pages, 0, m.code/abi.PageSize, m.data/abi.PageSize)
}

// statusText is the file status. What is about what Linux's kernel alone has is left out.
func (s *Server) statusText(p *process, tid int32) string {
	state, id := s.state(p, tid), tid
	if id == 0 {
		id = p.pid
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Name:\t%s\n", s.comm(p))
	if !p.zombie {
		fmt.Fprintf(&b, "Umask:\t%04o\n", p.view.Umask)
	}
	fmt.Fprintf(&b, "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", state, stateNames[state], p.pid, id, p.parentID())
	fmt.Fprintf(&b, "Uid:\t%s\nGid:\t%s\nFDSize:\t%d\nGroups:\t", p.who.user.text(), p.who.group.text(), max(64, (p.table.Len()+63)&^63))
	b.WriteString(strings.Trim(fmt.Sprint(p.who.groups), "[]") + " \n")
	fmt.Fprintf(&b, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", p.pid, id, p.pgid, p.sid)
	threads := s.threads(p)
	if !p.zombie {
		s.statusMemory(&b, p)
	}
	fmt.Fprintf(&b, "Threads:\t%d\n", len(threads))
	s.statusSignals(&b, p, tid)
	c := &p.who.caps
	fmt.Fprintf(&b, "CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\n", c.inheritable, c.permitted, c.effective, allCaps, 0)
	cpus := s.machine.CPUs()
	fmt.Fprintf(&b, "NoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\nCpus_allowed:\t%x\nCpus_allowed_list:\t%s\nMems_allowed:\t1\nMems_allowed_list:\t0\n", uint64(1)<<cpus-1, cpuList(cpus))
	switches := uint64(0)
	for _, t := range threads {
		if tid == 0 && int32(t.ID) == p.pid || int32(t.ID) == tid {
			switches = t.Switches
		}
	}
	fmt.Fprintf(&b, "voluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t0\n", switches)
	return b.String()
}

// text is how status has them.
func (o ids) text() string {
	return fmt.Sprintf("%d\t%d\t%d\t%d", o.real, o.effective, o.saved, o.file)
}

// cpuList is how Linux writes a set of the first CPUs.
func cpuList(n int) string {
	if n == 1 {
		return "0"
	}
	return fmt.Sprintf("0-%d", n-1)
}

// statusMemory adds what is about memory.
func (s *Server) statusMemory(b *strings.Builder, p *process) {
	m, u := sizesOf(s.areas(p)), s.use(p)
	for _, l := range []struct {
		name  string
		bytes uint64
	}{
		{"VmPeak", max(m.all, u.Peak*abi.PageSize)}, {"VmSize", m.all}, {"VmLck", 0}, {"VmPin", 0}, {"VmHWM", u.Peak * abi.PageSize},
		{"VmRSS", u.Pages * abi.PageSize}, {"RssAnon", u.Pages * abi.PageSize}, {"RssFile", 0}, {"RssShmem", 0},
		{"VmData", m.data}, {"VmStk", m.stackSize}, {"VmExe", m.code}, {"VmLib", 0}, {"VmPTE", 0}, {"VmSwap", 0}, {"HugetlbPages", 0},
	} {
		fmt.Fprintf(b, "%s:\t%8d kB\n", l.name, l.bytes>>10)
	}
	b.WriteString("CoreDumping:\t0\nTHP_enabled:\t1\n")
}

// statusSignals adds what is about signals: those of a zombie are gone.
func (s *Server) statusSignals(b *strings.Builder, p *process, tid int32) {
	var q abi.ProcessSignals
	if s.procs != nil && !p.zombie {
		s.procs.Signals(p.pid, tid, &q)
	}
	queued := bits.OnesCount64(uint64(q.Own)) + bits.OnesCount64(uint64(q.Shared))
	fmt.Fprintf(b, "SigQ:\t%d/%d\n", queued, p.limits[abi.RLIMIT_SIGPENDING].Cur)
	for _, l := range []struct {
		name string
		set  abi.Sigset
	}{{"SigPnd", q.Own}, {"ShdPnd", q.Shared}, {"SigBlk", q.Blocked}, {"SigIgn", q.Ignored}, {"SigCgt", q.Caught}} {
		fmt.Fprintf(b, "%s:\t%016x\n", l.name, uint64(l.set))
	}
}

// transfers count what a process reads and writes, by calls.
type transfers struct {
	read, written uint64 // bytes
	reads, writes uint64 // calls
}

// didRead notes the result of a call that reads, and gives it back.
func (m *transfers) didRead(result uint64) uint64 {
	if result != blocked && result != slow {
		m.reads++
		m.read += uint64(max(int64(result), 0))
	}
	return result
}

// didWrite notes the result of a call that writes, and gives it back.
func (m *transfers) didWrite(result uint64) uint64 {
	if result != blocked && result != slow {
		m.writes++
		m.written += uint64(max(int64(result), 0))
	}
	return result
}

// text is the file io. There is no disk behind a file in memory, and what is behind a folder isn't known here.
func (m *transfers) text() string {
	return fmt.Sprintf("rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
		m.read, m.written, m.reads, m.writes)
}

// limitNames are what people call limits, by their numbers, and their units.
var limitNames = [abi.RLIM_NLIMITS][2]string{
	{"cpu time", "seconds"}, {"file size", "bytes"}, {"data size", "bytes"}, {"stack size", "bytes"},
	{"core file size", "bytes"}, {"resident set", "bytes"}, {"processes", "processes"}, {"open files", "files"},
	{"locked memory", "bytes"}, {"address space", "bytes"}, {"file locks", "locks"}, {"pending signals", "signals"},
	{"msgqueue size", "bytes"}, {"nice priority", ""}, {"realtime priority", ""}, {"realtime timeout", "us"},
}

// text is the file limits.
func (l *limits) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	value := func(v uint64) string {
		if v == abi.RLIM_INFINITY {
			return "unlimited"
		}
		return fmt.Sprint(v)
	}
	for i, n := range limitNames {
		fmt.Fprintf(&b, "%-25s %-20s %-20s ", "Max "+n[0], value(l[i].Cur), value(l[i].Max))
		if n[1] != "" {
			fmt.Fprintf(&b, "%-10s", n[1])
		}
		b.WriteByte('\n')
	}
	return b.String()
}
