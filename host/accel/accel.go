// SPDX-License-Identifier: Apache-2.0

// Package accel finds out how QEMU can run a guest on this machine: with
// hardware help (KVM, HVF) or by software emulation (TCG).
//
// Hardware help counts as there only if a guest has really run with it. That
// /dev/kvm opens says little: inside clouds and sandboxes it may exist, create
// machines, and then not run them, or give them a CPU without the features
// that compiled code needs. So a probe starts QEMU with the very command line
// of a real run and a guest of a few instructions, that must reach long mode
// with paging, enter ring 3 and come back by a system call, print through the
// host channel's port and end the machine by the exit port. It costs some 50 ms,
// at most Limit, and its verdict is kept in the user's cache folder for as long as
// what it depends on is the same: this boot of this machine with this kernel, this
// QEMU and this loam.
//
// Machines for riscv64 are always emulated; their probe shows that this QEMU can.
//
// Rejected: asking KVM's API for its capabilities (they are claims, not
// proofs), and probing with the whole kernel (slower, and a kernel's bug would
// read as a missing accelerator).
package accel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"loam/host/vm"
)

// Auto asks for the fastest accelerator that works.
const Auto = "auto"

// Limit is how long a probe of hardware acceleration may take. A machine that
// needs longer to run twenty instructions isn't accelerated.
const Limit = 1500 * time.Millisecond

// tcgLimit bounds the probe of software emulation: QEMU's own start on a very
// busy machine.
const tcgLimit = 20 * time.Second

// MinVersion is the oldest QEMU that Loam is tested with.
var MinVersion = [2]int{7, 2}

// Facts is what a probe found out about a QEMU on this machine.
type Facts struct {
	Version string   `json:"version"` // QEMU's, such as "7.2.22"
	Sandbox bool     `json:"sandbox"` // it has its system-call filter
	Accel   string   `json:"accel"`   // the accelerator to use
	Missing []string `json:"missing"` // CPU features it lacks
	// Reason says why hardware help is not used, or is empty.
	Reason string `json:"reason"`
	// Cached: no probe was run this time.
	Cached bool `json:"-"`
}

// Find returns what to start the QEMU at path with, for machines of the
// architecture arch (vm.AMD64, vm.RISCV64). want is Auto or the name of one
// accelerator, which is then used or an error says why it can't be. Verdicts are
// kept in the folder cache, unless that is empty.
func Find(ctx context.Context, arch, path, want, cache string) (Facts, error) {
	hard, reason := hardware(arch, want)
	if want != Auto && want != vm.TCG && hard == "" {
		return Facts{}, fmt.Errorf("accelerator %s: %s", want, reason)
	}
	key := cacheKey(arch, path, hard)
	f, ok := load(cache, key)
	if !ok {
		var err error
		if f, err = probeAll(ctx, arch, path, hard); err != nil {
			return Facts{}, err
		}
		store(cache, key, f)
	}
	f.Cached = ok
	if f.Reason == "" {
		f.Reason = reason
	}
	if want != Auto && f.Accel != want {
		return Facts{}, fmt.Errorf("accelerator %s: %s", want, f.Reason)
	}
	return f, nil
}

// hardware returns the accelerator that this host might have and want allows,
// or why there is none. It is cheap and asked each time.
func hardware(arch, want string) (name, reason string) {
	switch {
	case want == vm.TCG:
		return "", "software emulation was asked for"
	case arch != runtime.GOARCH:
		return "", "this host is " + runtime.GOARCH + ", the guest is " + arch
	case arch != vm.AMD64:
		return "", "not for " + arch
	case runtime.GOOS == "linux" && (want == Auto || want == vm.KVM):
		return kvm("/dev/kvm")
	case runtime.GOOS == "darwin" && (want == Auto || want == vm.HVF):
		return vm.HVF, ""
	case want == vm.KVM || want == vm.HVF:
		return "", "not on " + runtime.GOOS
	case want != Auto:
		return "", "no such accelerator (there are auto, kvm, hvf and tcg)"
	}
	return "", "none known for " + runtime.GOOS
}

// kvm reports whether the user can open the KVM device.
func kvm(dev string) (name, reason string) {
	f, err := os.OpenFile(dev, os.O_RDWR, 0)
	switch {
	case err == nil:
		_ = f.Close()
		return vm.KVM, ""
	case errors.Is(err, os.ErrNotExist):
		return "", "there is no " + dev
	case errors.Is(err, os.ErrPermission):
		return "", "no permission to open " + dev + " (sudo usermod -aG kvm $USER, then log in again)"
	}
	return "", err.Error()
}

