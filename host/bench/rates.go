// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"loam/host/run"
	"loam/host/vm"
)

// What the folder of the rates has: a large file, and a tree of small ones.
const (
	largeSize  = 256 << 20
	treeFolder = 20
	treeFiles  = 50 // in each
)

// rates are figures that a program told, by name: how many of what in a second.
type rates map[string]float64

// folders compares how fast a program reads and writes a folder of the host's, by the same
// program and device on Loam and on Linux.
func (w *wall) folders(ctx context.Context) error {
	if w.Linux == "" || w.Arch != vm.AMD64 {
		return errors.New("the rates of devices are compared on amd64, with a Linux kernel (--linux), and its modules beside it as Debian's package has them")
	}
	dir := filepath.Join(w.temp, "folder")
	if err := fillFolder(dir); err != nil {
		return err
	}
	initrd, err := w.linuxRates([]string{"virtio", "virtio_ring", "virtio_mmio", "netfs", "fscache", "9pnet", "9pnet_virtio", "9p"})
	if err != nil {
		return err
	}
	const tag, inside = "shared", "/mnt"
	return w.compareRates(ctx, "folder",
		func(ctx context.Context) ([]byte, error) {
			return w.output(ctx, "ready", []string{"--dir", dir + "::" + inside}, progRates, "folder", inside)
		},
		func(ctx context.Context) ([]byte, error) {
			return w.linuxOutput(ctx, initrd, "rates=folder,"+inside+","+tag,
				"-fsdev", "local,id=f,security_model=none,multidevs=remap,path="+dir,
				"-device", "virtio-9p-device,fsdev=f,mount_tag="+tag)
		})
}

// compareRates has a program's figures told by Loam and Linux in turns, and writes the ratios of the medians.
func (w *wall) compareRates(ctx context.Context, what string, loam, linux func(context.Context) ([]byte, error)) error {
	var all [2][]rates
	for round := range w.Rounds {
		for i, run := range []func(context.Context) ([]byte, error){loam, linux} {
			out, err := run(ctx)
			if err != nil {
				return err
			}
			r, err := parseRates(out)
			if err != nil {
				return fmt.Errorf("%s: %w", []string{"loam", "linux"}[i], err)
			}
			all[i] = append(all[i], r)
		}
		fmt.Fprintf(w.Progress, "bench  %s, round %d\n", what, round+1)
	}
	for _, name := range all[0][0].names() {
		ours, theirs := medianRate(all[0], name), medianRate(all[1], name)
		fmt.Fprintf(w.Out, "%s: loam has %.2f of linux's rate (medians of %d: %s, %s)\n", name, ours/theirs, w.Rounds,
			shownRate(ours), shownRate(theirs))
	}
	return nil
}

func shownRate(r float64) string {
	if r > 1<<20 {
		return fmt.Sprintf("%.1f MiB/s", r/(1<<20))
	}
	return fmt.Sprintf("%.0f/s", r)
}

func (r rates) names() []string {
	var all []string
	for name := range r {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func medianRate(all []rates, name string) float64 {
	var s []float64
	for _, r := range all {
		s = append(s, r[name])
	}
	slices.Sort(s)
	return s[len(s)/2]
}

// parseRates reads what test/bench/rates prints.
func parseRates(out []byte) (rates, error) {
	all := rates{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		count, err1 := strconv.ParseFloat(f[1], 64)
		ns, err2 := strconv.ParseFloat(f[2], 64)
		if err1 == nil && err2 == nil && ns > 0 {
			all[f[0]] = count / ns * 1e9
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no figures; it said %.500q", out)
	}
	return all, nil
}

// fillFolder makes the folder of which the rates are.
func fillFolder(dir string) error {
	r := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	if err := os.MkdirAll(filepath.Join(dir, "tree"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), bytes.Repeat(b, largeSize/len(b)), 0o644); err != nil {
		return err
	}
	for i := range treeFolder {
		below := filepath.Join(dir, "tree", fmt.Sprint(i))
		if err := os.Mkdir(below, 0o755); err != nil {
			return err
		}
		for j := range treeFiles {
			if err := os.WriteFile(filepath.Join(below, fmt.Sprint(j)), b[:r.IntN(8000)], 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// linuxRates makes an initramfs of test/bench/rates and modules of the kernel's, to be loaded in this order.
func (w *wall) linuxRates(modules []string) (path string, err error) {
	elf, err := os.ReadFile(filepath.Join(w.Root, program(w.Arch, progRates)))
	if err != nil {
		return "", err
	}
	version := strings.TrimPrefix(filepath.Base(w.Linux), "vmlinuz-")
	under := filepath.Join(filepath.Dir(filepath.Dir(w.Linux)), "lib/modules", version)
	found := map[string]string{}
	err = filepath.WalkDir(under, func(path string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok && err == nil {
			found[name] = path
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("the modules of %s: %w", w.Linux, err)
	}
	extra := []initFile{{name: "modules"}, {name: "proc"}, {name: "sys"}}
	for i, name := range modules {
		if found[name] == "" {
			continue // it may be built in
		}
		b, err := os.ReadFile(found[name])
		if err != nil {
			return "", err
		}
		extra = append(extra, initFile{fmt.Sprintf("modules/%02d-%s", i, name), b})
	}
	path = filepath.Join(w.temp, "initrd-rates")
	return path, os.WriteFile(path, initramfs(elf, extra...), 0o644)
}

// linuxOutput runs Linux on Loam's kind of machine, with devices, to its end, and gives what it wrote.
func (w *wall) linuxOutput(ctx context.Context, initrd, params string, devices ...string) ([]byte, error) {
	qemu, err := run.FindQEMU(w.Arch, "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	args := append([]string{"-machine", "microvm", "-accel", "tcg", "-cpu", vm.CPU(nil), "-m", fmt.Sprint(memoryMiB),
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-global", "virtio-mmio.force-legacy=false",
		"-kernel", w.Linux, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 reboot=t " + params}, devices...)
	return exec.CommandContext(ctx, qemu, args...).Output()
}
