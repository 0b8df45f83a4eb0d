// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"loam/host/accel"
	"loam/host/exit"
	"loam/host/ps"
	"loam/host/run"
	"loam/host/vm"
)

// kernelImage is the kernel to boot if not the one that loam carries: for
// tests, which also run where none has been built.
var kernelImage []byte

// runFlags are those of loam run.
type runFlags struct {
	machineFlags
	env           envFlag
	limit         sizeFlag // 0: none
	timeout       durationFlag
	deterministic bool
	stats         string
	memoryMap     mapFlags
	services      string
	init          bool
	disks         diskFlag
	folders       folderFlag
	net           string
	ports         portFlag
	pcap          string
	params        paramFlag
	terminal      bool
	bare          bool
	trace         traceFlags
	streamsDriver string
	networkServer string
	temp          bool // a module has a /tmp and a /dev
}

// machineFlags are those that run and boot share.
type machineFlags struct {
	memory  sizeFlag
	cpus    int
	arch    string
	machine string
	firm    string
	cpu     []string
	accel   string
	log     string
	verbose bool
}

// add adds the flags. machines says what --machine may be, arch is the default of
// --arch in words.
func (f *machineFlags) add(cmd *cobra.Command, arch, machines string) {
	f.memory = run.DefaultMemory
	fl := cmd.Flags()
	fl.VarP(&f.memory, "memory", "m", "memory of the machine, such as 64M or 1G")
	fl.IntVar(&f.cpus, "cpus", 1, fmt.Sprintf("processors of the machine, 1 to %d", vm.MaxCPUs))
	fl.StringVar(&f.arch, "arch", "", "architecture of the machine: "+strings.Join(vm.Arches, " or ")+" (default: "+arch+")")
	fl.StringVar(&f.machine, "machine", "", "QEMU's machine: "+machines)
	fl.StringVar(&f.firm, "firmware", "", "firmware that starts the kernel on riscv64: none, which is quicker, or opensbi (default none)")
	fl.StringArrayVar(&f.cpu, "cpu", nil, "a property of the CPU of a machine for riscv64, such as v=on; repeatable")
	_ = fl.MarkHidden("cpu") // for tests and for work on the kernel
	fl.StringVar(&f.accel, "accel", accel.Auto, "accelerator: auto, kvm, hvf or tcg")
	fl.StringVar(&f.log, "log", "", "write the kernel's log to `FILE`, - for standard error")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say what loam does, and with what")
}

// check refuses what is known to be impossible.
func (f *machineFlags) check() error {
	if f.cpus < 1 {
		return usageError{fmt.Errorf("--cpus %d: a machine has at least one", f.cpus)}
	}
	if f.arch != "" {
		if err := checkArch(f.arch); err != nil {
			return err
		}
	}
	if f.firm != "" && f.firm != vm.NoFirmware && f.firm != vm.OpenSBI {
		return usageError{fmt.Errorf("--firmware %s: there is no such firmware (%s, %s)", f.firm, vm.NoFirmware, vm.OpenSBI)}
	}
	return nil
}

func checkArch(arch string) error {
	if !slices.Contains(vm.Arches, arch) {
		return usageError{fmt.Errorf("--arch %s: there is no such architecture (%s)", arch, strings.Join(vm.Arches, ", "))}
	}
	return nil
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [flags] PROGRAM [ARGS...]",
		Short: "Run a program in a machine of its own",
		Long: `Run a WebAssembly module (WASI preview 1) or a static executable for linux/amd64
or linux/riscv64. The machine is of the program's own architecture; for a module
it is amd64, or what --arch says.

Flags stand before the program; everything after it goes to the program. The
program gets loam's standard input, and only the variables given with -e.

If input and output are a terminal, the program has one. Ctrl-C twice within a
second ends it whatever it does with that, and so do Ctrl-] three times.

Exit status: the program's own, or
  134      a WebAssembly module trapped
  128+N    the program died of signal N (139: segmentation fault, 137: killed)
  124      --timeout ran out
  125      loam itself failed
  126      the file is not a program that loam can run
  127      there is no such file`,
		Example: `  loam run hello.wasm
  loam run ./server --port 8080
  echo data | loam run -m 64M -e LANG -e LEVEL=3 filter.wasm > out
  loam run --arch riscv64 hello.wasm
  loam run --firmware opensbi ./server-riscv64
  loam run --deterministic --timeout 30s ./bench
  loam run --services ./services ./server
  loam run --dir ./site::/site:ro --dir ./out::/out ./build-site /site /out
  loam run -p 8080:80 ./webserver
  loam run --listen 127.0.0.1:8080 webserver.wasm
  loam run -p 127.0.0.1:5353:53/udp --pcap dns.pcap ./nameserver
  loam run --net none ./untrusted
  loam run ./editor
  loam run --bare -m 16M ./server
  loam run --services ./services --disk data.img --disk base.img:ro ./server
  loam run --memory-map ram.svg --memory-map-at 250ms ./server`,
		Args: someProgram,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.add(cmd)
	return cmd
}

