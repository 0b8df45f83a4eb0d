// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package sys

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"loam/abi"
)

// TestMessageOptions: the structure is what the kernel reads.
func TestMessageOptions(t *testing.T) {
	a, b := []byte("what is sent"), make([]byte, 7)
	o := MessageOptions{Deadline: -5, SendAddr: &a[0], ReceiveAddr: &b[0], SendBytes: 12, ReceiveBytes: 7,
		Flags: 3, SendHandles: 4, Accept: 2}
	want := abi.MessageOptions{Deadline: -5, SendAddr: Address(a), ReceiveAddr: Address(b), SendBytes: 12,
		ReceiveBytes: 7, Flags: 3, SendHandles: 4, Accept: 2}
	for i := range o.Send {
		o.Send[i] = abi.HandOn{Handle: abi.Handle(i + 70), Rights: abi.Rights(i + 90), Flags: uint32(i)}
		o.Given[i] = abi.Handle(1000 + i)
	}
	want.Send, want.Given = o.Send, o.Given
	var wire [abi.MessageOptionsSize]byte
	want.Put(wire[:])
	if got := unsafe.Slice((*byte)(unsafe.Pointer(&o)), abi.MessageOptionsSize); !bytes.Equal(got, wire[:]) {
		t.Fatalf("% x\nwant\n% x", got, wire)
	}
}

// TestMessageRegisters makes calls of Linux's: the first four arguments and the
// result are where a message's are.
func TestMessageRegisters(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o := MessageOptions{Deadline: 0x0807060504030201}
	for name, call := range map[string]func(uint64, *Message) uint64{
		"call": MessageCall, "wait": MessageWait, "block": MessageBlock} {
		m := Message{To: uint64(f.Fd()), Options: &o, Token: 8, Words: [8]uint64{30, 1, 2, 3, 4, 5, 6, 7}}
		want := m.Words
		if r := call(syscall.SYS_PWRITE64, &m); r != 8 {
			t.Fatalf("%s: pwrite64 answered %d", name, int64(r))
		}
		if m.Words != want || m.Options != &o || m.Token != 8 { // Linux keeps them
			t.Errorf("%s: words are %v, want %v", name, m.Words, want)
		}
		b := make([]byte, 8)
		if _, err := f.ReadAt(b, 30); err != nil || !bytes.Equal(b, []byte{1, 2, 3, 4, 5, 6, 7, 8}) {
			t.Errorf("%s: in the file is % x, %v", name, b, err)
		}
		if r := call(abi.CallEndpointCall, &m); r != abi.ENOSYS.Result() {
			t.Errorf("%s: not Loam's kernel, but the call answered %#x", name, r)
		}
		f.Truncate(0)
	}
}

// TestMessageStacks makes calls from goroutines whose stacks move and shrink, while
// the collector runs.
func TestMessageStacks(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 40 {
				deep(t, i%50)
			}
		})
	}
	done := make(chan bool)
	go func() { all.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return
		default:
			runtime.GC()
		}
	}
}

func deep(t *testing.T, n int) {
	var pad [300]byte
	if n > 0 {
		deep(t, n-1)
	}
	m := Message{To: ^uint64(0), Words: [8]uint64{1, 2, 3, 4, 5, 6, 7, uint64(n)}}
	nr := uint64(syscall.SYS_CLOSE)
	if r := MessageWait(nr, &m); r != abi.EBADF.Result() || m.Words[7] != uint64(n) || pad[n] != 0 {
		t.Errorf("close answered %d, words are %v", int64(r), m.Words)
	}
	if n%10 != 0 {
		return
	}
	if r := MessageBlock(nr, &m); r != abi.EBADF.Result() || m.Words[7] != uint64(n) {
		t.Errorf("close answered %d, words are %v", int64(r), m.Words)
	}
}

// TestInterrupt: a signal ends a call of a thread, and nothing else.
func TestInterrupt(t *testing.T) {
	if err := PrepareInterrupt(); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := int(r.Fd())
	started, ended := make(chan int), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started <- ThreadID()
		_, err := syscall.Read(fd, make([]byte, 1))
		ended <- err
	}()
	id := <-started
	for {
		Interrupt(id)
		select {
		case err := <-ended:
			if err != syscall.EINTR {
				t.Fatal(err)
			}
			return
		case <-time.After(time.Millisecond): // real-time signals queue: without a pause the thread may never get through them
		}
	}
}
