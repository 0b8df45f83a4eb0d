// SPDX-License-Identifier: Apache-2.0

package object

import (
	"errors"
	"syscall"

	"loam/abi"
	"loam/user/sys"
)

// Managed is the endpoint to which the calls of processes are forwarded, for who answers them: it knows
// those processes by their ids. The errors are those of the calls, syscall.ESRCH of a process that isn't among them
// (any more).
type Managed Handle

// Clone makes a process of the caller of a forwarded call, which waits for Continue, and gives its id.
func (m Managed) Clone(token uint64, q *abi.ProcessClone) (pid uint32, err error) {
	var b [abi.ProcessCloneSize]byte
	q.Put(b[:])
	v, err := sys.ObjectBytes(abi.CallProcessClone, 1, b[:], token)
	return uint32(v), err
}

// Copy copies the memory of a process to another one, which has none.
func (m Managed) Copy(pid, to uint32) error {
	for at := uint64(0); ; {
		next, err := sys.ObjectCall(abi.CallProcessCopy, uint64(m), uint64(pid), uint64(to), at)
		if err != nil || next == 0 {
			return err
		}
		at = next
	}
}

// Replace gives the process of a forwarded call's caller an empty space, and has it wait for Continue.
func (m Managed) Replace(token uint64, q *abi.ProcessReplace) (abi.ProcessReplaced, error) {
	return sys.ProcessReplace(token, q)
}

// Continue has the first thread of a process run after Clone or Replace.
func (m Managed) Continue(pid uint32) error {
	_, err := sys.ObjectCall(abi.CallProcessContinue, uint64(m), uint64(pid))
	return err
}

// Space makes a handle of the space of a process.
func (m Managed) Space(pid uint32) (Space, error) {
	v, err := sys.ObjectCall(abi.CallProcessOpen, uint64(m), uint64(pid), uint64(abi.KindSpace))
	return Space(v), err
}

// Process makes a handle of a process.
func (m Managed) Process(pid uint32) (Process, error) {
	v, err := sys.ObjectCall(abi.CallProcessOpen, uint64(m), uint64(pid), uint64(abi.KindProcess))
	return Process(v), err
}

// Thread makes a handle of the first thread of a process.
func (m Managed) Thread(pid uint32) (Thread, error) {
	v, err := sys.ObjectCall(abi.CallProcessOpen, uint64(m), uint64(pid), uint64(abi.KindThread))
	return Thread(v), err
}

// Post sends a signal to a process, or to its thread tid if that isn't 0. The result is abi.PostIgnored and
// the like for SIGCHLD.
func (m Managed) Post(pid, tid uint32, info *abi.Siginfo) (uint64, error) {
	var b [abi.SiginfoSize]byte
	info.Put(b[:])
	return sys.ObjectBytes(abi.CallProcessPost, 3, b[:], uint64(m), uint64(pid), uint64(tid))
}

// Watch has bits of a notification signalled when there is news.
func (m Managed) Watch(n Notification, bits uint64) error {
	_, err := sys.ObjectCall(abi.CallProcessWatch, uint64(m), uint64(n), bits)
	return err
}

// News tells of one process that has ended, was stopped or goes on; ok is false when there is none.
func (m Managed) News() (n abi.ProcessNews, ok bool, err error) {
	var b [abi.ProcessNewsSize]byte
	_, err = sys.ObjectBytes(abi.CallProcessNews, 1, b[:], uint64(m))
	if errors.Is(err, syscall.EAGAIN) {
		return n, false, nil
	}
	return abi.GetProcessNews(b[:]), err == nil, err
}

// Write copies bytes to the memory of a process, and tells how many it could.
func (m Managed) Write(pid uint32, addr uint64, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		piece := p[done:min(len(p), done+abi.MaxMessageBytes)]
		n, err := sys.ObjectBytes(abi.CallProcessWrite, 3, piece, uint64(m), uint64(pid), addr+uint64(done), 0, uint64(len(piece)))
		done += int(n)
		if err != nil || n < uint64(len(piece)) {
			return done, err
		}
	}
	return done, nil
}

// Area tells of the area of a process's memory that an address lies in, or of the next one; ok is false when there
// is none.
func (m Managed) Area(pid uint32, addr uint64) (a abi.ProcessArea, ok bool) {
	var b [abi.ProcessAreaSize]byte
	_, err := sys.ObjectBytes(abi.CallProcessArea, 3, b[:], uint64(m), uint64(pid), addr)
	return abi.GetProcessArea(b[:]), err == nil
}

// ThreadFrom tells of the thread of a process with an id, or with the next higher one; ok is false when there is none.
func (m Managed) ThreadFrom(pid, tid uint32) (t abi.ThreadInfo, ok bool) {
	var b [abi.ThreadInfoSize]byte
	_, err := sys.ObjectBytes(abi.CallProcessThread, 3, b[:], uint64(m), uint64(pid), uint64(tid))
	return abi.GetThreadInfo(b[:]), err == nil
}

// Signals tells of the signals of a process, or of its thread tid if that isn't 0, and takes one as s asks.
func (m Managed) Signals(pid, tid uint32, s *abi.ProcessSignals) error {
	var b [abi.ProcessSignalsSize]byte
	s.Put(b[:])
	_, err := sys.ObjectBytes(abi.CallProcessSignals, 3, b[:], uint64(m), uint64(pid), uint64(tid))
	if err == nil {
		*s = abi.GetProcessSignals(b[:])
	}
	return err
}
