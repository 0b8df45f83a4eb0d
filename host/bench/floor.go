// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"loam/host/exit"
	"loam/host/run"
	"loam/host/vm"
)

// floored are the figures of the test kernel, which runs loops of the machine
// floor that no program can measure (test/kernel, test=bench).
var floored = []string{"frame_pair", "heap_pair", "heap_pair_4kib"}

// floorMiB is the test kernel's memory.
const floorMiB = 64

// machineFloor boots the test kernel and reads its figures off the log.
func (s *session) machineFloor(ctx context.Context) (Figures, error) {
	log, err := s.boot(ctx, s.Interrupt)
	if err != nil {
		return nil, err
	}
	return logged(log)
}

// logged are the figures in the lines of a kernel's log, which begin with a time
// stamp: "[   0.000123] bench frame_pair 51.5 ns". The last line must say that
// all was measured.
func logged(log []string) (Figures, error) {
	var lines strings.Builder
	for _, line := range log {
		_, text, _ := strings.Cut(line, "] ")
		switch figure, is := strings.CutPrefix(text, "bench "); {
		case is:
			lines.WriteString(figure + "\n")
		case text == "ok bench":
			return Parse([]byte(lines.String()))
		}
	}
	f, err := Parse([]byte(lines.String()))
	return f, errors.Join(err, fmt.Errorf("the test kernel did not measure all:\n%s", strings.Join(log, "\n")))
}

// bootFloor builds the test kernel for an architecture, as the kernel is built,
// boots it under instruction counting and returns the lines of its log.
func bootFloor(ctx context.Context, arch string, interrupt <-chan int) ([]string, error) {
	linked, image := program(arch, "test-kernel.linked"), program(arch, "test-kernel")
	err := goCommand(ctx, ".", guestEnv("linux", arch), "build", "-buildvcs=false", "-tags", "loam",
		"-ldflags", "-T -0x7fdff000 -checklinkname=0", "-o", linked, "./test/kernel")
	if err == nil {
		err = goCommand(ctx, ".", nil, "run", "./build", "image", "-o", image, linked)
	}
	if err != nil {
		return nil, err
	}
	kernel, err := os.Open(image)
	if err != nil {
		return nil, err
	}
	defer kernel.Close()
	qemu, err := run.FindQEMU(arch, "")
	if err != nil {
		return nil, err
	}
	params := []vm.Param{{Key: "test", Value: "bench"}, {Key: "log", Value: "1"}, {Key: "cpus", Value: "1"},
		{Key: "time", Value: fmt.Sprint(int64(vm.DeterministicEpoch))}, {Key: "seed", Value: strings.Repeat("5eed", 16)}}
	if arch == vm.AMD64 {
		params = append(params, vm.Param{Key: "tsc", Value: "1000000000"})
	}
	p, err := vm.Start(&vm.Config{
		QEMU: qemu, Machine: vm.DefaultMachine(arch), Accel: vm.TCG, CPUs: 1, MemoryMiB: floorMiB, Kernel: kernel,
		Deterministic: true, Params: params,
	}, nil)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	go func() { _, _ = io.Copy(io.Discard, p.Out) }() // it has nothing to say there
	select {
	case <-p.Done():
		return p.Log.Lines(1000), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case status := <-interrupt:
		return nil, &exit.Error{Code: status, Text: "interrupted"}
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("the test kernel hangs:\n%s", strings.Join(p.Log.Lines(20), "\n"))
	}
}
