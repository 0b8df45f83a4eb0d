// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/build/image"
	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// testKernel is the bootable image of test/kernel, built as ./x build builds
// the kernel.
var testKernel = sync.OnceValues(func() (string, error) {
	linked := filepath.Join(vmtest.Dir(), "test-kernel.linked")
	err := vmtest.Go("linux", vmtest.Arch(), "build", "-trimpath", "-tags", "loam",
		"-ldflags", image.LinkFlags, "-o", linked, "./test/kernel")
	if err != nil {
		return "", err
	}
	elf, err := os.ReadFile(linked)
	if err != nil {
		return "", err
	}
	img, err := image.Build(elf)
	if err != nil {
		return "", err
	}
	path := filepath.Join(vmtest.Dir(), "test-kernel")
	return path, os.WriteFile(path, img, 0o666)
})

// cpusOf is how many CPUs the test kernel gets on a kind of machine: one of the two has
// several.
func cpusOf(kind string) int {
	if kind == full() {
		return 4
	}
	return 1
}

// bootKernel boots the test kernel with test=name and gives QEMU's exit status
// and the kernel's log.
func bootKernel(t *testing.T, kind, name string) (int, string) {
	t.Helper()
	return bootKernelOn(t, kind, cpusOf(kind), hostvm.Param{Key: "test", Value: name})
}

// bootKernelOn is bootKernel on a number of CPUs, with any parameters.
func bootKernelOn(t *testing.T, kind string, cpus int, params ...hostvm.Param) (int, string) {
	t.Helper()
	vmtest.Loam(t) // the machine suite is asked for
	path, err := testKernel()
	if err != nil {
		t.Fatal(err)
	}
	config := hostvm.Config{Machine: hostvm.Machine(kind), Accel: hostvm.TCG, CPUs: cpus, MemoryMiB: 64}
	command := "qemu-system-x86_64"
	if vmtest.Arch() == hostvm.RISCV64 {
		config.Machine, config.Firmware, command = hostvm.Virt, kind, "qemu-system-riscv64"
	}
	qemu, err := exec.LookPath(command)
	if err != nil {
		t.Skip(err)
	}
	kernel, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	defer vmtest.Slot()()
	config.QEMU, config.Kernel = qemu, kernel
	config.Params = append(params, hostvm.Param{Key: "log", Value: "1"})
	p, err := hostvm.Start(&config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	go func() { _, _ = io.Copy(io.Discard, p.Out) }()
	select {
	case <-p.Done():
	case <-time.After(2 * time.Minute):
		t.Fatalf("the kernel hangs\n%s", strings.Join(p.Log.Lines(100), "\n"))
	}
	return p.Ending().Status, strings.Join(p.Log.Lines(1000), "\n")
}

// TestKernelRuntime: Go's runtime on the bare machine.
func TestKernelRuntime(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		for _, name := range []string{"runtime", "collector", "sleep", "random", "runner"} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				status, log := bootKernel(t, kind, name)
				if status != hostvm.StatusEnded || !strings.Contains(log, "ok "+name) {
					t.Errorf("status %d\n%s", status, log)
				}
			})
		}
	}
}

// TestKernelGivesBack: the kernel's own heap gives its frames back, and no CPU sees
// one of them any more.
func TestKernelGivesBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"giveback", "forget"} {
		for _, cpus := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("%s/%d", name, cpus), func(t *testing.T) {
				t.Parallel()
				status, log := bootKernelOn(t, full(), cpus, hostvm.Param{Key: "test", Value: name})
				if status != hostvm.StatusEnded || !strings.Contains(log, "ok "+name) {
					t.Errorf("status %d\n%s", status, log)
				}
			})
		}
	}
}

// TestKernelWakes: no wake-up of a CPU that idles is lost.
func TestKernelWakes(t *testing.T) {
	t.Parallel()
	for _, cpus := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(cpus), func(t *testing.T) {
			t.Parallel()
			status, log := bootKernelOn(t, full(), cpus, hostvm.Param{Key: "test", Value: "wakes"})
			if status != hostvm.StatusEnded || !strings.Contains(log, "ok wakes") {
				t.Errorf("status %d\n%s", status, log)
			}
		})
	}
}

// TestKernelSpace: each boot puts the kernel's heap, tables, stacks and direct map
// elsewhere; boots with the same seed put them at the same place.
func TestKernelSpace(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	seeds := [...]string{"", "", strings.Repeat("5a", 32), strings.Repeat("5a", 32), strings.Repeat("5b", 32)}
	var places [len(seeds)][4]uint64
	for i, seed := range seeds {
		params := []hostvm.Param{{Key: "test", Value: "space"}}
		if seed != "" {
			params = append(params, hostvm.Param{Key: "seed", Value: seed})
		}
		status, log := bootKernelOn(t, quick(), 1+i%2, params...)
		p := &places[i]
		_, line, ok := strings.Cut(log, "direct ")
		if _, err := fmt.Sscanf(line, "0x%x tables 0x%x stacks 0x%x heap 0x%x", &p[0], &p[1], &p[2], &p[3]); !ok || err != nil || status != hostvm.StatusEnded {
			t.Fatalf("status %d, %v\n%s", status, err, log)
		}
	}
	if places[2] != places[3] {
		t.Errorf("two boots with one seed: %#x and %#x", places[2], places[3])
	}
	// All choices have 16 bits or more: two that meet by chance are rarer than faults.
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {2, 4}} {
		for part := range 4 {
			if places[pair[0]][part] == places[pair[1]][part] {
				t.Errorf("boots %v: both have %#x", pair, places[pair[0]][part])
			}
		}
	}
}

// TestKernelFaults: whatever goes wrong in the kernel ends in a report with
// the function's name and a stopped machine.
func TestKernelFaults(t *testing.T) {
	t.Parallel()
	faults := map[string][]string{
		"nil":         {"main.nilDereference", "page fault"},
		"pagezero":    {"main.pageZero"},
		"writetext":   {"main.writeText"},
		"executedata": {"page fault", "main.main"}, // the code that ran has no name,
		"overflow":    {"main.recurse", "stack overflow"},
		"divide":      {"main.divide"},
		"panic":       {"main.goPanic", "on purpose"},
		"guard":       {"main.guard"},
		"throw":       {"concurrent map writes", "main.throw"},
		"machine":     {"machine"},
	}
	if vmtest.Arch() == hostvm.RISCV64 {
		faults["machinemode"] = []string{" fault", "main.machineMode"}
	} else {
		faults["nmi"] = []string{"NMI on CPU", "main."} // main.main, or the leaf that it called
	}
	for name, words := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range kinds() {
				status, log := bootKernel(t, kind, name)
				if status != hostvm.StatusPanic {
					t.Errorf("%s: status %d, want that of a panic (%d)", kind, status, hostvm.StatusPanic)
				}
				for _, w := range words {
					if !strings.Contains(log, w) {
						t.Errorf("%s: the log does not say %q", kind, w)
					}
				}
				if t.Failed() {
					t.Fatal(log)
				}
			}
		})
	}
}
