// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	largeSize  = 1 << 30
	diskSize   = 256 << 20
	treeFolder = 20
	treeFiles  = 50 // in each
)

// rates are figures that a program told, by name: how many of what in a second.
type rates map[string]float64

var errNoLinux = errors.New("the rates of devices are compared on amd64, with a Linux kernel (--linux), and its modules beside it as Debian's package has them")

// folders compares how fast a program reads and writes a folder of the host's, by the same
// program and device on Loam and on Linux.
func (w *wall) folders(ctx context.Context) error {
	if w.Linux == "" || w.Arch != vm.AMD64 {
		return errNoLinux
	}
	dir := filepath.Join(w.temp, "folder")
	if err := fillFolder(dir); err != nil {
		return err
	}
	initrd, err := w.linuxInitrd([]string{"virtio", "virtio_ring", "virtio_mmio", "netfs", "fscache", "9pnet", "9pnet_virtio", "9p"})
	if err != nil {
		return err
	}
	const tag, inside = "shared", "/mnt"
	return w.compareRates(ctx, "folder",
		func(ctx context.Context) (rates, error) {
			return w.loamRates(ctx, []string{"--dir", dir + "::" + inside}, "folder", inside)
		},
		func(ctx context.Context) (rates, error) {
			return w.linuxRates(ctx, initrd, "rates=folder,"+inside+","+tag,
				"-fsdev", "local,id=f,security_model=none,multidevs=remap,path="+dir,
				"-device", "virtio-9p-device,fsdev=f,mount_tag="+tag)
		})
}

// disks compares how fast a program reads and writes a disk, likewise.
func (w *wall) disks(ctx context.Context) error {
	if w.Linux == "" || w.Arch != vm.AMD64 {
		return errNoLinux
	}
	services, image := filepath.Join(w.temp, "services"), filepath.Join(w.temp, "image")
	const manifest = "loam-manifest 1\nprogram\n  uses disk0\n"
	if err := errors.Join(os.Mkdir(services, 0o755), os.WriteFile(filepath.Join(services, "manifest"), []byte(manifest), 0o644),
		os.WriteFile(image, make([]byte, diskSize), 0o644)); err != nil {
		return err
	}
	initrd, err := w.linuxInitrd([]string{"virtio", "virtio_ring", "virtio_mmio", "virtio_blk"})
	if err != nil {
		return err
	}
	return w.compareRates(ctx, "disk",
		func(ctx context.Context) (rates, error) {
			return w.loamRates(ctx, []string{"--bare", "--services", services, "--disk", image}, "disk")
		},
		func(ctx context.Context) (rates, error) {
			return w.linuxRates(ctx, initrd, "rates=disk,/dev/vda",
				"-drive", "if=none,id=d,format=raw,discard=unmap,file="+image, "-device", "virtio-blk-device,drive=d")
		})
}

// compareRates has a program's figures told by Loam and Linux in turns, and writes the ratios of the medians.
func (w *wall) compareRates(ctx context.Context, what string, loam, linux func(context.Context) (rates, error)) error {
	var all [2][]rates
	for round := range w.Rounds {
		for i, run := range []func(context.Context) (rates, error){loam, linux} {
			r, err := run(ctx)
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

// readRates reads what test/bench/rates prints, and takes the time: now is the host's.
func readRates(out io.Reader, now func() time.Time) (rates, error) {
	all, begun := rates{}, map[string]time.Time{}
	var said []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 2 && f[1] == "begins" {
			begun[f[0]] = now()
			continue
		}
		if len(f) == 2 && !begun[f[0]].IsZero() {
			if n, err := strconv.ParseFloat(f[1], 64); err == nil {
				all[f[0]] = n / now().Sub(begun[f[0]]).Seconds()
				continue
			}
		}
		said = append(said[max(0, len(said)-9):], lines.Text())
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 || len(all) < len(begun) {
		return nil, fmt.Errorf("figures are missing; it said %q", said)
	}
	return all, nil
}

// ratesOf runs a command of which the program is a part, to its end.
func ratesOf(ctx context.Context, env []string, command ...string) (rates, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	all, err := readRates(out, time.Now)
	if e := cmd.Wait(); e != nil || err != nil {
		return nil, fmt.Errorf("%s: %w\n%.500s", command[0], errors.Join(e, err), stderr.String())
	}
	return all, nil
}

// loamRates runs the program on Loam.
func (w *wall) loamRates(ctx context.Context, flags []string, args ...string) (rates, error) {
	return ratesOf(ctx, []string{"LOAM_CACHE=" + w.cache("ready")}, slices.Concat([]string{w.Loam, "run", "--arch", w.Arch, "--accel", "tcg"},
		flags, []string{filepath.Join(w.Root, program(w.Arch, progRates))}, args)...)
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

// linuxInitrd makes an initramfs of test/bench/rates and modules of the kernel's, to be loaded in this order.
func (w *wall) linuxInitrd(modules []string) (path string, err error) {
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

// linuxRates runs the program on Linux on Loam's kind of machine, with devices. That machine has no
// clock that Linux could compare the CPU's with, unless it is quick enough for the old timer's: so it is told.
func (w *wall) linuxRates(ctx context.Context, initrd, params string, devices ...string) (rates, error) {
	command, err := w.linuxMachine(initrd, params, devices...)
	if err != nil {
		return nil, err
	}
	return ratesOf(ctx, nil, command...)
}

// linuxMachine is the command for it.
func (w *wall) linuxMachine(initrd, params string, devices ...string) ([]string, error) {
	qemu, err := run.FindQEMU(w.Arch, "")
	if err != nil {
		return nil, err
	}
	return append([]string{qemu, "-machine", "microvm", "-accel", "tcg", "-cpu", vm.CPU(nil), "-m", fmt.Sprint(memoryMiB),
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-global", "virtio-mmio.force-legacy=false",
		"-kernel", w.Linux, "-initrd", initrd,
		"-append", fmt.Sprintf("console=ttyS0 quiet panic=-1 reboot=t tsc=reliable tsc_early_khz=%d %s", hostKHz(), params)}, devices...), nil
}

// hostKHz is how fast the host's time stamp counter runs, which is the guest's. Where the host doesn't tell it
// is a guess: the guest's sleeps are longer or shorter then.
func hostKHz() int {
	about, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(about), "cpu MHz")
	text, _, _ := strings.Cut(strings.TrimLeft(rest, " \t:"), "\n")
	mhz, err := strconv.ParseFloat(text, 64)
	if err != nil {
		mhz = 2000
	}
	return int(mhz * 1000)
}
