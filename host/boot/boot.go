// SPDX-License-Identifier: Apache-2.0

// Package boot starts a PC, or QEMU's virt for riscv64, with its consoles live, for
// people who want to watch it: the serial console goes to the terminal, a PC's VGA
// text console to a window of QEMU's if there is a screen. In the machine init runs
// the console's driver, a program that answers keys, and perhaps services of
// one's own. It stays up until it is told to stop.
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"loam/archive"
	"loam/host/accel"
	"loam/host/exit"
	"loam/host/ps"
	"loam/host/run"
	"loam/host/vm"
	"loam/internal/manifest"
)

// AutoDisplay asks for a window if there is a screen.
const AutoDisplay = "auto"

// Options say how to boot.
type Options struct {
	MemoryMiB, CPUs int
	Machine         vm.Machine
	Firmware        string   // as in vm.Config
	CPUProps        []string // as in vm.Config
	Accel           string
	Verbose         bool
	Limit           time.Duration // stop after it; 0: never
	Services        string        // folder of services, as in run.Options; empty: the built-in ones alone
	Display         string        // AutoDisplay, "none" or a name of QEMU's
	Screendump      string        // file for a picture of the screen at the end

	Stdin    io.Reader // what is typed at the serial console; nil: nothing
	Console  io.Writer // the serial console
	Messages io.Writer // loam's own lines
	Log      io.Writer // also gets the serial console; nil: nobody

	QEMU, Cache string     // as in run.Options
	Sockets     []string   // as in run.Options
	Kernel      []byte     // as in run.Options
	Interrupt   <-chan int // a status to end with
}

func (o *Options) note(format string, args ...any) {
	fmt.Fprintf(o.Messages, "loam: "+format+"\n", args...)
}

// list lets loam ps find the machine, until the function that it returns is called.
func (o *Options) list(ask run.Ask) (end func()) {
	about := ps.Machine{Program: "loam boot", Arch: o.Machine.Arch(), Machine: string(o.Machine), MemoryMiB: o.MemoryMiB, CPUs: o.CPUs,
		Started: time.Now(), Init: true}
	s, err := ps.Serve(o.Sockets, func(ctx context.Context) ps.Machine {
		now, err := about, error(nil)
		if now.Programs, err = run.Programs(ctx, ask); err != nil {
			now.Trouble = err.Error()
		}
		return now
	})
	if err != nil {
		return func() {}
	}
	return s.Close
}

// Run boots and stays until it is told to stop, which is no error, or until
// the machine ends by itself, which is one.
func Run(ctx context.Context, o Options) error {
	var err error
	if o.QEMU, err = run.FindQEMU(o.Machine.Arch(), o.QEMU); err != nil {
		return err
	}
	facts, err := accel.Find(ctx, o.Machine.Arch(), o.QEMU, o.Accel, o.Cache)
	if err != nil {
		return &exit.Error{Code: exit.Loam, Text: err.Error(), Hint: "loam doctor says more"}
	}
	c, err := o.config(ctx, facts)
	if err != nil {
		return err
	}
	defer c.Kernel.Close()
	defer c.Archive.Close()
	var control *control
	if o.Screendump != "" {
		if control, err = newControl(c); err != nil {
			return exit.Errorf(exit.Loam, "%v", err)
		}
		defer control.close()
	}
	if o.Verbose {
		o.note("machine: %s, %d MiB, %s, QEMU %s, accelerator %s", c.Machine, c.MemoryMiB, run.Processors(c.CPUs), facts.Version, facts.Accel)
	}
	console := o.Console
	if o.Log != nil {
		console = io.MultiWriter(console, o.Log)
	}
	p, err := vm.Start(c, console)
	if control != nil {
		_ = c.ControlSocket.Close()
	}
	if err != nil {
		return exit.Errorf(exit.Loam, "%v", err)
	}
	defer p.Close()
	host := o.attend(p)
	defer host.asker.End()
	defer o.list(host.ask)()
	if o.Stdin != nil {
		go func() { _, _ = io.Copy(p.Console, o.Stdin) }()
	}
	return o.stay(ctx, p, host, control, c.Display != "" && c.Display != "none")
}

// stay waits for the end. shown: the machine has a window.
func (o *Options) stay(ctx context.Context, p *vm.Process, host *channelEnd, control *control, shown bool) error {
	var limit <-chan time.Time
	if o.Limit > 0 {
		t := time.NewTimer(o.Limit)
		defer t.Stop()
		limit = t.C
	}
	var why error
	select {
	case <-p.Done():
		if err := o.ended(p, host, shown); err != nil || control == nil {
			return err
		}
		return exit.Errorf(exit.Loam, "the machine ended before its screen was saved")
	case <-p.Broken():
		return exit.Errorf(exit.Loam, "KVM internal error (--accel tcg does without)")
	case <-limit:
	case code := <-o.Interrupt:
		why = &exit.Error{Code: code}
	case <-ctx.Done():
		why = context.Cause(ctx)
	}
	if control != nil {
		if err := control.screendump(o.Screendump); err != nil {
			return exit.Errorf(exit.Loam, "screendump: %v", err)
		}
	}
	return why
}

