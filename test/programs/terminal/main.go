// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command terminal is an ordinary program with a terminal: it says what it knows of it and
// which signals come, and does what single letters of stdin say: r raw, c as it was, e as it was but
// without echo, q end.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

const flags = unix.ISIG | unix.ICANON | unix.ECHO

var mu sync.Mutex

func say(format string, args ...any) {
	mu.Lock()
	defer mu.Unlock()
	fmt.Printf(format+"\n", args...)
}

func size() string {
	w, err := unix.IoctlGetWinsize(1, unix.TIOCGWINSZ)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(w.Row, "x", w.Col)
}

func is(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

func main() {
	c := make(chan os.Signal, 16)
	signal.Notify(c, unix.SIGINT, unix.SIGTSTP, unix.SIGCONT, unix.SIGWINCH)
	say("terminals %v %v %v, size %s", is(0), is(1), is(2), size())
	go func() {
		for s := range c {
			switch s {
			case unix.SIGINT:
				say("interrupt")
			case unix.SIGTSTP:
				say("suspend")
			case unix.SIGCONT:
				say("resume")
			case unix.SIGWINCH:
				say("size %s", size())
			}
		}
	}()
	for b := make([]byte, 1); ; {
		if n, err := os.Stdin.Read(b); n == 0 {
			say("end %v", err)
			return
		}
		t, err := unix.IoctlGetTermios(0, unix.TCGETS)
		if err == nil && (b[0] == 'r' || b[0] == 'c' || b[0] == 'e') {
			t.Lflag &^= flags
			t.Lflag |= map[byte]uint32{'c': flags, 'e': unix.ISIG | unix.ICANON}[b[0]]
			err = unix.IoctlSetTermios(0, unix.TCSETSW, t)
		}
		if b[0] == 'q' {
			os.Exit(7)
		}
		say("got %q, local %#x, %v", b, t.Lflag&flags, err)
	}
}
