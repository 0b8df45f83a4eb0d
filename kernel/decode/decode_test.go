// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"testing"

	"loam/abi"
)

func TestClone(t *testing.T) {
	const goRuntime = 0x50f00 // runtime.cloneFlags on linux
	const vm, sig, thread = abi.CLONE_VM, abi.CLONE_SIGHAND, abi.CLONE_THREAD
	tests := []struct {
		name  string
		flags uint64
		want  abi.Errno
	}{
		{"Go", goRuntime, 0},
		{"Go with TLS", goRuntime | abi.CLONE_SETTLS, 0},
		{"musl", 0x7d0f00, 0},
		{"fork", 17, abi.ENOSYS},
		{"vfork", abi.CLONE_VM | abi.CLONE_VFORK | 17, abi.ENOSYS},
		{"thread without handlers", vm | thread, abi.EINVAL},
		{"handlers without memory", sig, abi.EINVAL},
		{"thread with its own descriptors", vm | sig | thread | abi.CLONE_FS, abi.EINVAL},
		{"name space", goRuntime | abi.CLONE_NEWNS, abi.EINVAL},
		{"high bits", goRuntime | 1<<40, abi.EINVAL},
	}
	for _, tt := range tests {
		if got := Clone(tt.flags); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestFutexOp(t *testing.T) {
	tests := []struct {
		op   uint64
		want Futex
		e    abi.Errno
	}{
		{0, Futex{}, 0},
		{128, Futex{Private: true}, 0},
		{1 | 128, Futex{Cmd: abi.FUTEX_WAKE, Private: true}, 0},
		{9 | 256, Futex{Cmd: abi.FUTEX_WAIT_BITSET, Real: true}, 0},
		{0 | 256, Futex{}, abi.ENOSYS},
		{abi.FUTEX_LOCK_PI, Futex{}, abi.ENOSYS},
		{77, Futex{}, abi.ENOSYS},
	}
	for _, tt := range tests {
		if got, e := FutexOp(tt.op); got != tt.want || e != tt.e {
			t.Errorf("FutexOp(%#x) = %+v, %d, want %+v, %d", tt.op, got, e, tt.want, tt.e)
		}
	}
}

func TestClock(t *testing.T) {
	for id, want := range map[uint64]ClockKind{
		0: Real, 1: Monotonic, 2: ProcessCPU, 3: ThreadCPU, 4: Monotonic, 5: Real,
		6: Monotonic, 7: Monotonic, 10: BadClock, 11: Real, 99: BadClock, 1<<64 - 6: BadClock,
	} {
		if got := Clock(id); got != want {
			t.Errorf("Clock(%d) = %d, want %d", id, got, want)
		}
	}
}

func TestDeadlines(t *testing.T) {
	if got := After(5, Never); got != Never {
		t.Errorf("After saturates: %d", got)
	}
	if got := After(5, 7); got != 12 {
		t.Errorf("After(5, 7) = %d", got)
	}
	if Millis(5, -1) != Never || Millis(5, 0) != 5 || Millis(5, 2) != 2_000_005 {
		t.Error("Millis is wrong")
	}
	if Until(Never, 5) != Never || Until(10, 4) != 6 || Until(3, 4) != 0 {
		t.Error("Until is wrong")
	}
}

// TestNext counts.
func TestNext(t *testing.T) {
	for _, at := range []int64{0, 5, 1000} {
		for period := int64(1); period < 20; period++ {
			for now := at; now < at+100; now++ {
				want := at
				for want <= now {
					want += period
				}
				if got := Next(at, period, now); got != want {
					t.Fatalf("Next(%d, %d, %d) = %d, want %d", at, period, now, got, want)
				}
			}
		}
	}
	if got := Next(0, Never, 5); got != Never {
		t.Errorf("the longest period: %d", got)
	}
	if got := Next(0, Never-1, Never-1); got != Never {
		t.Errorf("beyond all times: %d", got)
	}
}
