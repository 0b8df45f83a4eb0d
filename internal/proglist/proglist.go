// SPDX-License-Identifier: Apache-2.0

// Package proglist is the form in which init tells the host what runs in a machine.
package proglist

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"loam/abi"
)

// Request is the request of the host's that init answers, with its list: one
// program a line, with tabs between the fields.
const Request = "programs 1"

// State is what a program does, for people.
type State string

// The states of a program.
const (
	StateStopped State = "stopped"         // not started (yet, or again)
	StateReady   State = "waiting for CPU" // one of its threads could run
	StateRunning State = "running"         // one of its threads has a CPU
	StateBlocked State = "blocked"         // all of its threads wait for something
	StateEnded   State = "ended"           // for good
)

// Entry is a program in init's list.
type Entry struct {
	Name     string `json:"name"`
	State    State  `json:"state"`
	Why      string `json:"why,omitempty"`      // it ended, or is stopped
	PID      uint32 `json:"pid,omitempty"`      // 0: it has no process
	Threads  uint32 `json:"threads"`            //
	Restarts uint64 `json:"restarts"`           //
	CPU      uint64 `json:"cpu_ns"`             // time of the process
	Memory   uint64 `json:"memory_bytes"`       // charged to it and what it started
	Alive    uint64 `json:"since_ns,omitempty"` // since the process was started
}

// entryFields is how many fields a line has.
const entryFields = 9

// Encode writes a list as text, of at most limit bytes: what doesn't fit is
// left out from the end.
func Encode(list []Entry, limit int) string {
	var b []byte
	for i := range list {
		n := len(b)
		if b = list[i].append(b); len(b) > limit {
			return string(b[:n])
		}
	}
	return string(b)
}

func (e *Entry) append(b []byte) []byte {
	for _, text := range [3]string{e.Name, string(e.State), e.Why} {
		b = append(append(b, field(text)...), '\t')
	}
	for i, n := range [6]uint64{uint64(e.PID), uint64(e.Threads), e.Restarts, e.CPU, e.Memory, e.Alive} {
		end := byte('\t')
		if i == 5 {
			end = '\n'
		}
		b = append(strconv.AppendUint(b, n, 10), end)
	}
	return b
}

// field makes a text fit for a field.
func field(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return '?'
		}
		return c
	}, s)
}

// errEntries is a list that no init wrote.
var errEntries = errors.New("init's list makes no sense")

// Decode reads what Encode wrote. The machine is not trusted: what it
// wrote may be anything.
func Decode(text string) ([]Entry, error) {
	list := []Entry{}
	if len(text) > abi.MaxHostAnswer {
		return nil, errEntries
	}
	for text != "" {
		line, rest, whole := strings.Cut(text, "\n")
		e, ok := decodeEntry(line)
		if !whole || !ok {
			return nil, errEntries
		}
		list, text = append(list, e), rest
	}
	return list, nil
}

func decodeEntry(line string) (e Entry, ok bool) {
	f := strings.Split(line, "\t")
	if len(f) != entryFields || field(line) != strings.ReplaceAll(line, "\t", "?") {
		return e, false
	}
	e = Entry{Name: f[0], State: State(f[1]), Why: f[2]}
	switch e.State {
	case StateStopped, StateReady, StateRunning, StateBlocked, StateEnded:
	default:
		return e, false
	}
	var n [6]uint64
	for i := range n {
		bits := 64
		if i < 2 {
			bits = 32
		}
		v, err := strconv.ParseUint(f[3+i], 10, bits)
		if err != nil {
			return e, false
		}
		n[i] = v
	}
	e.PID, e.Threads, e.Restarts, e.CPU, e.Memory, e.Alive = uint32(n[0]), uint32(n[1]), n[2], n[3], n[4], n[5]
	return e, true
}
