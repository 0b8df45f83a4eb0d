// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Variable names the environment variable with the path of loam.
const Variable = "LOAM"

// Limit ends a command that hangs: far above what any of them takes on a slow
// and busy host.
const Limit = 3 * time.Minute

// machines bounds how many machines run at once, whatever -parallel says: each
// keeps one or two of the host's CPUs busy.
var machines = make(chan struct{}, 2)

// Loam gives the path of loam, or skips the test.
func Loam(t testing.TB) string {
	t.Helper()
	path := os.Getenv(Variable)
	if path == "" {
		t.Skipf("%s does not name a loam to test: use ./x test", Variable)
	}
	return path
}

// Slot waits until another machine may run. The caller calls free when it has
// ended; who waits for a second slot while it holds one may wait for ever.
func Slot() (free func()) {
	machines <- struct{}{}
	return func() { <-machines }
}

// Command is one call of loam.
type Command struct {
	Args  []string  // after "loam"
	Stdin io.Reader // nil: empty
	Env   []string  // added to the test's own environment
	Dir   string    // where loam is started; empty: where the test is
	Limit time.Duration
	// Served leaves a "loam run" as it is, so that the machine has what a person's has. Others
	// have the kernel alone, which they test (--bare).
	Served bool
}

// Result is what came out of a Command.
type Result struct {
	Stdout, Stderr []byte
	Code           int
	Took           time.Duration
}

// Run runs "loam run" with args, with nothing on standard input.
func Run(t testing.TB, args ...string) *Result {
	t.Helper()
	return Command{Args: append([]string{"run"}, args...)}.Do(t)
}

// Do runs the command to its end. The test fails at once if that takes too
// long or if the command was killed by a signal.
func (c Command) Do(t testing.TB) *Result {
	t.Helper()
	loam := Loam(t)
	defer Slot()()
	limit := c.Limit
	if limit == 0 {
		limit = Limit
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args := c.Args
	if !c.Served {
		args = Bare(args)
	}
	args = withArch(withInit(withCPUs(args, os.Getenv(CPUsVariable)), os.Getenv(InitVariable)), Arch(), os.Getenv(FirmwareVariable))
	cmd := exec.CommandContext(ctx, loam, args...)
	// SIGTERM first: a killed loam can't say what it waited for.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir = c.Dir
	cmd.Stdin = c.Stdin
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	start := time.Now()
	failure := cmd.Run()
	r := &Result{out.Bytes(), err.Bytes(), cmd.ProcessState.ExitCode(), time.Since(start)}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("loam %s: not ended after %v\n%s", shorten(c.Args), limit, r)
	case failure != nil && !errors.As(failure, &exit):
		t.Fatalf("loam %s: %v", shorten(c.Args), failure)
	case r.Code < 0:
		t.Fatalf("loam %s: %v\n%s", shorten(c.Args), cmd.ProcessState, r)
	}
	return r
}

// shorten shows arguments on a line of bearable length.
func shorten(args []string) string {
	s := fmt.Sprintf("%q", args)
	if len(s) > 300 {
		s = s[:300] + "..."
	}
	return s
}

// String shows a result for a failure's message.
func (r *Result) String() string {
	return fmt.Sprintf("exit status %d after %v\nstdout: %s\nstderr: %s",
		r.Code, r.Took.Round(time.Millisecond), clip(r.Stdout), clip(r.Stderr))
}

// clip shows the beginning and the end of b.
func clip(b []byte) string {
	const most = 6000
	if len(b) <= most {
		return fmt.Sprintf("(%d bytes)\n%s", len(b), b)
	}
	return fmt.Sprintf("(%d bytes)\n%s\n[...]\n%s", len(b), b[:most/2], b[len(b)-most/2:])
}

// Want checks the exit status.
func (r *Result) Want(t testing.TB, code int) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit status %d, want %d\n%s", r.Code, code, r)
	}
}

// WantStdout checks the exit status and that standard output is exactly text.
func (r *Result) WantStdout(t testing.TB, code int, text string) {
	t.Helper()
	if r.Code != code || string(r.Stdout) != text {
		t.Errorf("want exit status %d and stdout %s\ngot %s\n%s", code, clip([]byte(text)), r, firstDifference(string(r.Stdout), text))
	}
}

// firstDifference shows the first line of two texts that isn't the same.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, and should be %q", i+1, g[i], w[i])
		}
	}
	if len(g) != len(w) {
		return fmt.Sprintf("%d lines, and should be %d", len(g), len(w))
	}
	return ""
}

// WantReason checks that loam said why in one line of its own that contains
// each of the words, and nothing else but a hint behind it.
func (r *Result) WantReason(t testing.TB, code int, words ...string) {
	t.Helper()
	var own []string
	for line := range strings.Lines(string(r.Stderr)) {
		if strings.HasPrefix(line, "loam: ") {
			own = append(own, line)
		}
	}
	if r.Code != code || len(own) != 1 {
		t.Errorf("want exit status %d and one line that says why\ngot %s", code, r)
		return
	}
	for _, w := range words {
		if !strings.Contains(own[0], w) {
			t.Errorf("%q does not say %q", own[0], w)
		}
	}
}
