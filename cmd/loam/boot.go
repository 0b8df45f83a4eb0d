// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"loam/host/boot"
	"loam/host/ps"
	"loam/host/vm"
)

func bootCommand() *cobra.Command {
	var f machineFlags
	var limit durationFlag
	var display, dump, services string
	cmd := &cobra.Command{
		Use:   "boot",
		Short: "Start a machine and watch its consoles",
		Long: `Start a PC (QEMU's q35) with the VGA text console in a window, if there is a
screen, and the serial console here. With --arch riscv64 the machine is QEMU's virt,
which has the serial console alone. In it init runs the consoles' driver, a program
that answers keys, and the services of --services. It stays up until Ctrl-C.`,
		Example: `  loam boot
  loam boot --arch riscv64 --firmware opensbi
  loam boot --display none --for 5s
  loam boot --services ./services
  loam boot --for 3s --screendump vga.ppm`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			machine, err := f.bootMachine()
			if err != nil {
				return err
			}
			log, err := create(f.log, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer log.Close()
			// In the background of a terminal, typing is for somebody else.
			signal.Ignore(syscall.SIGTTIN)
			stop := interrupts()
			defer stop.close()
			defer boot.Keys(os.Stdin)()
			return boot.Run(cmd.Context(), boot.Options{
				MemoryMiB: int(f.memory), CPUs: f.cpus, Machine: machine, Accel: f.accel,
				Firmware: f.firm, CPUProps: f.cpu,
				Verbose: f.verbose, Limit: limit.Duration, Display: display, Screendump: dump,
				Stdin: os.Stdin, Kernel: kernelImage,
				Console: cmd.OutOrStdout(), Messages: cmd.ErrOrStderr(), Log: log.w,
				Services: services, Sockets: ps.Folders(cacheDir()),
				Cache: cacheDir(), Interrupt: stop.code,
			})
		},
	}
	f.add(cmd, "amd64", "q35 (the default) or microvm for amd64, virt for riscv64")
	fl := cmd.Flags()
	fl.Var(&limit, "for", "stop after this time, such as 5s (default: stay until Ctrl-C)")
	fl.StringVar(&display, "display", boot.AutoDisplay, "where to show the VGA console: auto, none or a display of QEMU's (gtk, sdl, cocoa)")
	fl.StringVar(&services, "services", "", "run the services that the file manifest in `DIR` names, too (docs/init.md)")
	fl.StringVar(&dump, "screendump", "", "before the end, save a picture of the VGA console to `FILE` (PPM)")
	return cmd
}

// bootMachine is the machine to boot: a PC, or that of the architecture.
func (f *machineFlags) bootMachine() (vm.Machine, error) {
	machine := vm.Machine(f.machine)
	if f.machine == "" {
		machine = vm.Q35
		if f.arch == vm.RISCV64 {
			machine = vm.Virt
		}
	}
	if f.arch != "" && machine.Arch() != f.arch {
		return "", usageError{fmt.Errorf("--machine %s is for %s, not %s", machine, machine.Arch(), f.arch)}
	}
	return machine, nil
}
