// SPDX-License-Identifier: Apache-2.0

package ps

import (
	"fmt"
	"io"
	"strconv"
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
			proglist.UpTime(now.Sub(m.Started)))
	}
	if m.Trouble != "" {
		head += ": " + m.Trouble
	}
	if _, err := fmt.Fprintln(w, head); err != nil || len(m.Programs) == 0 {
		return err
	}
	return proglist.Print(w, m.Programs)
}
