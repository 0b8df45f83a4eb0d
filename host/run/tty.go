// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"loam/abi"
	"loam/internal/terminal"
)

// tty is what loam's streams are of a terminal. Attributes that the machine sets are the terminal's
// until loam ends, or is suspended: then those are set that it had before.
type tty struct {
	files [3]*os.File // stdin, stdout, stderr, as far as they are terminals
	which [3]int      // the first of them that is the same terminal

	mu     sync.Mutex           // guards what follows, by the first stream of a terminal
	before [3]*unix.Termios     // what it had before the machine set any; nil: none were set
	wanted [3]*terminal.Termios // what the machine wants; nil: nothing
	ended  bool

	signals chan os.Signal
	done    chan struct{} // closed when signals are not watched any more
}

func newTTY(o *Options) *tty {
	t := &tty{done: make(chan struct{})}
	if !o.Terminal {
		return t
	}
	out, _ := o.Stdout.(*os.File)
	err, _ := o.Stderr.(*os.File)
	for i, f := range [3]*os.File{o.Stdin, out, err} {
		if f == nil {
			continue
		}
		if IsTerminal(f) {
			t.files[i], t.which[i] = f, i
		}
		for k := i - 1; k >= 0; k-- {
			if sameTerminal(f, t.files[k]) {
				t.which[i] = k
			}
		}
	}
	return t
}

// IsTerminal reports whether what is read or written is a terminal.
func IsTerminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok || f == nil {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), getTermios)
	return err == nil
}

// sameTerminal reports whether two files are the same device.
func sameTerminal(a, b *os.File) bool {
	var x, y unix.Stat_t
	return a != nil && b != nil && unix.Fstat(int(a.Fd()), &x) == nil && unix.Fstat(int(b.Fd()), &y) == nil && x.Rdev == y.Rdev &&
		x.Mode&unix.S_IFMT == unix.S_IFCHR && y.Mode&unix.S_IFMT == unix.S_IFCHR
}

// facts says what the streams are.
func (t *tty) facts() terminal.Message {
	m := terminal.Message{Kind: terminal.Facts}
	for _, i := range [3]int{0, 2, 1} { // the last one counts
		if t.files[i] == nil {
			continue
		}
		m.Terminal[i] = true
		if w, err := unix.IoctlGetWinsize(int(t.files[i].Fd()), unix.TIOCGWINSZ); err == nil {
			m.Size = terminal.Size{Rows: w.Row, Columns: w.Col, XPixels: w.Xpixel, YPixels: w.Ypixel}
		}
	}
	return m
}

// get gives attributes.
func (t *tty) get(stream int) (a terminal.Termios, errno uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files[stream] == nil {
		return a, uint32(abi.ENOTTY)
	}
	stream = t.which[stream]
	if w := t.wanted[stream]; w != nil && inBackground(int(t.files[stream].Fd())) {
		return *w, 0 // they are set later
	}
	h, err := unix.IoctlGetTermios(int(t.files[stream].Fd()), getTermios)
	if err != nil {
		return a, uint32(abi.EIO)
	}
	return fromHost(h), 0
}

// set sets attributes, as far as they are the machine's to set: how the terminal is connected is
// not. While loam is in the background they aren't set, which would stop it, but when it comes to
// the foreground.
func (t *tty) set(stream int, when terminal.When, a *terminal.Termios) (errno uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files[stream] == nil {
		return uint32(abi.ENOTTY)
	}
	if t.ended {
		return 0
	}
	stream = t.which[stream]
	h, err := unix.IoctlGetTermios(int(t.files[stream].Fd()), getTermios)
	if err != nil {
		return uint32(abi.EIO)
	}
	w, now := *a, fromHost(h)
	w.Control, w.InputSpeed, w.OutputSpeed, w.Line = now.Control, now.InputSpeed, now.OutputSpeed, now.Line
	t.wanted[stream] = &w
	if err := t.apply(stream, when); err != nil {
		return uint32(abi.EIO)
	}
	return 0
}

