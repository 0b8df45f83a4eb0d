// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tetratelabs/wazero/experimental"
)

// refuse is an allocator of linear memory that has none.
type refuse struct{}

func (refuse) Allocate(_, _ uint64) experimental.LinearMemory { return refuse{} }
func (refuse) Reallocate(uint64) []byte                       { return nil }
func (refuse) Free()                                          {}

// buildGo compiles a Go program for WASI and returns the module.
func buildGo(dir, source string) ([]byte, error) {
	in, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "main.wasm")
	if err := os.WriteFile(in, []byte(source), 0o600); err != nil {
		return nil, err
	}
	c := exec.Command("go", "build", "-o", out, in)
	c.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if b, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %v\n%s", err, b)
	}
	return os.ReadFile(out)
}