// ended explains a machine that ended by itself.
func (o *Options) ended(p *vm.Process, host *channelEnd, shown bool) error {
	e := p.Ending()
	why := p.RefusedCPUs()
	switch {
	case e.Status == 1 && why != "":
		return run.RefusedCPUs(o.CPUs, why)
	case e.Signal == 0 && e.Status == vm.StatusEnded:
		return host.status()
	case e.Signal == 0 && e.Status == vm.StatusPanic:
		return exit.Errorf(exit.Loam, "kernel panic")
	case e.Signal == 0 && e.Status == vm.StatusReset && shown:
		return nil // switched off by closing the window
	case e.Signal == 0 && e.Status == vm.StatusReset:
		return exit.Errorf(exit.Loam, "%s", o.Machine.ResetText())
	}
	return &exit.Error{Code: exit.Loam, Text: "QEMU " + e.String(), Detail: strings.Join(p.Stderr.Lines(10), "\n")}
}

// config is the machine to boot.
func (o *Options) config(ctx context.Context, facts accel.Facts) (*vm.Config, error) {
	c := &vm.Config{
		QEMU: o.QEMU, Machine: o.Machine, Accel: facts.Accel, Missing: facts.Missing, Firmware: o.Firmware,
		CPUProps: o.CPUProps, CPUs: o.CPUs, MemoryMiB: o.MemoryMiB,
		Params: []vm.Param{
			{Key: "mode", Value: "boot"},
			{Key: "time", Value: fmt.Sprint(time.Now().UnixNano())},
		},
	}
	if o.Verbose {
		c.Params = append(c.Params, vm.Param{Key: "v", Value: "1"})
	}
	switch {
	case c.Machine == vm.Q35:
		c.VGA = true
		d, err := o.display(ctx)
		if err != nil {
			return nil, err
		}
		c.Display = d
	case c.Machine == vm.Virt && (o.Screendump != "" || o.Display != AutoDisplay && o.Display != "" && o.Display != "none"):
		return nil, usage("%s has no screen: its console is the serial port", c.Machine)
	}
	// A window needs more of the system than the filter lets through.
	c.Sandbox = facts.Sandbox && (c.Display == "" || c.Display == "none")
	var err error
	if c.Kernel, err = run.KernelFile(o.Machine.Arch(), o.Kernel); err != nil {
		return nil, err
	}
	if c.Archive, err = o.archive(); err != nil {
		_ = c.Kernel.Close()
		return nil, err
	}
	if err := c.Check(); err != nil {
		_ = c.Kernel.Close()
		_ = c.Archive.Close()
		return nil, exit.Errorf(exit.Loam, "%v", err)
	}
	return c, nil
}

// archive is the boot archive: init, the console and the services.
func (o *Options) archive() (*os.File, error) {
	files := map[string][]byte{manifest.File: []byte(manifestHead + o.builtIn(&manifest.Manifest{}))}
	var err error
	if o.Services != "" {
		if files, err = run.ServiceFiles(o.Services, o.Machine.Arch(), o.addBuiltIn); err != nil {
			return nil, err
		}
	}
	if files[manifest.SystemImage], err = run.SystemFile(o.Machine.Arch()); err != nil {
		return nil, err
	}
	f, err := vm.MemFile("archive")
	if err != nil {
		return nil, exit.Errorf(exit.Loam, "%v", err)
	}
	w := archive.NewWriter(f)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err = errors.Join(err, w.AddBytes(name, files[name]))
	}
	if err = errors.Join(err, w.Close()); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, exit.Errorf(exit.Loam, "%v", err)
	}
	return f, nil
}

// displayName is what may stand for a display: a name of QEMU's and options.
var displayName = regexp.MustCompile(`^[a-z0-9-]+(,[a-z0-9=.,-]+)?$`)

// display decides where the VGA console is shown.
func (o *Options) display(ctx context.Context) (string, error) {
	switch {
	case o.Display == "none":
		return "none", nil
	case o.Display == "curses":
		return "", exit.Errorf(exit.Loam, "--display curses: the terminal belongs to the serial console")
	case o.Display != AutoDisplay && o.Display != "":
		if !displayName.MatchString(o.Display) {
			return "", usage("--display %q: not a name of a display", o.Display)
		}
		return o.Display, nil
	}
	if runtime.GOOS != "darwin" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		o.note("no screen here: the VGA console runs unseen, the serial console follows")
		return "none", nil
	}
	have := displays(ctx, o.QEMU)
	for _, d := range []string{"cocoa", "gtk", "sdl"} {
		if slices.Contains(have, d) {
			return d, nil
		}
	}
	o.note("this QEMU shows no windows (on Debian: apt-get install qemu-system-gui): the VGA console runs unseen")
	return "none", nil
}

func usage(format string, args ...any) error {
	return exit.Errorf(exit.Loam, format, args...)
}

// displays asks QEMU for the displays that it has.
func displays(ctx context.Context, qemu string) []string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, qemu, "-display", "help").Output()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return strings.Fields(string(out))
}
