// SPDX-License-Identifier: Apache-2.0

package ps

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"loam/internal/proglist"
)

// Print writes a list for people.
func Print(w io.Writer, list []Machine, now time.Time) error {
	for i := range list {
		if err := printMachine(w, &list[i], now); err != nil {
			return err
		}
	}
	return nil
}

func printMachine(w io.Writer, m *Machine, now time.Time) error {
	head := "machine " + strconv.Itoa(m.PID)
	if m.Program != "" {
		head += ": " + m.Program
	}
	if m.Machine != "" {
		cpus := "CPUs"
		if m.CPUs == 1 {
			cpus = "CPU"
		}
		head += fmt.Sprintf(" (%s, %s, %d MiB, %d %s, up %s)", m.Machine, m.Arch, m.MemoryMiB, m.CPUs, cpus,
			upTime(now.Sub(m.Started)))
	}
	if m.Trouble != "" {
		head += ": " + m.Trouble
	}
	if _, err := fmt.Fprintln(w, head); err != nil || len(m.Programs) == 0 {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "  PROGRAM\tPID\tCPU TIME\tMEMORY\tTHREADS\tRESTARTS\tUP\tSTATE")
	for _, e := range m.Programs {
		fmt.Fprintln(tw, "  "+strings.Join(row(&e), "\t"))
	}
	return tw.Flush()
}

// row is the line of a program.
func row(e *proglist.Entry) []string {
	state := string(e.State)
	if e.Why != "" {
		state += ": " + e.Why
	}
	if e.PID == 0 {
		return []string{e.Name, "-", "-", "-", "-", strconv.FormatUint(e.Restarts, 10), "-", state}
	}
	return []string{e.Name, strconv.Itoa(int(e.PID)), cpuTime(e.CPU), memory(e.Memory),
		strconv.Itoa(int(e.Threads)), strconv.FormatUint(e.Restarts, 10), upTime(time.Duration(e.Alive)), state}
}

func cpuTime(ns uint64) string {
	return strconv.FormatFloat(float64(ns)/1e9, 'f', 3, 64) + "s"
}

func memory(bytes uint64) string {
	const mib = 1 << 20
	if bytes < 10*mib {
		return strconv.FormatUint(bytes>>10, 10) + "K"
	}
	return strconv.FormatUint(bytes/mib, 10) + "M"
}

// upTime says a time in at most two units.
func upTime(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d/time.Hour%24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d/time.Minute%60)
	}
	return d.String()
}
