// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"math"
	"strings"

	"loam/abi"
)

// What /proc tells of the machine.

// release is what uname(2) says, too.
const release = "5.10.0-loam"

func (s *Server) procMachine(d *procFolder) {
	d.text("cpuinfo", s.cpuinfo)
	d.text("meminfo", s.meminfo)
	d.text("filesystems", func() string { return "nodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\t9p\n" })
	d.text("stat", s.procStat)
	d.text("uptime", func() string {
		up := s.kernel.Now()
		idle := max(up*int64(s.machine.CPUs())-s.usedTime(), 0)
		return fmt.Sprintf("%d.%02d %d.%02d\n", up/1e9, up%1e9/1e7, idle/1e9, idle%1e9/1e7)
	})
	d.text("loadavg", s.loadavg)
	d.text("version", func() string { return "Linux version " + release + " (Loam)\n" })
	d.text("cmdline", func() string { return "\n" })
}

func (s *Server) cpuinfo() string {
	var b strings.Builder
	for i := range s.machine.CPUs() {
		fmt.Fprintf(&b, "processor\t: %d\n\n", i)
	}
	return b.String()
}

// meminfo tells of the machine's memory. Files in memory are what Linux calls shared memory, and part of its cache.
func (s *Server) meminfo() string {
	total, free := s.machine.Memory()
	files := uint64(s.memory.Used())
	var b strings.Builder
	for _, l := range []struct {
		name  string
		bytes uint64
	}{
		{"MemTotal", total}, {"MemFree", free}, {"MemAvailable", free}, {"Buffers", 0}, {"Cached", files}, {"SwapCached", 0},
		{"Active", 0}, {"Inactive", 0}, {"SwapTotal", 0}, {"SwapFree", 0}, {"Dirty", 0}, {"Writeback", 0}, {"AnonPages", max(total-free, files) - files},
		{"Mapped", 0}, {"Shmem", files}, {"Slab", 0}, {"SReclaimable", 0}, {"SUnreclaim", 0}, {"CommitLimit", total}, {"Committed_AS", total - free},
	} {
		fmt.Fprintf(&b, "%-15s %8d kB\n", l.name+":", l.bytes>>10)
	}
	return b.String()
}

// usedTime is the CPU time of all processes that there are and were, ns.
func (s *Server) usedTime() int64 {
	all := s.usedBefore
	for _, p := range s.processes {
		all += int64(s.use(p).Time)
	}
	return all
}

// runnable tells how many threads there are, and how many of them run or want to: the one that asks does.
func (s *Server) runnable() (running, all int) {
	for _, p := range s.processes {
		for _, t := range s.threads(p) {
			all++
			if c := s.current; t.State == abi.ThreadRunning || t.State == abi.ThreadReady || c != nil && c.tid() == int32(t.ID) {
				running++
			}
		}
	}
	return running, all
}

// load has the three averages of /proc/loadavg. They are of the CPUs that the sandbox's processes used, brought up to
// the present when somebody asks: a timer for them would wake an idle machine every few seconds.
type load struct {
	at, used int64
	average  [3]float64
}

// loadTimes are what the averages are over, ns.
var loadTimes = [3]float64{60e9, 300e9, 900e9}

func (l *load) bring(now, used int64) {
	since := float64(now - l.at)
	if since <= 0 {
		return
	}
	busy := float64(used-l.used) / since
	for i, t := range loadTimes {
		keep := math.Exp(-since / t)
		l.average[i] = l.average[i]*keep + busy*(1-keep)
	}
	l.at, l.used = now, used
}

func (s *Server) loadavg() string {
	s.load.bring(s.kernel.Now(), s.usedTime())
	running, all := s.runnable()
	last := int32(0)
	for pid := range s.byPID {
		last = max(last, pid)
	}
	a := s.load.average
	return fmt.Sprintf("%.2f %.2f %.2f %d/%d %d\n", a[0], a[1], a[2], running, all, last)
}

// procStat tells of times: which CPU a process used isn't known, so each has its part of all.
func (s *Server) procStat() string {
	cpus := s.machine.CPUs()
	used := s.usedTime() / tickNS
	up := s.kernel.Now() / tickNS
	var b strings.Builder
	line := func(name string, used, all int64) {
		fmt.Fprintf(&b, "%s %d 0 0 %d 0 0 0 0 0 0\n", name, used, max(all-used, 0))
	}
	line("cpu ", used, up*int64(cpus))
	for i := range cpus {
		line(fmt.Sprintf("cpu%d", i), used/int64(cpus), up)
	}
	running, _ := s.runnable()
	wall, _ := s.clock().Nanoseconds()
	fmt.Fprintf(&b, "btime %d\nprocesses %d\nprocs_running %d\nprocs_blocked 0\n", (wall-s.kernel.Now())/1e9, s.badge, max(running, 1))
	return b.String()
}
