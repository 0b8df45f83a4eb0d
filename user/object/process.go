// SPDX-License-Identifier: Apache-2.0

package object

import (
	"errors"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/sys"
)

// Process is a handle to a process.
type Process Handle

// Self is the calling process.
const Self = Process(abi.HandleProcess)

// Given is handle i of those that the process's creator handed on.
func Given(i int) Handle { return abi.GivenHandle(i) }

// NewThread makes a thread in the process. It begins with Start.
func (p Process) NewThread() (Thread, error) {
	v, err := sys.ObjectCall(abi.CallThreadCreate, uint64(p))
	return Thread(v), err
}

// Kill ends the process.
func (p Process) Kill() error {
	_, err := sys.ObjectCall(abi.CallProcessKill, uint64(p))
	return err
}

// Wait waits until the process has ended and all that it had is given back (but
// memory objects, which go soon after), or for a deadline.
func (p Process) Wait(until int64) (abi.ExitStatus, error) {
	v, err := wait(abi.CallProcessWait, Handle(p), uint64(until), 0)
	return abi.ExitStatusOf(v), err
}

// OnEnd calls f once, from a goroutine of its own, when the process has ended. The handle, which must have Wait, is
// OnEnd's from then on, also if there is an error: EINVAL, it isn't that of a process that runs.
func (p Process) OnEnd(f func()) error {
	if _, err := p.Wait(Now); !errors.Is(err, syscall.ETIMEDOUT) {
		_ = p.Close()
		return abi.EINVAL
	}
	go func() {
		for {
			if _, err := p.Wait(Forever); !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		_ = p.Close()
		f()
	}()
	return nil
}

// Info tells how the process is.
func (p Process) Info() (abi.ProcessInfo, error) {
	var b [abi.ProcessInfoSize]byte
	if err := sys.ObjectInfo(abi.CallProcessInfo, Handle(p), b[:]); err != nil {
		return abi.ProcessInfo{}, err
	}
	return abi.GetProcessInfo(b[:]), nil
}

// Use tells what the process does and has used.
func (p Process) Use() (abi.ProcessUse, error) {
	var b [abi.ProcessUseSize]byte
	if err := sys.ObjectInfo(abi.CallProcessUse, Handle(p), b[:]); err != nil {
		return abi.ProcessUse{}, err
	}
	return abi.GetProcessUse(b[:]), nil
}

// SetQuota bounds the CPU time that the threads of the process together may have in
// each period, from 1 ms to 10 s; a time of 0 bounds nothing, any other is at least 100 us. Its children have quotas of their own.
func (p Process) SetQuota(quota, period time.Duration) error {
	_, err := sys.ObjectCall(abi.CallProcessQuota, uint64(p), uint64(quota), uint64(period))
	return err
}

// Forward has the process's Linux calls that are about anything but its own memory, threads,
// signals and time go to who receives from an endpoint (abi.ReceivedForwarded), with the
// endpoint's badge.
func (p Process) Forward(to Handle) error {
	_, err := sys.ObjectCall(abi.CallProcessForward, uint64(p), uint64(to))
	return err
}

// Signal sends the process a signal, as the kernel does.
func (p Process) Signal(s syscall.Signal) error {
	_, err := sys.ObjectCall(abi.CallProcessSignal, uint64(p), uint64(s))
	return err
}

// Close gives the handle back. The process goes on.
func (p Process) Close() error { return Close(Handle(p)) }

// Program says what a process is made of.
type Program struct {
	File    string       // of the boot archive
	Args    []string     // the first is the program's name
	Handles []abi.HandOn // that it finds by Given
	Limits  *abi.Limits  // of its account, nil: the defaults
	Highest int          // the highest fixed priority that its threads may have (Thread.Schedule)
	Empty   bool         // nothing: no File, no Args; its first thread waits for Start
	Held    bool         // its first thread waits for Resume

	BootArgs  bool // no Args: those that lie in the boot archive
	Essential bool // never ended for want of memory; the caller must be so itself
}

// Request writes the program as CallProcessCreate takes it.
func (p *Program) Request() []byte {
	limits := abi.DefaultLimits()
	if p.Limits != nil {
		limits = *p.Limits
	}
	args := ""
	for _, a := range p.Args {
		args += a + "\x00"
	}
	head := abi.ProcessCreate{Handles: uint32(len(p.Handles)), Name: uint32(len(p.File)), Args: uint32(len(args)), Limits: limits, Priority: uint32(p.Highest)}
	if p.Held {
		head.Flags |= abi.ProcessHeld
	}
	if p.Empty {
		head.Flags |= abi.ProcessEmpty
	}
	if p.BootArgs {
		head.Flags |= abi.ProcessBootArgs
	}
	if p.Essential {
		head.Flags |= abi.ProcessEssential
	}
	b := make([]byte, head.Size())
	head.Put(b)
	at := abi.ProcessCreateSize
	for _, h := range p.Handles {
		h.Put(b[at:])
		at += abi.HandOnSize
	}
	at += copy(b[at:], p.File)
	copy(b[at:], args)
	return b
}

// Child is a process that Start made.
type Child struct {
	Process Process
	Space   Space
	Thread  Thread // the first
}

// Start makes a process.
func (p *Program) Start() (Child, error) {
	made, err := sys.ProcessCreate(p.Request())
	return Child{Process(made.Process), Space(made.Space), Thread(made.Thread)}, err
}

// Close gives the three handles back.
func (c Child) Close() error {
	for _, h := range [3]Handle{Handle(c.Process), Handle(c.Space), Handle(c.Thread)} {
		if err := Close(h); err != nil {
			return err
		}
	}
	return nil
}
