// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"loam/host/run"
	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// TestDevices runs the program that tries what drivers are made of.
func TestDevices(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, args := range vmtest.Machines([][]string{
		on(full(), "-m", "256M"),
		on(full(), "-m", "64M", "--cpus", "2"),
	}...) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, append(args, "-v", vmtest.Program(t, "devices"))...)
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}

// TestRegisters has a program look for virtio devices by registers of each, on the machine
// of the plainest kind: on microvm they share a page.
func TestRegisters(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, on(kinds()[0], "-m", "256M", "-v", vmtest.Program(t, "devices"), "mmio")...)
	r.Want(t, 0)
	wantNothingLeft(t, r)
}

// TestHostRequests asks a program in a machine, with the ring of the host channel and
// without.
func TestHostRequests(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, deterministic := range []bool{false, true} {
		t.Run(fmt.Sprint("deterministic ", deterministic), func(t *testing.T) {
			t.Parallel()
			defer vmtest.Slot()()
			testHostRequests(t, deterministic)
		})
	}
}

func testHostRequests(t *testing.T, deterministic bool) {
	ctx, cancel := context.WithTimeout(t.Context(), vmtest.Limit)
	defer cancel()
	asked := make(chan error, 1)
	var messages bytes.Buffer
	o := run.Options{
		Path: vmtest.Program(t, "devices"), Args: []string{"host"}, MemoryMiB: 256, Arch: vmtest.Arch(),
		Deterministic: deterministic, Bare: true, Messages: &messages, Stderr: &messages,
		Ask: func(ask run.Ask) {
			go func() {
				err := requests(ctx, ask)
				if asked <- err; err != nil {
					cancel()
				}
			}()
		},
	}
	if name := os.Getenv("LOAM_KERNEL"); name != "" {
		image, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Kernel = image
	}
	if o.Arch == hostvm.RISCV64 {
		o.Firmware = os.Getenv(vmtest.FirmwareVariable)
	}
	res, err := run.Run(ctx, o)
	if err != nil || res.Code != 0 {
		t.Errorf("status %d, %v\n%s", res.Code, err, messages.String())
	}
	if err := <-asked; err != nil {
		t.Errorf("%v\n%s", err, messages.String())
	}
}

// requests asks test/programs/devices, and ends it.
func requests(ctx context.Context, ask run.Ask) error {
	expect := func(request, answer string) error {
		got, err := ask(ctx, []byte(request))
		if err != nil || string(got) != answer {
			return fmt.Errorf("%q: answer of %d bytes, %q, %v", request, len(got), got[:min(len(got), 50)], err)
		}
		return nil
	}
	for i := range 50 {
		if err := expect(fmt.Sprint("echo ", i), fmt.Sprint(i)); err != nil {
			return err
		}
	}
	long := strings.Repeat("x", 251)
	if err := errors.Join(expect("echo "+long, long), expect("echo ", "")); err != nil {
		return err
	}
	for _, n := range []int{1, 4091, 4092, 4093, 8184, 16 << 10} {
		if err := expect(fmt.Sprint("large ", n), countBytes(n)); err != nil {
			return err
		}
	}
	if err := expect("large 16385", "message too long"); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := ask(short, []byte("mute")); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer: %v", err)
	}
	return errors.Join(expect("echo b", "b"), expect("end ", ""))
}

// countBytes is what test/programs/devices answers.
func countBytes(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:n]
}