// probeAll probes hard, if there is such a name, and TCG if that fails.
func probeAll(ctx context.Context, arch, path, hard string) (Facts, error) {
	f := Facts{Sandbox: runtime.GOOS == "linux", Accel: vm.TCG}
	var err error
	if f.Version, err = version(ctx, path); err != nil {
		return f, err
	}
	if hard != "" {
		missing, err := probeSandboxed(ctx, guests[arch], path, hard, Limit, &f.Sandbox)
		if err == nil {
			if n := vm.Needed(missing); n != nil {
				err = fmt.Errorf("it gives the guest a CPU without %s", strings.Join(n, " "))
			}
		}
		if err == nil {
			f.Accel, f.Missing = hard, missing
			return f, nil
		}
		f.Reason = hard + " does not work: " + err.Error()
	}
	f.Missing, err = probeSandboxed(ctx, guests[arch], path, vm.TCG, tcgLimit, &f.Sandbox)
	if err != nil {
		return f, fmt.Errorf("QEMU at %s does not run a guest: %w", path, err)
	}
	if n := vm.Needed(f.Missing); n != nil {
		return f, fmt.Errorf("QEMU at %s can't emulate %s", path, strings.Join(n, " "))
	}
	return f, nil
}

// probeSandboxed probes, and once more without QEMU's system-call filter if
// this QEMU was built without.
func probeSandboxed(ctx context.Context, g guest, path, accel string, limit time.Duration, sandbox *bool) ([]string, error) {
	missing, said, err := probe(ctx, g, path, accel, limit, *sandbox)
	if err != nil && *sandbox && strings.Contains(said, "sandbox") {
		*sandbox = false
		missing, _, err = probe(ctx, g, path, accel, limit, false)
	}
	return missing, err
}

// probe runs the probe guest g. It returns the CPU features that QEMU had to
// leave out and what QEMU said.
func probe(ctx context.Context, g guest, path, accel string, limit time.Duration, sandbox bool) (missing []string, said string, err error) {
	kernel, err := vm.MemFileOf("probe", bytes.NewReader(g.image()))
	if err != nil {
		return nil, "", err
	}
	defer kernel.Close()
	p, err := vm.Start(&vm.Config{
		QEMU: path, Machine: g.machine, Accel: accel, Sandbox: sandbox,
		CPUs: 1, MemoryMiB: 16, Kernel: kernel,
	}, nil)
	if err != nil {
		return nil, "", err
	}
	defer p.Close()
	mark := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(p.Out, int64(len(g.mark))))
		mark <- string(b)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.Done():
	case <-p.Broken():
		return nil, "", errors.New("the guest stopped with a KVM internal error")
	case <-timer.C:
		return nil, "", fmt.Errorf("the probe guest did not end within %v", limit)
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
	said = string(p.Stderr.Bytes())
	if e := p.Ending(); e.Status != vm.StatusEnded {
		why := "the probe guest failed: QEMU " + e.String()
		if l := p.Stderr.Lines(1); l != nil {
			why = qemuName.ReplaceAllString(l[0], "")
		}
		return nil, said, errors.New(why)
	}
	m := <-mark
	if g.machine == vm.Virt {
		m = string(p.Log.Bytes())
	}
	if m != g.mark {
		return nil, said, errors.New(g.silent)
	}
	return missingFeatures(said), said, nil
}

// qemuName is what QEMU's messages begin with.
var qemuName = regexp.MustCompile(`^qemu-system-[a-z0-9_]+: `)

// lacks matches QEMU's warning about a CPU feature (target/i386/cpu.c,
// mark_unavailable_features).
var lacks = regexp.MustCompile(`doesn't support requested feature: (?:CPUID\.[0-9A-Z]+:[A-Z]+|MSR\([0-9A-F]+H\))\.([a-z0-9_.-]+) \[bit`)

func missingFeatures(said string) []string {
	var names []string
	for _, m := range lacks.FindAllStringSubmatch(said, -1) {
		// QEMU names what follows the register: ECX.sse4.1.
		name := m[1]
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

var versionLine = regexp.MustCompile(`version (\d+)\.(\d+)(\.\d+)?`)

// version asks QEMU for its version and refuses one that is too old.
func version(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tcgLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil {
		return "", fmt.Errorf("%s does not say that it is QEMU", path)
	}
	var major, minor int
	_, _ = fmt.Sscan(m[1], &major)
	_, _ = fmt.Sscan(m[2], &minor)
	if slices.Compare([]int{major, minor}, MinVersion[:]) < 0 {
		return "", fmt.Errorf("QEMU %s is too old, %d.%d or newer is needed", m[1]+"."+m[2], MinVersion[0], MinVersion[1])
	}
	return m[1] + "." + m[2] + m[3], nil
}
