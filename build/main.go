// SPDX-License-Identifier: Apache-2.0

// Command build builds, runs and tests Loam. The script x at the root of the
// repository compiles and starts it; "go run ./build TARGET" does the same,
// except that go run turns every nonzero exit code into 1.
//
// What a build makes, in order (each step reads only what stands before it):
//
//	build/out/kernel-ARCH.linked  ./kernel as Go's linker left it; for debuggers
//	payload/files/kernel-ARCH     the same as a bootable image (build/image)
//	payload/files/wasi-ARCH       ./user/wasi, the system program that runs WASI modules
//	payload/files/system-ARCH     ./user/system, the image of the other system programs
//	payload/files/net-ARCH        ./user/net, the network's server
//	build/out/demo.wasm           ./test/demo, what "run" runs without arguments
//	bin/loam                      ./cmd/loam for this host, with payload/files inside
//
// Invariants: the same sources and Go version give the same bytes (paths are
// trimmed, no version-control stamp, GOFLAGS, GOAMD64 and GORISCV64 of the environment do
// not reach what runs in the machine); a file whose content would not change
// is not written, so that Go's build cache skips whatever embeds it; progress
// goes to stderr, stdout belongs to the program that run starts.
//
// Rejected: make as the build's logic (not on every machine that has Go, and
// the same rules would have to be said again for CI), go generate (runs only
// when asked, and what it makes would have to be committed).
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// target is one word after ./x.
type target struct {
	name, args, help string
	run              func(b *builder, args []string) error
}

// targets lists them in the order of help. It is a function because help
// refers to it.
func targets() []target {
	return []target{
		{"run", "[ARGS]", "set up, build, then bin/loam run ARGS (without any: the demo module)", runTarget},
		{"test", "[FLAGS]", "set up, build, then every test, on the host and in the machine (FLAGS: of go test, for the latter)", testTarget},
		{"build", "", "make bin/loam, with kernel and system programs inside", buildTarget},
		{"bench", "[ARGS]", "set up, build, measure (--check: fail where a figure got worse than the kept one)", benchTarget},
		{"lint", "", "gofmt, go vet for every architecture, staticcheck, Loam's own rules", lintTarget},
		{"fuzz", "[-time 30s] [-run REGEXP]", "every fuzz target for a while (a campaign: not part of test)", fuzzTarget},
		{"soak", "[-n 100] [-run REGEXP] [-arch ARCH]", "tests of the machine many times over (a campaign)", soakTarget},
		{"smp", "[-n 100] [-run REGEXP] [-checked] [-arch ARCH]", "tests of the machine on 1, 2 and 4 CPUs, many boots on up to 8 (a campaign)", smpTarget},
		{"fuzz-calls", "[-time 5m] [-seed N] [-cpus \"2 4\"] [-arch ARCH]", "random calls of every kind, the invariants looked at meanwhile (a campaign)", fuzzCallsTarget},
		{"ipc", "[-time 5m] [-arch ARCH]", "calls between processes that are stopped, ended and killed meanwhile (a campaign)", ipcTarget},
		{"streams", "[-n 200] [-arch ARCH]", "console streams whose driver is killed under load, and 1 GiB through them (a campaign)", streamsTarget},
		{"disk", "[-n 1000000] [-arch ARCH]", "random requests to a disk whose driver is killed meanwhile (a campaign)", diskTarget},
		{"faults", "[-seconds 300] [-n 100] [-times 10] [-arch ARCH]", "servers killed in the middle of calls, sizes at edges, signals in every call, crowds (a campaign)", faultsTarget},
		{"netload", "[-open 1000] [-requests 100000] [-slow 200] [-resets 1000] [-rounds 2] [-arch ARCH]", "connections, requests, slow readers and resets at a server in the machine (a campaign)", netloadTarget},
		{"programs", "[-run REGEXP] [-arch ARCH]", "programs that people use, in the machine and on the host (a campaign)", programsTarget},
		{"torture", "[-time 5m] [-arch ARCH]", "processes torture the kernel's memory (a campaign)", tortureTarget},
		{"wasitest", "[-suite DIR] [-threads DIR] [-run REGEXP] [-arch ARCH]", "the WASI test suite and wazero's test data inside the machine, with controls that must fail (a campaign)", wasiTestTarget},
		{"gotest", "[-os wasip1] [-run REGEXP] [-j N] [-timeout 30m] [-resume] [-arch ARCH]", "tests of Go's standard library inside the machine (a campaign)", gotestTarget},
		{"setup", "", "install what run and test need (QEMU)", setupTarget},
		{"kernel", "[-o DIR] [-arch ARCH]", "make only the kernel, as linked and as bootable image", kernelTarget},
		{"image", "-o OUT ELF", "make a bootable image of a kernel as Go's linker left it", imageTarget},
		{"clean", "", "remove what was built", cleanTarget},
		{"help", "", "this list", helpTarget},
	}
}

// exitCode is an error that only carries the exit code of a program that has
// said itself what was wrong.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		var code exitCode
		if errors.As(err, &code) {
			os.Exit(int(code))
		}
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// dispatch finds the target that args name and runs it.
func dispatch(args []string) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	if args[0] == "-h" || args[0] == "--help" {
		args[0] = "help"
	}
	for _, t := range targets() {
		if t.name != args[0] {
			continue
		}
		if t.args == "" && len(args) > 1 {
			return fmt.Errorf("%s takes no arguments", t.name)
		}
		b, err := newBuilder()
		if err != nil {
			return err
		}
		return t.run(b, args[1:])
	}
	return fmt.Errorf("no target %q; ./x help lists them", args[0])
}

func helpTarget(_ *builder, _ []string) error {
	fmt.Print("usage: ./x TARGET\n\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, t := range targets() {
		fmt.Fprintf(w, "  %s\t%s\n", strings.TrimSpace(t.name+" "+t.args), t.help)
	}
	return w.Flush()
}

// builder knows where things are.
type builder struct {
	root string // the repository
}

// newBuilder finds the repository: the folder that x names, else the nearest
// one upward that holds Loam's go.mod.
func newBuilder() (*builder, error) {
	dir := os.Getenv("LOAM_ROOT")
	if dir == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return nil, err
		}
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module loam\n") {
			return &builder{root: dir}, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil, errors.New("not inside Loam's repository: no go.mod of module loam here or above")
		}
		dir = parent
	}
}

// path returns the path of a file of the repository.
func (b *builder) path(slashed string) string {
	return filepath.Join(b.root, filepath.FromSlash(slashed))
}

// command returns a command that runs at the root of the repository, with our
// standard streams and env on top of our environment. Its stdout is our
// stderr, see the package comment.
func (b *builder) command(env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = os.Stdin
	cmd.Stdout = os.Stderr
	cmd.Stderr = os.Stderr
	return cmd
}

// output runs a command and returns what it wrote to stdout.
func (b *builder) output(env []string, name string, args ...string) (string, error) {
	cmd := b.command(env, name, args...)
	cmd.Stdout = nil
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("failed: %s %s (%w)", name, strings.Join(args, " "), err)
	}
	return string(out), nil
}

// run runs a command to its end. The command has told its own troubles.
func (b *builder) run(env []string, name string, args ...string) error {
	err := b.command(env, name, args...).Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("failed: %s %s (%w)", name, strings.Join(args, " "), err)
	}
	return err
}
