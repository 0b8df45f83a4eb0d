// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"time"

	"loam/host/ps"
	"loam/internal/proglist"
)

// list lets `loam ps` find the machine, until the function that it returns is called.
// What goes wrong there is no fault of the run's.
func (m *machine) list(ask Ask) (end func()) {
	if len(m.Sockets) == 0 {
		return func() {}
	}
	about := ps.Machine{
		Program: m.Path, Args: m.Args, Arch: m.Arch, Machine: string(m.Machine), MemoryMiB: m.MemoryMiB, CPUs: m.CPUs,
		Started: time.Now(), Init: m.hasInit(),
	}
	s, err := ps.Serve(m.Sockets, func(ctx context.Context) ps.Machine {
		now := about
		// What a deterministic machine does must not depend on who looks at it.
		if now.Init && !m.Deterministic {
			var err error
			if now.Programs, err = Programs(ctx, ask); err != nil {
				now.Trouble = err.Error()
			}
		}
		return now
	})
	if err != nil {
		m.say("loam ps can't see this machine: %v", err)
		return func() {}
	}
	return s.Close
}

// Programs asks a machine's init for the program list.
func Programs(ctx context.Context, ask Ask) ([]proglist.Entry, error) {
	answer, err := ask(ctx, []byte(proglist.Request))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("its init does not answer")
	case err != nil:
		return nil, err
	}
	return proglist.Decode(string(answer))
}
