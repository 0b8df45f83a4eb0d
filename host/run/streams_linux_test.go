// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/abi"
	"loam/internal/terminal"
)

// guestEnd is a machine's side of the console streams.
type guestEnd struct {
	t     *testing.T
	files [numLines]*os.File
	s     *streams
}

// newGuestEnd gives streams and the machine's side of them.
func newGuestEnd(t *testing.T, o *Options) *guestEnd {
	t.Helper()
	l := &lines{}
	if _, err := l.attach(); err != nil {
		t.Fatal(err)
	}
	g := &guestEnd{t: t, files: l.theirs}
	clear(l.theirs[:])
	g.s = newStreams(o, l, nil)
	t.Cleanup(func() {
		closeAll(g.files[:])
		g.s.end()
	})
	return g
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func (g *guestEnd) tell(m terminal.Message) {
	g.t.Helper()
	var b [terminal.MessageSize]byte
	m.Put(&b)
	if _, err := g.files[lineControl].Write(b[:]); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guestEnd) hear() terminal.Message {
	g.t.Helper()
	var b [terminal.MessageSize]byte
	if _, err := io.ReadFull(g.files[lineControl], b[:]); err != nil {
		g.t.Fatal(err)
	}
	m, err := terminal.Parse(&b, true)
	if err != nil {
		g.t.Fatal(err)
	}
	return m
}

// TestStreamsCarry: each stream goes where it belongs, all of it, and the machine hears how long stdin was.
func TestStreamsCarry(t *testing.T) {
	in, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	g := newGuestEnd(t, &Options{Stdin: in, Stdout: &out, Stderr: &errs})
	if g.s.listens() {
		t.Error("nobody has said Hello")
	}
	g.s.event(terminal.Interrupt) // told when there is somebody
	g.s.forward(in, t.Logf)
	g.tell(terminal.Message{Kind: terminal.Hello})
	if m := g.hear(); m.Kind != terminal.Facts || m.Terminal != [3]bool{} {
		t.Errorf("%+v", m)
	}
	if m := g.hear(); m.Kind != terminal.Interrupt || !g.s.listens() {
		t.Errorf("%+v", m)
	}
	text := strings.Repeat("some text\n", 50_000)
	go func() {
		_, _ = writer.WriteString(text)
		_ = writer.Close()
	}()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(g.files[lineStdin], got); err != nil || string(got) != text {
		t.Error("stdin:", err)
	}
	if m := g.hear(); m.Kind != terminal.StdinEnd || int(m.Total) != len(text) {
		t.Errorf("%+v", m)
	}
	for i, s := range []string{"to stdout", "to stderr"} {
		if _, err := g.files[lineStdout+i].WriteString(s + text); err != nil {
			t.Fatal(err)
		}
	}
	closeAll(g.files[:])
	<-g.s.over
	if out.String() != "to stdout"+text || errs.String() != "to stderr"+text {
		t.Errorf("%d and %d bytes came", out.Len(), errs.Len())
	}
}

// TestStreamsHostile: a machine that sends what is no message gets no answers, one that asks and doesn't
// listen waits, and neither keeps anything from ending.
func TestStreamsHostile(t *testing.T) {
	g := newGuestEnd(t, &Options{Stdout: io.Discard, Stderr: io.Discard})
	g.tell(terminal.Message{Kind: terminal.Hello})
	g.hear()
	g.tell(terminal.Message{Kind: terminal.Get, Number: 5, Stream: 1})
	if m := g.hear(); m.Kind != terminal.Attributes || m.Number != 5 || m.Errno != uint32(abi.ENOTTY) {
		t.Errorf("%+v", m)
	}
	g.tell(terminal.Message{Kind: terminal.Set, Number: 6, When: terminal.Drained, Written: [2]uint32{10, 0}})
	if err := unix.SetNonblock(int(g.files[lineControl].Fd()), true); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	var b [terminal.MessageSize]byte
	if n, err := unix.Read(int(g.files[lineControl].Fd()), b[:]); err != unix.EAGAIN {
		t.Error("answered before what was written has come:", n, err)
	}
	if err := unix.SetNonblock(int(g.files[lineControl].Fd()), false); err != nil {
		t.Fatal(err)
	}
	if _, err := g.files[lineStdout].WriteString("0123456789"); err != nil {
		t.Fatal(err)
	}
	if m := g.hear(); m.Number != 6 {
		t.Errorf("%+v", m)
	}
	flooded := make(chan int)
	go func() { // until it isn't taken any more
		n := 0
		for ; ; n++ {
			(&terminal.Message{Kind: terminal.Get, Number: uint32(n)}).Put(&b)
			if _, err := g.files[lineControl].Write(b[:]); err != nil {
				flooded <- n
				return
			}
		}
	}()
	time.Sleep(200 * time.Millisecond)
	g.s.end()
	if n := <-flooded; n > 100_000 {
		t.Error(n, "requests were taken of a machine that doesn't listen")
	}

	g = newGuestEnd(t, &Options{Stdout: io.Discard, Stderr: io.Discard})
	if _, err := g.files[lineControl].Write(bytes.Repeat([]byte{0xff}, 100)); err != nil {
		t.Fatal(err)
	}
	g.s.end()
}

// TestTTY: what the machine sets is set, as far as it may be, for all streams that are the same terminal,
// and undone.
func TestTTY(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	open := func() *os.File {
		f, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	in, out := open(), open()
	if err := unix.IoctlSetWinsize(int(in.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 7, Col: 9}); err != nil {
		t.Fatal(err)
	}
	x := newTTY(&Options{Terminal: true, Stdin: in, Stdout: out, Stderr: &bytes.Buffer{}})
	close(x.done) // nobody watches signals here
	if f := x.facts(); f.Terminal != [3]bool{true, true, false} || f.Size.Rows != 7 || f.Size.Columns != 9 {
		t.Errorf("%+v", f)
	}
	before, errno := x.get(0)
	if errno != 0 {
		t.Fatal(errno)
	}
	raw := before
	raw.Local, raw.Control, raw.InputSpeed = 0, 0, 50
	raw.Chars[6] = 3 // VMIN
	if errno := x.set(1, terminal.Flushed, &raw); errno != 0 {
		t.Fatal(errno)
	}
	for _, stream := range []int{0, 1} {
		a, errno := x.get(stream)
		if errno != 0 || a.Local != 0 || a.Chars[6] != 3 || a.Control != before.Control || a.InputSpeed != before.InputSpeed {
			t.Errorf("%+v, %d", a, errno)
		}
	}
	again := raw
	again.Local = 8
	if errno := x.set(0, terminal.Now, &again); errno != 0 {
		t.Error(errno)
	}
	if _, errno := x.get(2); errno != uint32(abi.ENOTTY) {
		t.Error(errno)
	}
	x.restore()
	if a, _ := x.get(0); a != before {
		t.Errorf("%+v, not %+v", a, before)
	}
	x.again()
	if a, _ := x.get(1); a.Local != 8 {
		t.Errorf("%+v", a)
	}
	func() { // a panic elsewhere
		defer func() { _ = recover() }()
		defer x.guard()
		panic("somewhere")
	}()
	if a, _ := x.get(0); a != before {
		t.Errorf("after a panic %+v, not %+v", a, before)
	}
}
