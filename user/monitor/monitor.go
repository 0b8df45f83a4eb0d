// SPDX-License-Identifier: Apache-2.0

// Package monitor is a program that answers single keys at the console, for people who
// watch a machine. It is no shell: it runs nothing. Package user/system has it, and
// loam boot starts it where nobody else uses the console.
package monitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/internal/proglist"
	"loam/user/console"
	"loam/user/initd"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/sys"
)

const keys = "Keys: m memory, t time, p programs, q power off"

// monitor has what init gave it.
type monitor struct {
	console  *console.ConsoleClient
	programs *initd.ProgramsClient
	machine  object.Machine
}

// Run is the program. It has been given the console's endpoint, init's, and the machine.
func Run() error {
	m := &monitor{
		console:  console.NewConsoleClient(ipc.Endpoint(object.Given(0))),
		programs: initd.NewProgramsClient(ipc.Endpoint(object.Given(1))),
		machine:  object.Machine(object.Given(2)),
	}
	ctx := context.Background()
	if err := m.say(ctx, "ready. "+keys+"\n"); err != nil {
		return err
	}
	for {
		typed, err := m.console.Read(ctx, 64)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) { // its driver was replaced: ask the next
			return err
		}
		for _, key := range typed {
			if err := m.answer(ctx, key); err != nil {
				return err
			}
		}
	}
}

// say shows text. What a driver has that dies meanwhile is lost.
func (m *monitor) say(ctx context.Context, text string) error {
	_, err := m.console.Write(ctx, []byte(text))
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

func (m *monitor) answer(ctx context.Context, key byte) error {
	text := ""
	switch key {
	case 'm':
		text = m.memory()
	case 't':
		text = fmt.Sprintf("up %.3f s, %s\n", float64(sys.Monotonic())/1e9, time.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
	case 'p':
		text = m.list(ctx)
	case 'h', '?':
		text = "Loam, built by " + runtime.Version() + ". " + keys + "\n"
	case 'q', 3, 4: // Ctrl-C and Ctrl-D too
		if err := m.say(ctx, "power off\n"); err != nil {
			return err
		}
		return m.machine.End(abi.ExitStatus{}, "")
	default:
		return nil
	}
	return m.say(ctx, text)
}

func (m *monitor) memory() string {
	i, err := m.machine.Memory()
	if err != nil {
		return "memory: " + err.Error() + "\n"
	}
	return fmt.Sprintf("memory: %d KiB usable, %d KiB free\nkernel: heap %d KiB, tables %d KiB, objects %d KiB\n",
		i.Usable>>10, i.Free>>10, i.Heap>>10, i.Tables>>10, i.Objects>>10)
}

// list gives the program list, as loam ps shows it.
func (m *monitor) list(ctx context.Context) string {
	text, err := m.programs.List(ctx)
	if err != nil {
		return "programs: " + err.Error() + "\n"
	}
	list, err := proglist.Decode(string(text))
	if err != nil {
		return "programs: " + err.Error() + "\n"
	}
	var b bytes.Buffer
	_ = proglist.Print(&b, list) // a Buffer takes everything
	return b.String()
}
