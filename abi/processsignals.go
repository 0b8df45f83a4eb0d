// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// ProcessSignalsSize is the size of ProcessSignals in bytes.
const ProcessSignalsSize = 56 + SiginfoSize

// ProcessSignals is what CallProcessSignals is asked, and what it answers.
type ProcessSignals struct {
	Take  Sigset // asked: of these, one that is pending is taken away
	Watch Sigset // asked: of these there is news from now on when one becomes pending (NewsSignal)

	Own     Sigset // pending for the thread, before one was taken
	Shared  Sigset // pending for the process
	Blocked Sigset // by the thread
	Ignored Sigset // whose action is SIG_IGN
	Caught  Sigset // that have a handler

	Info Siginfo // of the signal that was taken; Signo is 0 if none was
}

// Put writes s's layout to the first ProcessSignalsSize bytes of b.
func (s *ProcessSignals) Put(b []byte) {
	_ = b[ProcessSignalsSize-1]
	for i, v := range [7]Sigset{s.Take, s.Watch, s.Own, s.Shared, s.Blocked, s.Ignored, s.Caught} {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	}
	s.Info.Put(b[56:])
}

// GetProcessSignals reads a ProcessSignals from the first ProcessSignalsSize bytes of b.
func GetProcessSignals(b []byte) ProcessSignals {
	_ = b[ProcessSignalsSize-1]
	set := func(i int) Sigset { return Sigset(binary.LittleEndian.Uint64(b[8*i:])) }
	return ProcessSignals{set(0), set(1), set(2), set(3), set(4), set(5), set(6), GetSiginfo(b[56:])}
}
