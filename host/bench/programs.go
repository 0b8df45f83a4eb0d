// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"loam/host/vm"
)

// outDir is where the measured programs for an architecture are built, relative to
// the repository.
func outDir(arch string) string {
	if arch == vm.AMD64 {
		return "build/out/bench"
	}
	return "build/out/bench-" + arch
}

// The measured programs, by their names in outDir.
const (
	progHello     = "hello"         // Go, native
	progProbe     = "probe"         // Go, native
	progProcess   = "process"       // Go, native, Loam's calls
	progMessage   = "ipc"           // the same
	progMemory    = "memory"        // Go, native: large areas
	progPair      = "pair"          // Go, native: two processes that compute
	progPairs     = "pairs"         // Go, native, Loam's calls: pairs of client and server
	progSpin      = "spin"          // Go, native: keeps all CPUs busy
	progRates     = "rates"         // Go, native: data of devices
	progLoopback  = "loopback"      // Go, native: under the personality
	progWrite     = "write"         // Go, native: under the personality
	progCrowd     = "crowd"         // Go, native: many processes
	progWASICalls = "wasicalls"     // Go, native: starts modules
	progWazero    = "wazero"        // wazero's command, for Linux
	progTiny      = "tiny"          // no runtime, native
	progHelloWasm = "hello.wasm"    // C-sized
	progGoWasm    = "go-hello.wasm" // the same Go hello as a module
	progCompute   = "compute.wasm"  // Go
	progLarge     = "large.wasm"    // 20 MB
)

// program is the path of a measured program, relative to the repository.
func program(arch, name string) string { return filepath.Join(outDir(arch), name) }

// buildPrograms builds the measured programs, with nothing of this host's in
// them, so that the same sources and Go version give the same bytes.
func buildPrograms(ctx context.Context, root, arch string) error {
	if err := os.MkdirAll(filepath.Join(root, outDir(arch)), 0o755); err != nil {
		return err
	}
	for _, p := range []struct{ out, pkg, goos, goarch string }{
		{progHello, "hello", "linux", arch},
		{progProbe, "probe", "linux", arch},
		{progProcess, "process", "linux", arch},
		{progMessage, "ipc", "linux", arch},
		{progMemory, "memory", "linux", arch},
		{progPair, "pair", "linux", arch},
		{progPairs, "pairs", "linux", arch},
		{progSpin, "spin", "linux", arch},
		{progCrowd, "crowd", "linux", arch},
		{progRates, "rates", "linux", arch},
		{progWrite, "write", "linux", arch},
		{progLoopback, "loopback", "linux", arch},
		{progWASICalls, "wasicalls", "linux", arch},
		{progCompute, "compute", "wasip1", "wasm"},
		{progGoWasm, "hello", "wasip1", "wasm"},
	} {
		err := goCommand(ctx, root, guestEnv(p.goos, p.goarch), "build", "-buildvcs=false", "-ldflags", "-s -w",
			"-o", program(arch, p.out), "./test/bench/"+p.pkg)
		if err != nil {
			return err
		}
	}
	return goCommand(ctx, root, nil, "run", "./test/bench/modules", outDir(arch), arch)
}

// guestEnv is the environment that builds what runs in the machine.
func guestEnv(goos, goarch string) []string {
	return []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0",
		"GOFLAGS=-trimpath", "GOEXPERIMENT=", "GOAMD64=v1", "GORISCV64=rva20u64", "GOWASM=", "GOFIPS140=off"}
}

// goCommand runs the Go tool in the repository.
func goCommand(ctx context.Context, root string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
