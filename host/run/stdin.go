// SPDX-License-Identifier: Apache-2.0

package run

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"loam/abi/channel"
	"loam/abi/channel/stream"
)

// stdinChunk is the most input read at once, in bytes. It is small because what
// loam has read and the program has not is lost at the program's end.
const stdinChunk = 32 << 10

// backgroundPoll is how often a loam in the background of its terminal looks
// whether it is in the foreground again, in milliseconds.
const backgroundPoll = 100

// stdin forwards a person's input to a guest.
type stdin struct {
	from *os.File // nil: there is none
	to   *stream.Writer
	// busy is held while a frame is sent: requests go the same way.
	busy *sync.Mutex
	// wake is readable once no more input is to be read; stop writes to it.
	wake, stop *os.File
	room       <-chan struct{} // gets a value when the ring has room
	over       chan struct{}   // closed when no more input is to be sent
	done       chan struct{}   // closed when nothing is read any more
}

// newStdin makes one of what is to be read; nil: nothing.
func newStdin(from *os.File, note func(format string, args ...any)) *stdin {
	s := &stdin{from: from, over: make(chan struct{}), done: make(chan struct{})}
	if s.from != nil {
		var err error
		if s.wake, s.stop, err = os.Pipe(); err != nil {
			note("no standard input: %v", err)
			s.from = nil
		}
	}
	return s
}

// forwardStdin starts to send input to the guest.
func (g *guest) forwardStdin() {
	from := g.Stdin
	if g.streams != nil { // and not this way
		g.streams.forward(from, g.note)
		from = nil
	}
	s := newStdin(from, g.note)
	s.to, s.busy, s.room = stream.NewWriter(g.p.In), &g.asker.busy, g.room
	if g.ring != nil {
		s.to.Use(g.ring)
	}
	g.stdin = s
	go s.forward()
}

// end ends the forwarding; the guest's connection must have been closed, so
// that no write to it blocks. When it returns nothing is read any more, unless
// another process reads the same input and was faster: then that read stays.
func (s *stdin) end() {
	if s == nil || s.stop == nil {
		return
	}
	_ = s.stop.Close()
	close(s.over)
	select {
	case <-s.done:
		_ = s.wake.Close()
	case <-time.After(time.Second):
	}
}

// forward sends input until it or the program ends. It waits while the guest's
// buffers are full: back-pressure up to whoever writes the input.
func (s *stdin) forward() {
	defer close(s.done)
	buf := make([]byte, stdinChunk)
	for s.from != nil {
		room := s.awaitRoom()
		if room == 0 || !s.await() {
			return
		}
		n, err := s.from.Read(buf[:min(room, len(buf))])
		if n > 0 && s.send(channel.Stdin, buf[:n]) != nil {
			return // the machine is gone
		}
		if err != nil || n == 0 {
			break
		}
	}
	_ = s.send(channel.StdinEOF, nil)
}

// send sends one frame.
func (s *stdin) send(t channel.Type, p []byte) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	return s.to.Write(t, p)
}

// awaitRoom waits until the guest can take input, and returns how much: 0 if
// the program or the machine ended first. A guest that says there is room when
// there is none is asked again, and so only as often as it answers.
func (s *stdin) awaitRoom() int {
	for {
		n, err := s.to.Room()
		switch {
		case err != nil:
			return 0
		case n > 0:
			return n
		}
		if s.send(channel.WantRoom, nil) != nil {
			return 0
		}
		select {
		case <-s.room:
		case <-s.over:
			return 0
		}
	}
}

// await waits until there is input or its end, without taking any. It returns
// false if the program ended first. In the background of a terminal there is
// no input: reading it there would stop loam, and with it a program that
// perhaps never reads.
func (s *stdin) await() bool {
	fd, wake := int32(s.from.Fd()), int32(s.wake.Fd())
	for {
		both := []unix.PollFd{{Fd: wake, Events: unix.POLLIN}, {Fd: fd, Events: unix.POLLIN}}
		wait, fds := -1, both
		if inBackground(int(fd)) {
			wait, fds = backgroundPoll, both[:1]
		}
		_, err := unix.Poll(fds, wait)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return true // the read will say what is wrong
		case both[0].Revents != 0:
			return false
		case both[1].Revents != 0 && !inBackground(int(fd)):
			return true
		}
	}
}

// inputEnded reports whether it is known, without reading, that nothing is to be
// read: there is no input, or it is at its end.
func inputEnded(f *os.File) bool {
	if f == nil {
		return true
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return true
	}
	if info.Mode().IsRegular() {
		at, err := f.Seek(0, io.SeekCurrent)
		return err == nil && at >= info.Size()
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&unix.POLLHUP != 0 && fds[0].Revents&unix.POLLIN == 0
}

// inBackground reports whether fd is the terminal of a foreground other than
// this process.
func inBackground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group != unix.Getpgrp()
}
