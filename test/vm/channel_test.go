// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os/exec"
	"slices"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// TestManyBytes sends more through a machine than any buffer on the way holds,
// through the ring of the host channel and, where there is none, past it.
func TestManyBytes(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	for name, c := range map[string]struct {
		size int
		args []string
	}{
		quick():         {64 << 20, []string{"run"}},
		full():          {8 << 20, append([]string{"run"}, on(full())...)},
		"deterministic": {100_000, []string{"run", "--deterministic"}},
	} {
		t.Run(name, func(t *testing.T) {
			data := randomBytes(name, c.size)
			r := vmtest.Command{Args: append(c.args, tool, "cat"), Stdin: bytes.NewReader(data)}.Do(t)
			if r.Code != 0 || sha256.Sum256(r.Stdout) != sha256.Sum256(data) {
				t.Errorf("exit status %d, %d bytes of %d came back, or not the same: %s",
					r.Code, len(r.Stdout), len(data), r.Stderr)
			}
		})
	}
}

// slow reads now little, now more, with pauses that the ring overflows in.
type slow struct {
	r io.Reader
	n int
}

func (s *slow) Read(p []byte) (int, error) {
	s.n++
	if s.n%64 == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	return s.r.Read(p[:min(len(p), 1+s.n*7919%9000)])
}

// ways are those in which a program can be run: with the kernel alone, and with what serves it.
var ways = map[string][]string{"bare": {"run", "--bare"}, "served": {"run"}}

func TestSlowReader(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	for way, run := range ways {
		t.Run(way, func(t *testing.T) {
			defer vmtest.Slot()()
			cmd := exec.Command(vmtest.Loam(t), slices.Concat(run, []string{vmtest.Program(t, "tool"), "produce", "slow", "8388608"})...)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(vmtest.Limit, func() { _ = cmd.Process.Kill() }).Stop()
			got, err := io.ReadAll(&slow{r: out})
			if werr := cmd.Wait(); err != nil || werr != nil || !bytes.Equal(got, randomBytes("slow", size)) {
				t.Errorf("%d bytes of %d, or not the same: %v, %v", len(got), size, err, werr)
			}
		})
	}
}
