// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

func TestTimeout(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, how := range []string{"busy", "idle"} {
		r := vmtest.Run(t, "--timeout", "6s", vmtest.Program(t, "tool"), "ready", how)
		r.WantReason(t, 124, "timeout", "6s")
		if string(r.Stdout) != "ready\n" {
			t.Errorf("what the program wrote before the time-out is lost: %s", r)
		}
		if r.Took < 6*time.Second || r.Took > 40*time.Second {
			t.Errorf("--timeout 6s took %v", r.Took)
		}
	}
}

// started is a loam that has a machine whose program runs.
type started struct {
	cmd    *exec.Cmd
	stdout io.Reader
	stderr bytes.Buffer
	qemu   []int
}

// start starts loam with a program that says "ready", and waits until it has.
func start(t *testing.T, args ...string) *started {
	t.Helper()
	t.Cleanup(vmtest.Slot())
	s := &started{cmd: exec.Command(vmtest.Loam(t), args...)}
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	hang := time.AfterFunc(vmtest.Limit, func() { _ = s.cmd.Process.Kill() })
	defer hang.Stop()
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the program said %q: %v\n%s", line, err, s.stderr.String())
	}
	s.stdout = r
	if s.qemu, err = vmtest.Children(s.cmd.Process.Pid, "qemu"); err != nil || len(s.qemu) != 1 {
		t.Fatalf("children of loam: %v, %v; want one QEMU", s.qemu, err)
	}
	return s
}

// ended checks that loam ends soon, how, and that its QEMU is gone.
func (s *started) ended(t *testing.T, code int) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, _ = io.Copy(io.Discard, s.stdout)
		done <- s.cmd.Wait()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("loam does not end")
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit status %d, want %d\n%s", got, code, s.stderr.String())
	}
	for end := time.Now().Add(10 * time.Second); vmtest.Alive(s.qemu[0]); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(s.qemu[0], syscall.SIGKILL)
			t.Fatalf("QEMU %d lives on", s.qemu[0])
		}
	}
}

// Whatever ends loam, no QEMU stays.
func TestNothingLeftBehind(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	for name, c := range map[string]struct {
		signal syscall.Signal
		how    string
		code   int
	}{
		"Ctrl-C":          {syscall.SIGINT, "idle", 130},
		"Ctrl-C, busy":    {syscall.SIGINT, "busy", 130},
		"terminated":      {syscall.SIGTERM, "busy", 143},
		"hung up":         {syscall.SIGHUP, "idle", 129},
		"killed":          {syscall.SIGKILL, "idle", -1},
		"killed, busy":    {syscall.SIGKILL, "busy", -1},
		"quit by Ctrl-\\": {syscall.SIGQUIT, "idle", 131},
	} {
		for way, run := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				s := start(t, slices.Concat(run, []string{tool, "ready", c.how})...)
				if err := s.cmd.Process.Signal(c.signal); err != nil {
					t.Fatal(err)
				}
				s.ended(t, c.code)
			})
		}
	}
	for way, run := range ways {
		t.Run("reader gone, "+way, func(t *testing.T) {
			defer vmtest.Slot()()
			cmd := exec.Command(vmtest.Loam(t), slices.Concat(run, []string{tool, "produce", "x", "1000000000"})...)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
			if _, err := io.ReadFull(out, make([]byte, 1000)); err != nil {
				t.Error(err)
			}
			_ = out.Close()
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 141 {
				t.Errorf("exit status %d (%v), want that of a SIGPIPE", got, cmd.ProcessState)
			}
		})
	}
	t.Run("QEMU killed", func(t *testing.T) {
		s := start(t, "run", tool, "ready", "idle")
		if err := syscall.Kill(s.qemu[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.ended(t, 125)
		if !strings.Contains(s.stderr.String(), "QEMU was killed by signal 9") {
			t.Errorf("loam said %q", s.stderr.String())
		}
	})
}

// Machines share nothing, so that two at once don't notice each other.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	var wg sync.WaitGroup
	for _, seed := range []string{"first", "second"} {
		wg.Go(func() {
			for range 3 {
				r := vmtest.Run(t, tool, "produce", seed, "100000")
				r.WantStdout(t, 0, string(randomBytes(seed, 100000)))
			}
		})
	}
	wg.Wait()
}