// apply sets what is wanted; t.mu is held.
func (t *tty) apply(stream int, when terminal.When) error {
	fd := int(t.files[stream].Fd())
	if inBackground(fd) {
		return nil
	}
	h, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	if t.before[stream] == nil {
		old := *h
		t.before[stream] = &old
	}
	toHost(h, t.wanted[stream])
	return unix.IoctlSetTermios(fd, setTermios[when], h)
}

// again sets what is wanted anew, after restore, or in the foreground again.
func (t *tty) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range t.wanted {
		if w != nil && !t.ended {
			_ = t.apply(i, terminal.Now)
		}
	}
}

// restore sets what was before the machine set anything.
func (t *tty) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.back()
}

func (t *tty) back() {
	for i, h := range t.before {
		if h != nil && !inBackground(int(t.files[i].Fd())) {
			_ = unix.IoctlSetTermios(int(t.files[i].Fd()), setTermios[terminal.Now], h)
		}
	}
}

// guard is deferred by what runs beside: a panic leaves the terminal as it was.
func (t *tty) guard() {
	if r := recover(); r != nil {
		locked := t.mu.TryLock() // whoever has it may be who panics
		t.back()
		if locked {
			t.mu.Unlock()
		}
		panic(r)
	}
}

// isTerminal reports whether any stream is one.
func (t *tty) isTerminal() bool { return t.files[0] != nil || t.files[1] != nil || t.files[2] != nil }

// watch has the guest hear of the terminal's size, and of the key that suspends.
func (t *tty) watch(s *streams) {
	if !t.isTerminal() {
		close(t.done)
		return
	}
	t.signals = make(chan os.Signal, 8)
	signal.Notify(t.signals, syscall.SIGWINCH, syscall.SIGTSTP, syscall.SIGCONT)
	go func() {
		defer t.guard()
		defer close(t.done)
		for sig := range t.signals {
			switch sig {
			case syscall.SIGWINCH:
				s.change(func() { s.facts = true })
			case syscall.SIGCONT:
				t.again()
				s.change(func() { s.facts = true })
			case syscall.SIGTSTP:
				t.suspend(s)
			}
		}
	}()
}

// suspendLimit is how long the guest may take to be ready to be stopped: it takes some milliseconds, but on a
// host with much else to do.
const suspendLimit = 2 * time.Second

// suspend stops machine and loam, once the guest is ready, and goes on when somebody has loam go on.
//
// It stops by SIGSTOP: Go's runtime keeps its handler of SIGTSTP once that was asked for, whatever
// signal.Reset says. So what the system would do has to be done here: nobody is stopped whom nobody could
// have go on.
func (t *tty) suspend(s *streams) {
	if orphaned() {
		return
	}
	if s.listens() {
		select {
		case <-s.suspended: // an answer that came late
		default:
		}
		s.event(terminal.Suspend)
		select {
		case <-s.suspended:
		case <-time.After(suspendLimit):
		}
	}
	t.restore()
	s.p.Pause()
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	for sig := range t.signals { // a signal to oneself need not have stopped all threads when the call returns
		if sig == syscall.SIGCONT {
			break
		}
	}
	t.again()
	s.p.Resume()
	s.event(terminal.Resume)
	s.change(func() { s.facts = true })
}

// end leaves the terminal as it was, for good.
func (t *tty) end() {
	t.mu.Lock()
	t.ended = true
	t.back()
	t.mu.Unlock()
	if t.signals != nil {
		signal.Stop(t.signals)
		close(t.signals)
	}
	<-t.done
}

// orphaned reports whether loam's process group has nobody who looks after it: a parent of one of its
// processes in the same session, but in another group. Of the others loam knows its own parent; if that is in
// the group, too (a script), what counts is whether the group is the one that the session began with.
func orphaned() bool {
	mine, err1 := unix.Getsid(0)
	its, err2 := unix.Getsid(unix.Getppid())
	group, err3 := unix.Getpgid(unix.Getppid())
	switch {
	case err1 != nil || err2 != nil || err3 != nil || mine != its:
		return true
	case group == unix.Getpgrp():
		return group == mine
	}
	return false
}
