// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// TestLinux has a program of Go's use files, pipes, timers and streams under a personality server, in
// memory and in a folder of the host's: it prints what it prints on the host.
func TestLinux(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const bus = 3
	input := strings.Repeat("a line of standard input\n", 5_000)
	onHost := exec.Command(vmtest.Foreign(t, runtime.GOOS, runtime.GOARCH, "files"), "all", t.TempDir(), t.TempDir())
	var stdout, stderr bytes.Buffer
	onHost.Stdin, onHost.Stdout, onHost.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := onHost.Run(); err != nil {
		t.Fatalf("on the host: %v\n%s", err, &stderr)
	}
	host := t.TempDir()
	dir := services(t, "service folder0\n  system folder\n  args tag=here grant=2\n  provides folder0\n"+
		place(bus, "4M")+"  dma 1M\n  restart always\n"+
		"service linux\n  system linux\n  args mount=0:/on/host\n  provides linux\n  uses folder0\n  start lazy\n  restart never\nprogram\n  under linux\n")
	qemu := append([]string{"-fsdev", "local,id=f,security_model=none,multidevs=remap,path=" + host},
		onMMIO(bus, "virtio-9p-device,fsdev=f,mount_tag=here")...)
	r := vmtest.Command{Env: vmtest.QEMUWith(t, qemu...), Args: []string{"run", "-m", "256M", "-v", "--services", dir,
		vmtest.Program(t, "files"), "all", "/tmp", "/on/host"}, Stdin: strings.NewReader(input)}.Do(t)
	r.WantStdout(t, 0, stdout.String())
	if !bytes.Contains(r.Stderr, stderr.Bytes()) {
		t.Errorf("stderr: %s\nwant %s", r.Stderr, &stderr)
	}
	wantNothingLeft(t, r)
}

// TestLinuxDies: a program whose personality server dies has a defined end, and so has one that no
// server takes in.
func TestLinuxDies(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir := services(t, "service linux\n  file services\n  args exit 3\n  provides linux\n  restart never\nprogram\n  under linux\n")
	r := vmtest.Run(t, "-m", "256M", "-v", "--services", dir, vmtest.Program(t, "hello"))
	if r.Code == 0 || len(r.Stdout) > 0 || !strings.Contains(string(r.Stderr), "under linux: ") {
		t.Error(r)
	}
	wantNothingLeft(t, r)
	const little = "service linux\n  system linux\n  provides linux\n  limit pages 6M\n  restart never\nprogram\n  under linux\n"
	r = vmtest.Run(t, "-m", "256M", "-v", "--services", services(t, little), vmtest.Program(t, "files"), "many", "10000")
	r.Want(t, 137)
	if want := " was killed: what answers its system calls has ended\n"; !strings.Contains(string(r.Stderr), want) {
		t.Errorf("not said: %q\n%s", want, r.Stderr)
	}
	wantNothingLeft(t, r)
}