// someProgram wants at least one argument.
func someProgram(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("which program?")}
	}
	return nil
}

// add adds the flags, of which all stand before the program.
func (f *runFlags) add(cmd *cobra.Command) {
	f.machineFlags.add(cmd, "the program's own, for a module amd64", "microvm (the default) or q35 for amd64, virt for riscv64")
	fl := cmd.Flags()
	fl.SetInterspersed(false)
	fl.VarP(&f.env, "env", "e", "set a variable for the program: K=V, or K to copy it from here; repeatable")
	fl.Var(&f.limit, "memory-limit", "the most memory that the program may have, such as 64M; all that the machine has without it")
	fl.Var(&f.timeout, "timeout", "end the program after this time, such as 10s or 5m")
	fl.BoolVar(&f.deterministic, "deterministic", false, "count instructions instead of time: each run is the same; implies --bare")
	fl.StringVar(&f.stats, "stats", "", "write the kernel's figures to `FILE`")
	f.memoryMap.add(fl)
	fl.StringVar(&f.services, "services", "", "run the services that the file manifest in `DIR` names beside the program (docs/init.md)")
	fl.Var(&f.folders, "dir", "give the program a folder: HOST as the path GUEST there, or as the same path; with :ro to be read only; repeatable")
	fl.StringVar(&f.net, "net", run.NetDefault, "network of the machine: none, or user, whose connections are made by QEMU as its own (default: user for a native program in 32M or more, else none)")
	fl.VarP(&f.ports, "publish", "p", "have a port of this host, of all its addresses or one, lead to a port of the program; repeatable")
	fl.Var(listenFlag{&f.ports}, "listen", "give a module a listener at a port of this host, of all its addresses or one: the first descriptor behind --dir's, 3 without any; repeatable")
	fl.StringVar(&f.pcap, "pcap", "", "write what the machine sends and receives to `FILE`, for Wireshark or tcpdump")
	fl.Var(&f.disks, "disk", "give the machine a raw image, with :ro to be read only, as the service disk0, disk1 ... (docs/init.md); repeatable")
	fl.BoolVar(&f.init, "init", false, "with --bare, have init start and watch the program all the same: loam ps sees what it does")
	fl.BoolVarP(&f.terminal, "terminal", "t", false, "give the program this terminal: its size, its modes, Ctrl-C and Ctrl-Z (default: if both input and output are one; -t=false: never)")
	fl.BoolVar(&f.bare, "bare", false, "the smallest machine: the kernel alone answers the program, which has no files, no folders and no terminal")
	f.trace.add(fl)
	fl.StringVar(&f.streamsDriver, "streams-driver", "", "a file of --services, with arguments, that drives the console streams in place of Loam's own program")
	_ = fl.MarkHidden("streams-driver") // for tests
	fl.StringVar(&f.networkServer, "network-server", "", "a file of --services, with arguments, that serves the network in place of Loam's own program")
	_ = fl.MarkHidden("network-server") // for tests
	fl.Var(&f.params, "param", "a further word of the kernel's command line, K=V (docs/kernel-command-line.md); repeatable")
	_ = fl.MarkHidden("param") // for tests and for work on the kernel
}

