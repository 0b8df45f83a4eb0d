// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/ninetest"
	"loam/user/virtio"
	"loam/user/virtio/p9"
)

// Where the driver's memory is in the guest's, which is all of it but the first MiB.
const (
	guestMemory = 64 << 20
	driversFrom = 1 << 20
)

// start runs a command until the test ends, and shows what it said if the test fails.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() || testing.Verbose() {
			t.Logf("%s: %s", filepath.Base(cmd.Path), said.String())
		}
	})
}

// qemu starts a machine with a folder, and gives a transport to it.
func qemu(t testing.TB, dir string, readOnly bool) *device {
	t.Helper()
	return machine(t, dir, readOnly, "").open(t, p9.Options{Buffers: 4})
}

// machine starts a machine with a 9P device, of some properties more.
func machine(t testing.TB, dir string, readOnly bool, properties string) *stopped {
	t.Helper()
	path, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Skip(err)
	}
	memory, socket := filepath.Join(t.TempDir(), "memory"), filepath.Join(t.TempDir(), "stub")
	if err := os.WriteFile(memory, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fsdev := "local,id=f,security_model=none,path=" + strings.ReplaceAll(dir, ",", ",,")
	if readOnly {
		fsdev += ",readonly=on"
	}
	start(t, exec.Command(path, "-M", "microvm,memory-backend=m", "-object", "memory-backend-file,id=m,size=64M,share=on,mem-path="+memory,
		"-m", "64", "-accel", "tcg", "-S", "-display", "none", "-nodefaults", "-global", "virtio-mmio.force-legacy=false",
		"-fsdev", fsdev, "-device", "virtio-9p-device,fsdev=f,mount_tag="+mountTag+properties, "-gdb", "unix:"+socket+",server=on,wait=off"))
	conn := dial(t, socket)
	t.Cleanup(func() { _ = conn.Close() })
	f, err := os.OpenFile(memory, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	mem, err := syscall.Mmap(int(f.Fd()), 0, guestMemory, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStub(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	driver, err := virtio.NewMemory(mem[driversFrom:], driversFrom)
	if err != nil {
		t.Fatal(err)
	}
	m := &stopped{stub: s, memory: driver}
	if m.transport, err = find(s); err != nil {
		t.Fatal(err)
	}
	return m
}

// dial connects to a socket as soon as somebody listens.
func dial(t testing.TB, socket string) net.Conn {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// mount makes a folder of a transport.
func mount(t testing.TB, transport ninep.Transport, o folder.Options, readOnly bool) *folder.Dir {
	t.Helper()
	c, err := ninep.Dial(context.Background(), transport, ninep.Config{ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	d, err := folder.Attach(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if c.Fids() != 0 {
			t.Errorf("%d files left over", c.Fids())
		}
	})
	return d
}

// byQEMU mounts a folder by QEMU, which is told of read-only, too.
func byQEMU(t testing.TB, dir string, readOnly bool) *folder.Dir {
	t.Helper()
	return mount(t, qemu(t, dir, readOnly), folder.Options{}, readOnly)
}

// oneSided mounts it so that only this side knows of read-only.
func oneSided(t testing.TB, dir string, readOnly bool) *folder.Dir {
	t.Helper()
	return mount(t, qemu(t, dir, false), folder.Options{}, readOnly)
}

// byDiod mounts a folder by diod, at the other end of a socket.
func byDiod(t testing.TB, dir string, readOnly bool) *folder.Dir {
	t.Helper()
	path, err := exec.LookPath("diod")
	if err != nil {
		t.Skip("no diod, another 9P server to test against, in PATH")
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := os.NewFile(uintptr(fds[0]), "diod"), os.NewFile(uintptr(fds[1]), "client")
	cmd := exec.Command(path, "-f", "-n", "-N", "-c", "/dev/null", "-e", dir, "-L", "stderr", "-r", "3", "-w", "3")
	cmd.ExtraFiles = []*os.File{theirs}
	start(t, cmd)
	_ = theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	_ = ours.Close()
	s := ninetest.NewStream(conn)
	t.Cleanup(func() { _ = s.Close() })
	return mount(t, s, folder.Options{User: "root", Tree: dir}, readOnly)
}
