// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

func TestHello(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, vmtest.Program(t, "hello"))
	r.WantStdout(t, 0, "hello, world\n")
	if len(r.Stderr) > 0 {
		t.Errorf("stderr: %s", r.Stderr)
	}
}

// The assistant that behaves, on one machine of each kind.
func TestBehave(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			vmtest.Run(t, on(kind, "-m", "256M", vmtest.Program(t, "behave"))...).Cases(t)
		})
	}
}

// The control: what the assistants expect is what Linux does.
func TestOnLinux(t *testing.T) {
	if os.Getenv("LOAM_CONTROL") == "" {
		t.Skip("LOAM_CONTROL is not set: the assistants run on Loam only")
	}
	for _, name := range []string{"behave", "misbehave", "smp"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(vmtest.Program(t, name))
			var out, err bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &err
			_ = cmd.Run()
			r := vmtest.Result{Stdout: out.Bytes(), Stderr: err.Bytes(), Code: cmd.ProcessState.ExitCode()}
			r.Cases(t)
		})
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	codes := []int{0, 1, 2, 77, 124, 125, 126, 127, 128, 137, 139, 255}
	for _, code := range codes {
		r := vmtest.Run(t, tool, "exit", strconv.Itoa(code))
		r.WantStdout(t, code, "")
		if len(r.Stderr) > 0 {
			t.Errorf("exit %d: loam said %s", code, r.Stderr)
		}
	}
	vmtest.Run(t, tool, "exitgo", "42").Want(t, 42)
	vmtest.Run(t, tool, "exit", "256").Want(t, 0) // 8 bits, as everywhere
}

func TestArguments(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	thousand := make([]string, 1000)
	for i := range thousand {
		thousand[i] = strings.Repeat("x", i%50) + strconv.Itoa(i)
	}
	for name, args := range map[string][]string{
		"none":        {},
		"spaces":      {"a b", " ", "", "  c", "\t\n"},
		"UTF-8":       {"é", "日本語", "🦫"},
		"bytes":       {"\xff\xfe\x80", "\x01\x02\x7f"},
		"like flags":  {"-m", "64M", "--", "--timeout", "-e", "A=B", "-h", "--help"},
		"shell signs": {"$HOME", "`id`", "*", "'\"\\", "a=b c=d"},
		"one large":   {strings.Repeat("0123456789", 5000)},
		"thousand":    thousand,
	} {
		t.Run(name, func(t *testing.T) {
			want := ""
			for _, a := range args {
				want += a + "\x00"
			}
			vmtest.Run(t, append([]string{tool, "args"}, args...)...).WantStdout(t, 0, want)
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	vmtest.Run(t, tool, "env").WantStdout(t, 0, "")
	r := vmtest.Command{
		Args: []string{"run", "-e", "A=1", "-e", "B=x y=z", "-e", "EMPTY=", "-e", "COPIED", "-e", "NOT_SET_ANYWHERE",
			"-e", "BYTES=\xff\xfe", "-e", "A=2", tool, "env"},
		Env: []string{"COPIED=from here", "OTHER=stays here"},
	}.Do(t)
	r.WantStdout(t, 0, "A=2\x00B=x y=z\x00EMPTY=\x00COPIED=from here\x00BYTES=\xff\xfe\x00")
}

// randomBytes gives n bytes that begin with every byte value.
func randomBytes(seed string, n int) []byte {
	var s [32]byte
	copy(s[:], seed)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(s).Read(b)
	return b
}

func TestStandardInput(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, data := range map[string][]byte{
		"nothing":     nil,
		"one byte":    {0},
		"every value": every,
		"lines":       []byte("one\ntwo\r\nthree"),
		"frame":       randomBytes("a", 65536),
		"frame+1":     randomBytes("b", 65537),
	} {
		t.Run(name, func(t *testing.T) {
			vmtest.Command{Args: []string{"run", tool, "cat"}, Stdin: bytes.NewReader(data)}.Do(t).
				WantStdout(t, 0, string(data))
		})
	}
	big := append(every, randomBytes("c", 1<<20)...)
	r := vmtest.Command{Args: []string{"run", tool, "hash"}, Stdin: bytes.NewReader(big)}.Do(t)
	r.WantStdout(t, 0, fmt.Sprintf("%d %x\n", len(big), sha256.Sum256(big)))
	// A program that never reads must not be waited for, nor wait.
	r = vmtest.Command{Args: []string{"run", tool, "exit", "3"}, Stdin: bytes.NewReader(big)}.Do(t)
	r.WantStdout(t, 3, "")
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	r := vmtest.Run(t, tool, "streams", "500")
	var out, err strings.Builder
	for i := range 500 {
		fmt.Fprintf(&out, "out %d\n", i)
		fmt.Fprintf(&err, "err %d\n", i)
	}
	r.WantStdout(t, 0, out.String())
	if string(r.Stderr) != err.String() {
		t.Errorf("stderr is not as written: %s", r)
	}
	const size = 2 << 20
	r = vmtest.Run(t, tool, "produce", "large", strconv.Itoa(size))
	if want := randomBytes("large", size); !bytes.Equal(r.Stdout, want) || r.Code != 0 {
		t.Errorf("%d bytes of %d, exit status %d, or they are not the same: %s", len(r.Stdout), size, r.Code, r.Stderr)
	}
}

// Ends of Go programs that Go's runtime decides on: status 2, and why on stderr.
func TestRuntimeErrors(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	for command, words := range map[string][]string{
		"panic":   {"panic: on purpose", "goroutine 1 [running]:", "tool/main.go"},
		"recurse": {"goroutine stack exceeds 1048576-byte limit", "fatal error: stack overflow", "main.recurse"},
		"dead":    {"fatal error: all goroutines are asleep - deadlock!"},
	} {
		t.Run(command, func(t *testing.T) {
			r := vmtest.Run(t, tool, command)
			r.WantStdout(t, 2, "")
			for _, w := range words {
				if !strings.Contains(string(r.Stderr), w) {
					t.Errorf("stderr does not say %q: %s", w, r)
				}
			}
		})
	}
}
