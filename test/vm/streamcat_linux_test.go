// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"loam/test/vm/vmtest"
)

// TestStreamsOfProgram has an ordinary program, whose streams are the personality's, copy stdin to
// stdout while their driver is killed under load: all of it comes out.
func TestStreamsOfProgram(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const kills = 5
	dir := services(t, "program\n")
	driver, err := os.ReadFile(vmtest.Program(t, "streams"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "streams"), driver, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	in := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{4}).Read(in)
	r := vmtest.Command{Stdin: paced{bytes.NewReader(in)}, Served: true, Args: []string{"run", "-m", "256M", "--services", dir,
		"--streams-driver", fmt.Sprintf("streams driver %d 200 20000", kills), vmtest.Program(t, "tool"), "cat"}}.Do(t)
	if r.Code != 0 || !bytes.Equal(r.Stdout, in) {
		t.Errorf("exit status %d; of %d bytes %d came, the same: %v", r.Code, len(in), len(r.Stdout), bytes.Equal(r.Stdout, in))
	}
	if want := fmt.Sprintf("streams: killed %d times\n", kills); string(r.Stderr) != want {
		t.Errorf("stderr has %q, not %q", r.Stderr, want)
	}
}
