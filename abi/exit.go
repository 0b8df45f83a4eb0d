// SPDX-License-Identifier: Apache-2.0

package abi

import "strconv"

// ExitKind says how a process came to its end. The numbers are those of the
// Exit frame of the host channel.
type ExitKind uint32

const (
	Exited     ExitKind = 0 // by exit_group or its last thread's exit; the value is the exit code
	Signalled  ExitKind = 1 // killed by a signal; the value is its number
	NotStarted ExitKind = 2 // never ran; the value is an Errno
)

// ExitStatus is the end of a process: a kind and its value.
type ExitStatus struct {
	Kind  ExitKind
	Value uint32
}

// Wait gives the status in wait4(2)'s encoding.
func (s ExitStatus) Wait() uint32 {
	switch s.Kind {
	case Exited:
		return s.Value & 0xff << 8
	case Signalled:
		return s.Value & 0x7f
	}
	return 127 << 8
}

// String gives one short phrase for people.
func (s ExitStatus) String() string {
	v := strconv.FormatUint(uint64(s.Value), 10)
	switch s.Kind {
	case Exited:
		return "exit code " + v
	case Signalled:
		return "killed by signal " + v + " (" + Signal(s.Value).String() + ")"
	case NotStarted:
		return "not started: " + Errno(s.Value).Error()
	}
	return "unknown end " + v
}
