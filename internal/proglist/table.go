// SPDX-License-Identifier: Apache-2.0

package proglist

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Print writes a list for people, as a table.
func Print(w io.Writer, list []Entry) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "  PROGRAM\tPID\tCPU TIME\tMEMORY\tTHREADS\tRESTARTS\tUP\tSTATE")
	for i := range list {
		fmt.Fprintln(tw, "  "+strings.Join(row(&list[i]), "\t"))
	}
	return tw.Flush()
}

// row is the line of a program.
func row(e *Entry) []string {
	state := string(e.State)
	if e.Why != "" {
		state += ": " + e.Why
	}
	if e.PID == 0 {
		return []string{e.Name, "-", "-", "-", "-", strconv.FormatUint(e.Restarts, 10), "-", state}
	}
	return []string{e.Name, strconv.Itoa(int(e.PID)), cpuTime(e.CPU), memory(e.Memory),
		strconv.Itoa(int(e.Threads)), strconv.FormatUint(e.Restarts, 10), UpTime(time.Duration(e.Alive)), state}
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

// UpTime says a time in at most two units.
func UpTime(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d/time.Hour%24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d/time.Minute%60)
	}
	return d.String()
}
