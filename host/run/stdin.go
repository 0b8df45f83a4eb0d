// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"loam/abi/channel"
	"loam/abi/channel/stream"
)

// stdinChunk is the most input read at once, in bytes. It is small because
// what loam has read and the program has not is lost at the program's end.
const stdinChunk = 4096

// stdinPoll is how long a wait for input goes on before it looks whether the
// program has ended.
const stdinPoll = 100 // milliseconds

// forwardStdin sends the person's input to the guest until it or the program
// ends. The write blocks while the guest's buffers are full: back-pressure up
// to whoever writes the input.
func (g *guest) forwardStdin() {
	w := stream.NewWriter(g.p.In)
	buf := make([]byte, stdinChunk)
	for g.Stdin != nil && g.awaitInput(g.Stdin) {
		n, err := g.Stdin.Read(buf)
		if n > 0 && w.Write(channel.Stdin, buf[:n]) != nil {
			return // the machine is gone
		}
		if err != nil || n == 0 {
			break
		}
	}
	select {
	case <-g.ended:
	default:
		_ = w.Write(channel.StdinEOF, nil)
	}
}

// awaitInput waits until f has input or has ended, without taking any. It
// returns false if the program ended first. In the background of a terminal
// there is no input: reading it there would stop loam, and with it a program
// that perhaps never reads.
func (g *guest) awaitInput(f *os.File) bool {
	fd := int(f.Fd())
	for {
		ready := false
		if inBackground(fd) {
			time.Sleep(stdinPoll * time.Millisecond)
		} else {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(p, stdinPoll)
			// After a failure the read will say what is wrong.
			ready = (n > 0 || (err != nil && err != unix.EINTR)) && !inBackground(fd)
		}
		select {
		case <-g.ended:
			return false
		default:
		}
		if ready {
			return true
		}
	}
}

// inBackground reports whether fd is the terminal of a foreground other than
// this process.
func inBackground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group != unix.Getpgrp()
}
