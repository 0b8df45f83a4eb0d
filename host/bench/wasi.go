// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"loam/host/run"
	"loam/host/vm"
	"loam/payload"
)

// wasiCalls are the figures of test/bench/wasicalls, computed those of test/bench/compute.
var (
	wasiCalls = []string{"wasi_fd_write", "wasi_fd_write_null", "wasi_path_open", "wasi_clock_time_get", "wasi_random_get"}
	computed  = []string{"wasm_sha256", "wasm_sieve"}
)

// wasiCalls measures what calls cost a module. A program starts the modules, since that can give them /dev/null.
func (s *session) wasiCalls(ctx context.Context) (Figures, error) {
	f, err := payload.OpenProgram("wasi", s.Arch)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	runner, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	var told bytes.Buffer
	_, _, err = s.run(ctx, progWASICalls, func(o *run.Options) {
		withServices(o)
		o.Stderr, o.Files = &told, map[string][]byte{"runner": runner}
	})
	return reported(told.String(), err)
}

// compute measures modules that compute.
func (s *session) compute(ctx context.Context) (Figures, error) {
	out, _, err := s.run(ctx, progCompute, nil)
	return reported(out, err)
}

// wazeroCommand is the package of wazero's command.
const wazeroCommand = "github.com/tetratelabs/wazero/cmd/wazero"

// modules counts the instructions of wasiCalls and computed on Linux, by the same modules, QEMU and CPU model, and shows them
// beside Loam's kept ones. Linux's differ from run to run, where it has put things by chance: the median of the rounds counts.
// What has no kernel in it doesn't, and is long: once is enough.
func (w *wall) modules(ctx context.Context) error {
	if w.Linux == "" || w.Arch != vm.AMD64 {
		return errors.New("the calls of modules are compared on amd64, with a Linux kernel (--linux)")
	}
	kept, err := Kept(w.Root, w.Arch)
	if err != nil {
		return err
	}
	command, err := w.linuxModules(ctx)
	if err != nil {
		return err
	}
	if err := w.compareModules(ctx, kept, command, "calls", wasiCalls, w.Rounds); err != nil {
		return err
	}
	return w.compareModules(ctx, kept, command, "compute", computed, 1)
}

// compareModules has Linux tell figures as often as that, and shows the medians.
func (w *wall) compareModules(ctx context.Context, kept Figures, command []string, what string, names []string, rounds int) error {
	command = append(slices.Clone(command), "-append", linuxQuiet+" wasi="+what)
	all := map[string][]float64{}
	for round := range rounds {
		got, err := counted(ctx, command, names)
		if err != nil {
			return err
		}
		for _, f := range got {
			all[f.Name] = append(all[f.Name], f.Value)
		}
		fmt.Fprintf(w.Progress, "bench  modules, %s, round %d\n", what, round+1)
	}
	for _, name := range names {
		ours, ok := kept.Get(name)
		if !ok {
			return fmt.Errorf("%s isn't kept", name)
		}
		slices.Sort(all[name])
		theirs := all[name][rounds/2]
		fmt.Fprintf(w.Out, "%s: loam takes %.3f of linux's instructions (%s %s, %s: median of %d, %s to %s)\n", name, ours.Value/theirs, value(ours.Value), ours.Unit,
			value(theirs), rounds, value(all[name][0]), value(all[name][rounds-1]))
	}
	return nil
}

// counted runs a machine and reads figures off its console. Compiling Go's module there takes long on a busy computer.
func counted(ctx context.Context, command, wanted []string) (Figures, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", command[0], err, stderr.String())
	}
	return told(out, wanted)
}

// told are the wanted figures among what a console shows; one that is missing is an error.
func told(console []byte, wanted []string) (Figures, error) {
	var got Figures
	for line := range strings.Lines(string(console)) {
		f, err := parseFigure(strings.Fields(line))
		if err == nil && slices.Contains(wanted, f.Name) {
			got = append(got, f)
		}
	}
	for _, name := range wanted {
		if _, ok := got.Get(name); !ok {
			return nil, fmt.Errorf("%s is missing; the console shows %q", name, console[max(0, len(console)-500):])
		}
	}
	return got, nil
}

// linuxModules is the command that runs the modules on Linux, but for the kernel's parameters. The CPU model lacks ERMS: Linux copies and clears by REP then, of
// which each byte is counted as an instruction.
func (w *wall) linuxModules(ctx context.Context) ([]string, error) {
	path := program(w.Arch, progWazero)
	if err := goCommand(ctx, w.Root, guestEnv("linux", w.Arch), "build", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, wazeroCommand); err != nil {
		return nil, err
	}
	var files [3][]byte
	for i, name := range []string{progWASICalls, progWazero, progCompute} {
		b, err := os.ReadFile(filepath.Join(w.Root, program(w.Arch, name)))
		if err != nil {
			return nil, err
		}
		files[i] = b
	}
	initrd := filepath.Join(w.temp, "initrd-modules")
	err := os.WriteFile(initrd, initramfs(files[0], initFile{name: "tmp"}, initFile{"wazero", files[1]}, initFile{"compute.wasm", files[2]}), 0o644)
	if err != nil {
		return nil, err
	}
	qemu, err := run.FindQEMU(w.Arch, "")
	if err != nil {
		return nil, err
	}
	return []string{qemu, "-machine", string(vm.Q35), "-accel", "tcg", "-icount", "shift=0,sleep=off", "-cpu", vm.CPU(nil) + ",-erms",
		"-m", fmt.Sprint(memoryMiB), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-kernel", w.Linux, "-initrd", initrd}, nil
}
