// SPDX-License-Identifier: Apache-2.0

//go:build unix

package vm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running QEMU.
type Process struct {
	// Out is the host channel's stream from the guest, In the one to it; they may
	// be the same.
	Out, In *os.File
	// Console takes what is typed at the first serial port.
	Console io.Writer
	// Log is the end of the kernel's log, Stderr of what QEMU itself said.
	Log, Stderr *Tail

	cmd     *exec.Cmd
	readers sync.WaitGroup // readers of log and stderr
	done    chan struct{}  // closed when QEMU has ended and is reaped
	ending  Ending         // valid after done
	broken  chan struct{}  // closed when KVM gave up
	once    sync.Once
}

// Ending says how QEMU ended.
type Ending struct {
	Status int            // exit status, or -1
	Signal syscall.Signal // that killed it, or 0
}

// String says it as the end of a sentence about QEMU.
func (e Ending) String() string {
	if e.Signal != 0 {
		return fmt.Sprintf("was killed by signal %d (%v)", int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("ended with status %d", e.Status)
}

const (
	logTail    = 64 << 10
	stderrTail = 16 << 10
)

// Start starts QEMU. The log also goes to log, if that is not nil, as it comes.
func Start(c *Config, log io.Writer) (*Process, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := c.checkRoom(); err != nil {
		return nil, err
	}
	p := &Process{
		Log: NewTail(logTail), Stderr: NewTail(stderrTail),
		done: make(chan struct{}), broken: make(chan struct{}),
	}
	var theirs wires
	var logEnd *os.File
	var errs [3]error
	p.Out, theirs.out, errs[0] = socketPair("channel-out")
	if c.Machine == Virt {
		p.In = p.Out // a serial port for both directions
	} else {
		p.In, theirs.in, errs[1] = socketPair("channel-in")
	}
	logEnd, theirs.log, errs[2] = socketPair("log")
	// QEMU has its copies once it is started; ours would hide its end.
	hold := false
	defer func() {
		if !hold {
			closeAll(theirs.out, theirs.in, theirs.log)
		}
	}()
	if err := errors.Join(errs[:]...); err != nil {
		closeAll(p.Out, p.In, logEnd)
		return nil, err
	}
	args, files := c.args(theirs)
	p.cmd = exec.Command(c.QEMU, args...)
	p.cmd.ExtraFiles = files
	p.cmd.SysProcAttr = processAttributes()
	p.readers.Add(2) // before reap can wait for them
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.launch()
	}
	if err != nil {
		closeAll(p.Out, p.In, logEnd)
		return nil, fmt.Errorf("starting QEMU: %w", err)
	}
	if c.Deterministic && c.Machine == Virt {
		hold = true
		go p.keepBlocking(theirs.out, theirs.log)
	}
	p.Console = logEnd
	go p.readLog(logEnd, log)
	go p.readStderr(stderr)
	return p, nil
}

// launch starts the command from an operating-system thread that lives as
// long as the child: the parent-death signal is sent when the thread that
// forked ends, not when the process does (prctl(2), PR_SET_PDEATHSIG).
func (p *Process) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.reap()
		}
	}()
	return <-started
}

// reap waits for the child's end and records it.
func (p *Process) reap() {
	state, err := p.cmd.Process.Wait()
	p.ending = Ending{Status: -1}
	if err == nil {
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			p.ending.Signal = ws.Signal()
		} else {
			p.ending.Status = state.ExitCode()
		}
	}
	// A grandchild (QEMU starts none) might keep the pipes open: don't wait.
	p.waitReaders(time.Second)
	close(p.done)
}

func (p *Process) waitReaders(limit time.Duration) {
	ok := make(chan struct{})
	go func() { p.readers.Wait(); close(ok) }()
	select {
	case <-ok:
	case <-time.After(limit):
	}
}

// Kill ends QEMU at once. It may be called at any time, more than once.
func (p *Process) Kill() {
	select {
	case <-p.done:
	default:
		// The group's id is QEMU's pid, see processAttributes.
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		_ = p.cmd.Process.Kill()
	}
}

// Close kills QEMU, waits for its end and closes the connections.
func (p *Process) Close() {
	p.Kill()
	<-p.done
	closeAll(p.Out, p.In)
}

// Pause stops QEMU, and with it the machine and its clock, until Resume.
func (p *Process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume has it go on.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

// Done is closed when QEMU has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Broken is closed when the accelerator gave up on the guest: QEMU then stays,
// with the machine stopped for ever.
func (p *Process) Broken() <-chan struct{} { return p.broken }

// Ending says how QEMU ended, and waits for that.
func (p *Process) Ending() Ending {
	<-p.done
	return p.ending
}

// Pid is QEMU's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

func (p *Process) readLog(f *os.File, also io.Writer) {
	defer p.readers.Done()
	defer f.Close()
	var w io.Writer = p.Log
	if also != nil {
		w = io.MultiWriter(p.Log, also)
	}
	if _, err := io.Copy(w, f); err != nil {
		_, _ = io.Copy(p.Log, f) // the other writer failed: keep the guest going
	}
}

// readStderr keeps what QEMU says and looks for the words with which it gives
// up on a guest under KVM (accel/kvm/kvm-all.c, kvm_cpu_exec).
func (p *Process) readStderr(r io.ReadCloser) {
	defer p.readers.Done()
	defer r.Close()
	buf := make([]byte, 4096)
	var recent string
	for {
		n, err := r.Read(buf)
		_, _ = p.Stderr.Write(buf[:n])
		recent += string(buf[:n])
		if strings.Contains(recent, "KVM internal error") || strings.Contains(recent, "kvm run failed") {
			p.once.Do(func() { close(p.broken) })
		}
		recent = recent[max(0, len(recent)-64):]
		if err != nil {
			return
		}
	}
}

// SocketPair makes a connection for a device: loam's end, and the one that QEMU inherits, which loam
// closes when QEMU is started.
func SocketPair(name string) (ours, theirs *os.File, err error) { return socketPair(name) }

// socketPair returns two ends of a stream: ours non-blocking (so that closing
// it wakes a reader), theirs for QEMU to inherit.
func socketPair(name string) (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		_ = syscall.Close(fds[0])
		_ = syscall.Close(fds[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name+"-guest"), nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
