// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/payload"
	"loam/test/vm/vmtest"
)

// riscvQEMU finds the emulator, or skips a test that is for riscv64.
func riscvQEMU(t *testing.T) string {
	t.Helper()
	vmtest.Loam(t)
	if vmtest.Arch() != "riscv64" {
		t.Skip("for riscv64")
	}
	path, err := exec.LookPath("qemu-system-riscv64")
	if err != nil {
		t.Skip(err)
	}
	return path
}

// flatKernel is a file with the kernel that the loam under test boots.
var flatKernel = sync.OnceValues(func() (string, error) {
	if name := os.Getenv("LOAM_KERNEL"); name != "" {
		return name, nil
	}
	b, err := payload.Kernel("riscv64")
	if err != nil {
		return "", err
	}
	name := filepath.Join(vmtest.Dir(), "kernel-riscv64")
	return name, os.WriteFile(name, b, 0o666)
})

// bare is a machine that QEMU starts without loam: nobody listens to its host channel,
// and its loader may be one that lies.
type bare struct {
	qemu, bios string
	args       []string // besides
	until      string   // what the console says when the machine has to be taken away
}

// bareLimit is when a machine hangs, on a slow and busy host.
const bareLimit = 30 * time.Second

// ending is what a machine did.
type ending struct {
	status int
	log    string // of the console
	took   time.Duration
}

// run runs the machine to its end; one that hangs fails the test.
func (m bare) run(t *testing.T) (e ending) {
	t.Helper()
	defer vmtest.Slot()()
	args := append([]string{"-bios", m.bios, "-accel", "tcg", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"}, m.args...)
	cmd := exec.Command(m.qemu, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := false
	timer := time.AfterFunc(bareLimit, func() { hung = true; _ = cmd.Process.Kill() })
	var log strings.Builder
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		log.WriteString(line)
		if err != nil {
			break
		}
		if m.until != "" && strings.Contains(line, m.until) {
			_ = cmd.Process.Kill()
		}
	}
	err = cmd.Wait()
	stopped := timer.Stop()
	e = ending{cmd.ProcessState.ExitCode(), log.String(), time.Since(start)}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if hung && !stopped {
		t.Fatalf("the machine hangs\n%s%s", complaint.String(), e.log)
	}
	if e.status == 1 {
		t.Fatalf("QEMU refused: %s", complaint.String())
	}
	return e
}

// want checks how a machine ended, and what its console said.
func (e ending) want(t *testing.T, status int, words ...string) {
	t.Helper()
	if e.status != status {
		t.Errorf("exit status %d, want %d", e.status, status)
	}
	for _, w := range words {
		if !strings.Contains(e.log, w) {
			t.Errorf("the console doesn't say %q", w)
		}
	}
	if t.Failed() {
		t.Logf("after %v\n%s", e.took.Round(time.Millisecond), e.log)
	}
}

// Where a loader of ours has things, in 64 MiB of virt's memory.
const (
	ramAt     = 0x80000000
	ramSize   = 64 << 20
	loadAt    = ramAt + 4<<20 // the kernel
	archiveAt = ramAt + 40<<20
	treeAt    = ramAt + 48<<20
)

// loader is a program that goes on at at with tree as the devicetree, as a loader
// does, in machine or in supervisor mode.
func loader(at, tree uint64) []byte {
	var b []byte
	for _, w := range []uint32{
		0x00000297, // auipc t0, 0
		0x0102b583, // ld a1, 16(t0)
		0x0182b283, // ld t0, 24(t0)
		0x00028067, // jr t0
	} {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, tree), at)
}

// loaded are the arguments for a virt in whose memory a loader has put the kernel and
// a devicetree, of which it says that it lies at told.
func loaded(t *testing.T, tree []byte, told uint64) []string {
	t.Helper()
	kernel, err := flatKernel()
	if err != nil {
		t.Fatal(err)
	}
	at := func(file string, addr uint64) string {
		return "loader,file=" + file + ",force-raw=on,addr=" + fmt.Sprintf("%#x", addr)
	}
	args := []string{"-M", "virt", "-m", "64", "-kernel", vmtest.File(t, "loader", loader(loadAt, told)), "-device", at(kernel, loadAt)}
	return append(args, "-device", at(vmtest.File(t, "tree", tree), treeAt))
}

// hostPort are the arguments for a port of the host channel at which nobody listens.
var hostPort = []string{"-chardev", "null,id=channel", "-device", "pci-serial,chardev=channel"}