func (f *runFlags) run(cmd *cobra.Command, args []string) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	if err := f.settleTerminal(cmd.Flags().Changed("terminal"), os.Stdin, cmd.OutOrStdout()); err != nil {
		return err
	}
	log, err := create(f.log, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer log.Close()
	if err := f.memoryMap.start(cmd.OutOrStdout()); err != nil {
		return err
	}
	defer f.memoryMap.end()
	stop := interrupts()
	defer stop.close()
	o := run.Options{
		Path: args[0], Args: args[1:], Env: f.env.values,
		MemoryMiB: int(f.memory), MemoryLimitMiB: int(f.limit), CPUs: f.cpus, Timeout: f.timeout.Duration,
		Arch: f.arch, Machine: vm.Machine(f.machine), Firmware: f.firm, CPUProps: f.cpu, Accel: f.accel, Deterministic: f.deterministic, Params: f.params,
		Stdin: os.Stdin, Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Messages: cmd.ErrOrStderr(),
		Verbose: f.verbose, Statistics: f.stats != "", Log: log.w,
		Services: f.services, Init: f.init, Disks: f.disks, Folders: f.folders, Temp: f.temp, Net: f.net, Ports: f.ports, Pcap: f.pcap, Bare: f.bare, Terminal: f.terminal, StreamsDriver: strings.Fields(f.streamsDriver), NetworkServer: strings.Fields(f.networkServer), Sockets: ps.Folders(cacheDir()),
		Cache: cacheDir(), Interrupt: stop.code, Kernel: kernelImage,
	}
	f.memoryMap.ask(&o)
	if err := f.trace.ask(&o, cmd.ErrOrStderr()); err != nil {
		return err
	}
	defer f.trace.close()
	res, err := run.Run(cmd.Context(), o)
	err = f.memoryMap.write(&o, res, err)
	if err == nil && f.stats != "" {
		if werr := os.WriteFile(f.stats, res.Stats, 0o666); werr != nil {
			return exit.Errorf(exit.Loam, "--stats: %v", werr)
		}
	}
	if err == nil && res.Code != 0 {
		return statusError(res.Code)
	}
	return err
}

// settleTerminal decides whether the program has a terminal: where that isn't said, if both loam's input and its
// output are one.
func (f *runFlags) settleTerminal(said bool, stdin *os.File, stdout io.Writer) error {
	in, out := run.IsTerminal(stdin), run.IsTerminal(stdout)
	switch {
	case f.deterministic && f.terminal:
		return usageError{errors.New("a deterministic machine has no terminal: when it answers depends on who sits there")}
	case f.bare && (f.terminal || len(f.folders) > 0):
		return usageError{errors.New("--bare has nothing in the machine that would serve --dir or -t")}
	case !said:
		f.terminal = in && out
	case f.terminal && !in && !out:
		return exit.Errorf(exit.Loam, "-t: neither standard input nor standard output is a terminal")
	}
	return nil
}

// interrupter turns the signals that ask loam to end into exit statuses.
type interrupter struct {
	code chan int
	sigs chan os.Signal
}

// interrupts starts to catch signals. SIGPIPE is caught and dropped, so that a
// closed standard output is an error of the write: loam ends its machine
// before it ends itself.
func interrupts() *interrupter {
	i := &interrupter{code: make(chan int, 1), sigs: make(chan os.Signal, 1)}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signal.Notify(i.sigs, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	go func() {
		for s := range i.sigs {
			if n, ok := s.(syscall.Signal); ok {
				select {
				case i.code <- exit.Signal + int(n):
				default:
				}
			}
		}
	}()
	return i
}

func (i *interrupter) close() { signal.Stop(i.sigs) }

// cacheDir is the folder for what is worth keeping, or empty.
func cacheDir() string {
	if d := os.Getenv("LOAM_CACHE"); d != "" {
		return d
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(d, "loam")
}

// logFile is where a log goes; the zero value: nowhere.
type logFile struct {
	w    io.Writer
	file *os.File // to be closed, or nil
}

// create creates the file of a log: none for the empty name, stderr for "-".
func create(path string, stderr io.Writer) (logFile, error) {
	switch path {
	case "":
		return logFile{}, nil
	case "-":
		return logFile{w: stderr}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return logFile{}, exit.Errorf(exit.Loam, "%v", err)
	}
	return logFile{f, f}, nil
}

func (l logFile) Close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}
