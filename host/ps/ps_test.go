// SPDX-License-Identifier: Apache-2.0

package ps

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"loam/internal/proglist"
)

// folder gives the path of a folder that isn't there yet, short enough for a socket.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "run")
}

var machine = Machine{
	Program: "./server", Args: []string{"-p", "80"}, Arch: "amd64", Machine: "microvm", MemoryMiB: 512, CPUs: 1,
	Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Init: true,
	Programs: []proglist.Entry{
		{Name: "console", State: proglist.StateBlocked, PID: 3, Threads: 4, Restarts: 2, CPU: 12_345_678, Memory: 1 << 20, Alive: 61e9},
		{Name: "log", State: proglist.StateStopped, Why: "starts again in 3s: killed by signal 9 (SIGKILL)", Restarts: 7},
	},
}

func TestServeAndList(t *testing.T) {
	dir := folder(t)
	if list, err := List([]string{dir}, time.Second); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Fatal("who only looks made the folder")
	}
	s, err := Serve([]string{"/dev/null/nowhere", dir}, func(context.Context) Machine { return machine })
	if err != nil {
		t.Fatal(err)
	}
	want := machine
	want.PID = os.Getpid()
	for range 2 {
		list, err := List([]string{dir, dir + "-not"}, 5*time.Second)
		if err != nil || len(list) != 1 || !reflect.DeepEqual(list[0], want) {
			t.Fatalf("%v, %+v", err, list)
		}
	}
	s.Close()
	<-s.done
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Error("left behind:", left)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
}

// socket makes one by hand.
func socket(t *testing.T, dir, name string) *net.UnixListener {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	t.Cleanup(func() { l.Close() })
	return l
}

// TestStrange: sockets of the dead go, of those that don't answer or talk nonsense
// it is said, and other files are left alone.
func TestStrange(t *testing.T) {
	dir := folder(t)
	socket(t, dir, "11.sock").Close() // killed
	socket(t, dir, "12.sock")         // hangs
	talks := socket(t, dir, "13.sock")
	go func() {
		for {
			c, err := talks.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("no JSON"))
			c.Close()
		}
	}()
	evil := socket(t, dir, "14.sock")
	go func() {
		c, err := evil.Accept()
		if err == nil {
			_, _ = c.Write([]byte(`{"pid":1,"program":"a\u001b[2J","programs":[{"name":"\u0007x","state":"\u001bran","why":"\n"}]}`))
			c.Close()
		}
	}()
	socket(t, dir, "new-15.sock").Close()
	socket(t, dir, "new-16.sock").Close()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "new-16.sock"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := List([]string{dir}, 300*time.Millisecond)
	want := []Machine{
		{PID: 12, Trouble: "does not answer"}, {PID: 13, Trouble: "does not answer"},
		{PID: 14, Program: "a[2J", Programs: []proglist.Entry{{Name: "x", State: "ran"}}},
	}
	if err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("%v, %+v", err, list)
	}
	var names []string
	left, _ := os.ReadDir(dir)
	for _, f := range left {
		names = append(names, f.Name())
	}
	if got := strings.Join(names, " "); got != "12.sock 13.sock 14.sock new-15.sock notes" {
		t.Error(got)
	}
}

// TestNotPrivate: a folder that others can enter is not used.
func TestNotPrivate(t *testing.T) {
	dir := folder(t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	socket(t, dir, "1.sock")
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := Serve([]string{dir}, nil); err == nil || !strings.Contains(err.Error(), "mode 700") {
		t.Error(err)
	}
	if list, err := List([]string{dir}, time.Second); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
	if _, err := Serve(nil, nil); err == nil {
		t.Error("served nowhere")
	}
}

func TestFolders(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1")
	if got := strings.Join(Folders("/c"), " "); got != "/run/user/1/loam /c/run" {
		t.Error(got)
	}
	t.Setenv("XDG_RUNTIME_DIR", "not/absolute")
	if got := Folders(""); len(got) != 0 {
		t.Error(got)
	}
}

func TestPrint(t *testing.T) {
	m := machine
	m.PID = 42
	plain := Machine{PID: 43, Program: "/bin/x", Arch: "riscv64", Machine: "virt", MemoryMiB: 64, CPUs: 4, Started: m.Started}
	var b strings.Builder
	if err := Print(&b, []Machine{m, plain, {PID: 44, Trouble: "does not answer"}}, m.Started.Add(49*time.Hour+time.Second)); err != nil {
		t.Fatal(err)
	}
	const want = `machine 42: ./server (microvm, amd64, 512 MiB, 1 CPU, up 2d1h)
  PROGRAM  PID  CPU TIME  MEMORY  THREADS  RESTARTS  UP    STATE
  console  3    0.012s    1024K   4        2         1m1s  blocked
  log      -    -         -       -        7         -     stopped: starts again in 3s: killed by signal 9 (SIGKILL)
machine 43: /bin/x (virt, riscv64, 64 MiB, 4 CPUs, up 2d1h)
machine 44: does not answer
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
}
