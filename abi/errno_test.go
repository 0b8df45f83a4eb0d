// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestErrno(t *testing.T) {
	for i := range 140 {
		e := Errno(i)
		r := e.Result()
		got, failed := Failed(r)
		if failed != (i != 0) || got != e {
			t.Errorf("Failed(%#x) = %d %v", r, got, failed)
		}
	}
	for r, want := range map[uint64]bool{0: false, 1: false, 1 << 63: false, 1<<64 - 4096: false, 1<<64 - 4095: true, 1<<64 - 1: true} {
		if _, failed := Failed(r); failed != want {
			t.Errorf("Failed(%#x) = %v", r, failed)
		}
	}
	if ENOENT.Error() != "no such file or directory" || ENOENT.Name() != "ENOENT" || EWOULDBLOCK != EAGAIN {
		t.Error("text of ENOENT")
	}
	for _, e := range []Errno{0, 41, 134, ERESTARTSYS, 65535} {
		if e.Name() != "" || e.Error() != "unknown error" {
			t.Errorf("%d is %q, %q", e, e.Name(), e.Error())
		}
	}
}

func TestErrnoText(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the host numbers errors otherwise")
	}
	for i := range errnoText {
		host := syscall.Errno(i).Error()
		if errnoText[i] != "" && !strings.HasPrefix(host, "errno ") && host != errnoText[i] {
			t.Errorf("%d is %q, the host says %q", i, errnoText[i], host)
		}
	}
}

func TestSmall(t *testing.T) {
	if a, ok := UserAddr(1 << 63).Add(1 << 63); ok || a != 0 {
		t.Error("Add wrapped unseen")
	}
	if a, ok := UserAddr(5).Add(6); !ok || a != 11 {
		t.Error("Add")
	}
	for _, c := range []struct {
		a    UserAddr
		n    uint64
		want bool
	}{{0, 0, true}, {0, 100, true}, {0, 101, false}, {100, 0, true}, {101, 0, false}, {50, 1<<64 - 1, false}, {99, 1, true}} {
		if got := c.a.Below(100, c.n); got != c.want {
			t.Errorf("%d.Below(100, %d) = %v", c.a, c.n, got)
		}
	}
	for s, want := range map[ExitStatus]uint32{{Exited, 0x1ff}: 0xff00, {Signalled, 11}: 11, {NotStarted, 2}: 127 << 8} {
		if got := s.Wait(); got != want {
			t.Errorf("%v.Wait() = %#x, want %#x", s, got, want)
		}
	}
	for s, want := range map[ExitStatus]string{
		{Exited, 3}: "exit code 3", {Signalled, 11}: "killed by signal 11 (SIGSEGV)",
		{NotStarted, 2}: "not started: no such file or directory", {9, 1}: "unknown end 1",
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSignals(t *testing.T) {
	for s := Signal(1); s <= NumSignals; s++ {
		if !s.Valid() || !s.Set().Has(s) || s.Set().Lowest() != s || (^s.Set()).Has(s) {
			t.Errorf("signal %d", s)
		}
	}
	if Signal(0).Valid() || Signal(65).Valid() || Signal(-1).Valid() || Sigset(0).Lowest() != 0 {
		t.Error("invalid signals")
	}
	if SIGSYS.String() != "SIGSYS" || Signal(40).String() != "real-time signal" || Signal(0).String() != "unknown signal" {
		t.Error("names")
	}
}

func TestTimespec(t *testing.T) {
	for _, c := range []struct {
		t    Timespec
		want int64
		ok   bool
	}{
		{Timespec{0, 0}, 0, true}, {Timespec{1, 5}, 1e9 + 5, true}, {Timespec{0, 1e9}, 0, false},
		{Timespec{-1, 0}, 0, false}, {Timespec{0, -1}, 0, false},
		{Timespec{9223372035, 999999999}, 9223372035999999999, true},
		{Timespec{9223372036, 0}, 1<<63 - 1, true}, {Timespec{1<<63 - 1, 999999999}, 1<<63 - 1, true},
	} {
		if got, ok := c.t.Nanoseconds(); got != c.want || ok != c.ok {
			t.Errorf("%v is %d %v, want %d %v", c.t, got, ok, c.want, c.ok)
		}
	}
	for ns, want := range map[int64]Timespec{0: {}, 1e9 + 5: {1, 5}, -1: {-1, 999999999}, 1<<63 - 1: {9223372036, 854775807}} {
		if got := TimespecOf(ns); got != want {
			t.Errorf("TimespecOf(%d) = %v", ns, got)
		}
	}
	if TimevalOf(2e9+1999) != (Timeval{2, 1}) {
		t.Error("TimevalOf")
	}
}
