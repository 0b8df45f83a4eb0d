// SPDX-License-Identifier: Apache-2.0

//go:build linux && !riscv64

package native

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"

	"loam/internal/wasmrv64"
	"loam/test/wasm"
)

// TestEmulated runs this package's and the runner's tests as riscv64 programs,
// where QEMU's user-mode emulator is there to do it.
func TestEmulated(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and emulates programs")
	}
	qemu, err := exec.LookPath("qemu-riscv64")
	if err != nil {
		t.Skip("no qemu-riscv64 (Debian: qemu-user)")
	}
	for _, c := range []struct {
		dir, cpu string
		args     []string
	}{
		{".", "any", []string{"-modules=100"}},
		{".", "rv64,zba=on,zbb=on", []string{"-modules=100", "-extended"}},
		{"../runner", "any", []string{"-test.run=Endings|Truncated|Code|Grow|Echo|Go"}},
	} {
		t.Run(filepath.Base(c.dir)+" "+c.cpu, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "riscv64.test")
			build := exec.Command("go", "test", "-c", "-o", file, ".")
			build.Dir = c.dir
			build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=riscv64", "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			run := exec.CommandContext(t.Context(), qemu, append([]string{"-cpu", c.cpu, file, "-test.timeout=8m"}, c.args...)...)
			run.Dir = c.dir
			out, err := run.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func TestUnsupportedHere(t *testing.T) {
	image, err := wasmrv64.Compile(wasm.Hello(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer rt.Close(ctx)
	if _, err := New(ctx, rt, wasm.Hello(), image, wazero.NewModuleConfig()); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v", err)
	}
}
