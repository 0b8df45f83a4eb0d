// SPDX-License-Identifier: Apache-2.0

// Package run runs one program in a machine of its own and says how it ended.
//
// A run is: read and check the program, choose an accelerator, pack the boot
// archive, start the machine, pump the host channel, decide the exit status.
// Everything that can be refused is refused before the machine starts.
//
// The guest is not trusted. Its frames are bounded and checked (package
// abi/channel), its texts are made printable, and it is read only as fast as
// the program's output can be written: a flood fills a socket and then blocks
// the guest. Its first frame must be Hello, its last is Exit; a machine that
// ends without Exit has failed, whatever QEMU's status is. Standard input is
// read only between the two.
//
// If the machine fails before Hello under an accelerator that was chosen by
// probing, nothing has been read or written yet, so that the run is repeated
// with software emulation, and the accelerator distrusted from then on.
package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"loam/host/accel"
	"loam/host/exit"
	"loam/host/memorymap"
	"loam/host/program"
	"loam/host/setup"
	"loam/host/vm"
)

// DefaultMemory is the guest's memory in MiB.
const DefaultMemory = 512

// Options say what to run and how. The zero value of a field means the
// default where one is named.
type Options struct {
	Path string   // of the program; also its argv[0]
	Args []string // argv[1:]
	Env  []string // the program's whole environment, K=V

	MemoryMiB     int           // default: DefaultMemory
	CPUs          int           // default: 1; at most vm.MaxCPUs
	Timeout       time.Duration // of the whole run; 0: none
	Arch          string        // vm.AMD64 or vm.RISCV64; default: the program's own, for a module amd64
	Machine       vm.Machine    // default: the architecture's quickest
	Firmware      string        // as in vm.Config
	CPUProps      []string      // as in vm.Config
	Accel         string        // default: accel.Auto
	Deterministic bool
	// Counted counts instructions as Deterministic does, in a machine that has devices, for measurements: when
	// they answer depends on the host. Discard has QEMU throw away what comes by the streams' device to
	// stdout, so that nothing of it waits for the host.
	Counted, Discard bool
	// MemoryLimitMiB is the most memory that the program, and all that it starts,
	// may have, page tables included, in MiB. 0: all that the machine has.
	MemoryLimitMiB int
	// Params are further words of the kernel's command line, after loam's own.
	Params []vm.Param

	Stdin  *os.File  // nil: empty
	Stdout io.Writer // nil: discarded
	Stderr io.Writer // nil: discarded
	// Messages gets loam's own lines, each written at once: notices of the
	// kernel, and with Verbose what loam does. nil: discarded.
	Messages io.Writer
	Verbose  bool
	// Statistics has the kernel send its figures, see Result.Stats.
	Statistics bool
	Log        io.Writer // also gets the kernel's log, nil: nobody
	// MemoryMap, if not nil, gets the map of the machine's memory, made when
	// MapAt says: the kernel's parameter map (docs/kernel-command-line.md).
	MemoryMap *memorymap.Decoder
	MapAt     string

	QEMU  string // path; default: as FindQEMU says
	Cache string // folder for what is worth keeping; empty: keep nothing
	// Kernel is the image to boot; default: the one that loam carries.
	Kernel []byte
	// Interrupt, if it delivers a status, ends the run with that status.
	Interrupt <-chan int

	// Ask, if not nil, is called once the kernel runs, with a function to put
	// requests to the program that answers them there (abi.CallHostReceive).
	Ask func(Ask)

	// Services is the folder of a manifest and of the programs that it names
	// (docs/init.md); empty: none. Init has init be the first process also without.
	Services string
	Init     bool
	// Bare leaves the program's calls to the kernel alone, as Deterministic does. Without it the personality
	// answers them (docs/linux-personality.md), and stdin, stdout and stderr go by a device.
	// There are no Folders then.
	Bare bool
	// Terminal has those streams be a terminal that are one here, where they go by the device.
	Terminal bool
	// StreamsDriver is a file of Services that drives the device in place of Loam's own program, with
	// its arguments: for tests.
	StreamsDriver []string
	// NetworkServer is a file of Services that serves the network, likewise.
	NetworkServer []string
	// Disks and Folders of the host's that the machine has, each by a service of its own.
	Disks   []Disk
	Folders []Folder
	// Temp grants a module the machine's own /tmp, in memory, and /dev, which other programs have anyway.
	Temp bool
	// Net is the machine's network, Ports those of the host that lead to the program, and Pcap a file for what the
	// machine sends and receives.
	Net   string
	Ports []Port
	Pcap  string
	// Syscalls has a table of the calls that the personality answers written to Messages at the end, and Trace, if it
	// isn't nil, gets a line for each call.
	Syscalls bool
	Trace    io.Writer
	// Sockets are the folders, the best first, in one of which loam ps finds the
	// machine (ps.Folders). Without any it doesn't.
	Sockets []string

	// Files are further files of the boot archive, by name. They must not
	// have the name of one that loam itself puts there.
	Files map[string][]byte
	// GuestCompiles leaves a module's compilation to the guest, as on a host
	// of another architecture.
	GuestCompiles bool

	deadline    time.Time // from Timeout; zero: none
	manifest    asked     // of Services
	personality bool      // answers the program's calls
	streams     bool      // the machine has the device of package user/streamd
	ownStreams  bool      // the program's streams are those
	network     bool      // the machine has the network's device
}

// Result is what is known after a run.
type Result struct {
	Code  int    // the status to exit with
	Stats []byte // the kernel's figures, lines `name value unit`
	// The machine that it was, and the guest-physical address of the host
	// channel's ring in it (0: none).
	Machine vm.Machine
	Ring    uint64
	Facts   accel.Facts
	Boot    time.Duration // from QEMU's start to the kernel's first frame
	Total   time.Duration // from QEMU's start to the program's end
}

// How long a machine may take to its first frame: one with hardware help that
// is slower than the second is broken. Variables for tests only.
var (
	helloLimit     = 60 * time.Second
	fastHelloLimit = 10 * time.Second
)

// Run runs a program. If err is not nil, Result.Code is exit.Code(err) and the
// program did not end by its own doing.
func Run(ctx context.Context, o Options) (Result, error) {
	r, err := run(ctx, &o)
	if err != nil {
		r.Code = exit.Code(err)
	}
	return r, err
}

func run(ctx context.Context, o *Options) (Result, error) {
	o.setDefaults()
	prog, err := program.Load(o.Path)
	if err != nil {
		return Result{}, err
	}
	if err := o.chooseMachine(prog); err != nil {
		return Result{}, err
	}
	if err := o.settleNetwork(prog.Kind); err != nil {
		return Result{}, err
	}
	m, err := o.prepare(ctx, prog)
	if err != nil {
		return Result{Facts: m.facts}, err
	}
	defer m.close()
	res, err := m.attempt(ctx)
	if again, why := m.worthRepeating(res, err); again {
		accel.Distrust(o.QEMU, o.Cache, m.facts, why)
		o.say("%s failed (%s); using %s from now on", m.facts.Accel, why, vm.TCG)
		m.facts.Accel, m.facts.Missing = vm.TCG, nil
		res, err = m.attempt(ctx)
	}
	res.Facts, res.Machine, res.Ring = m.facts, m.Machine, m.ring
	return res.Result, err
}

// counts reports whether instructions are counted.
func (o *Options) counts() bool { return o.Deterministic || o.Counted }

func (o *Options) setDefaults() {
	if o.Timeout > 0 {
		o.deadline = time.Now().Add(o.Timeout)
	}
	if o.MemoryMiB == 0 {
		o.MemoryMiB = DefaultMemory
	}
	if o.CPUs == 0 {
		o.CPUs = 1
	}
	if o.Accel == "" {
		o.Accel = accel.Auto
	}
	if o.counts() && o.Accel == accel.Auto {
		o.Accel = vm.TCG
	}
	o.Bare = o.Bare || o.Deterministic
	o.manifest = o.askedOf()
	o.personality = len(o.Folders) > 0 || !o.Bare && !o.manifest.under
	// The streams are one process's. Where a section has to do with them, the program's go by the host channel.
	o.ownStreams = o.personality && !o.manifest.uses[streamsName] && !o.manifest.provides[streamsName]
	o.streams = o.ownStreams || o.manifest.wants(streamsName)
	for _, w := range []*io.Writer{&o.Stdout, &o.Stderr, &o.Messages} {
		if *w == nil {
			*w = io.Discard
		}
	}
}

// chooseMachine settles the architecture and the machine for a program.
func (o *Options) chooseMachine(prog *program.Program) error {
	asked := o.Arch != ""
	switch {
	case asked:
	case o.Machine != "":
		o.Arch = o.Machine.Arch()
	case prog.Arch != "":
		o.Arch = prog.Arch
	default:
		o.Arch = vm.AMD64
	}
	if o.Machine == "" {
		o.Machine = vm.DefaultMachine(o.Arch)
	}
	switch {
	case !slices.Contains(vm.Arches, o.Arch):
		return exit.Errorf(exit.Loam, "there is no architecture %q (there are %s)", o.Arch, strings.Join(vm.Arches, " and "))
	case o.Machine.Arch() != o.Arch:
		return exit.Errorf(exit.Loam, "the machine %s is for %s, not %s", o.Machine, o.Machine.Arch(), o.Arch)
	case prog.Arch != "" && prog.Arch != o.Arch:
		e := exit.Errorf(exit.CannotRun, "%s: is for %s, not %s", prog.Path, prog.Arch, o.Arch)
		if asked {
			e.Hint = "without --arch loam takes the program's own architecture"
		}
		return e
	}
	return nil
}

// note writes one of loam's own lines.
func (o *Options) note(format string, args ...any) {
	_, _ = io.WriteString(o.Messages, "loam: "+fmt.Sprintf(format, args...)+"\n")
}

// say writes one of loam's own lines if the person asked for more.
func (o *Options) say(format string, args ...any) {
	if o.Verbose {
		o.note(format, args...)
	}
}

// FindQEMU returns the path of QEMU for an architecture: path itself if not empty,
// else that in $LOAM_QEMU (amd64) or $LOAM_QEMU_RISCV64, else the one in PATH.
func FindQEMU(arch, path string) (string, error) {
	if path == "" {
		path = os.Getenv(setup.Variable(arch))
	}
	if path == "" {
		path = setup.QEMU(arch)
	}
	found, err := exec.LookPath(path)
	if err == nil {
		return found, nil
	}
	return "", &exit.Error{
		Code: exit.Loam,
		Text: fmt.Sprintf("QEMU for %s (%s) is missing", arch, path),
		Hint: "to install it: " + setup.ThisHost().Hint(),
	}
}

// machine is a run whose preparations are done.
type machine struct {
	*Options
	facts   accel.Facts
	kernel  *os.File
	archive *os.File
	room    uint64 // vm.Config.Room
	ring    uint64 // Result.Ring
	devices []device
	lines   *lines // of the console streams; nil: none

	inputOver bool // the kernel is told that there is no input
}

// runnerRoom is what the runner of WebAssembly modules needs in bytes before it
// can speak for itself; without that its end would look like the module's own.
// Measured: with 1.9 MiB it starts the smallest module at times, with this always.
const runnerRoom = 5 << 19

func (m *machine) close() {
	for _, f := range []*os.File{m.kernel, m.archive} {
		if f != nil {
			_ = f.Close()
		}
	}
	for _, d := range m.devices {
		if d.close != nil {
			_ = d.close()
		}
	}
}

// prepare does all that comes before a machine can be started. The machine it
// returns is never nil.
func (o *Options) prepare(ctx context.Context, prog *program.Program) (m *machine, err error) {
	m = &machine{Options: o}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if err := o.checkMachine(); err != nil {
		return m, err
	}
	if o.QEMU, err = FindQEMU(o.Arch, o.QEMU); err != nil {
		return m, err
	}
	m.facts, err = accel.Find(ctx, o.Arch, o.QEMU, o.Accel, o.Cache)
	if err != nil {
		return m, &exit.Error{Code: exit.Loam, Text: err.Error(), Hint: "loam doctor says more"}
	}
	o.sayMachine(m.facts)
	if err := checkRoot(o.Folders, prog.Kind); err != nil {
		return m, err
	}
	if m.devices, err = o.openDevices(); err != nil {
		return m, err
	}
	if o.streams {
		m.lines = &lines{discard: o.Discard}
		m.devices = append(m.devices, m.lines.device(o.streamsFlag(), o.StreamsDriver))
	}
	files, err := m.guestFiles(ctx, prog)
	if err != nil {
		return m, err
	}
	if prog.Kind == program.Wasm {
		m.room = runnerRoom
	}
	if m.kernel, err = o.kernelFile(); err != nil {
		return m, err
	}
	if m.archive, err = o.pack(files); err != nil {
		return m, err
	}
	return m, nil
}

// checkMachine refuses impossible machines early; the rest is vm.Config's.
func (o *Options) checkMachine() error {
	c := vm.Config{
		Machine: o.Machine, Accel: vm.TCG, CPUs: o.CPUs, MemoryMiB: o.MemoryMiB, Firmware: o.Firmware,
		CPUProps: o.CPUProps, Deterministic: o.counts(), Counted: o.Counted, Kernel: os.Stdin, Params: o.Params,
		Devices: make([]vm.Device, o.numDevices()),
	}
	if o.counts() && o.Accel != vm.TCG {
		c.Accel = o.Accel
	}
	if err := c.Check(); err != nil {
		e := exit.Errorf(exit.Loam, "%v", err)
		if len(c.Devices) > vm.MaxDevices && o.personality && len(o.Folders) == 0 {
			e.Hint = "one of them is for the program's streams: --bare does without"
		}
		return e
	}
	return nil
}

func (o *Options) sayMachine(f accel.Facts) {
	why := ""
	if f.Reason != "" && f.Accel == vm.TCG {
		why = " (" + f.Reason + ")"
	}
	firmware := ""
	if o.Firmware == vm.OpenSBI {
		firmware = ", OpenSBI"
	}
	o.say("machine: %s, %d MiB, %s%s, QEMU %s", o.Machine, o.MemoryMiB, Processors(o.CPUs), firmware, f.Version)
	o.say("accelerator: %s%s", f.Accel, why)
	o.say("guest CPU: %s", vm.DescribeCPU(o.Machine, f.Missing, o.CPUProps))
	if o.Deterministic {
		o.say("deterministic: one instruction is one nanosecond from %s", "2026-01-01T00:00:00Z")
	}
}

// Processors says a number of CPUs: "1 CPU", "4 CPUs".
func Processors(n int) string {
	if n == 1 {
		return "1 CPU"
	}
	return fmt.Sprintf("%d CPUs", n)
}

// config is the machine for one attempt. One that is deterministic shares no
// memory with loam: what it does must not depend on how fast loam is.
func (m *machine) config() (*vm.Config, error) {
	c := &vm.Config{
		QEMU: m.QEMU, Machine: m.Machine, Accel: m.facts.Accel, Missing: m.facts.Missing, Firmware: m.Firmware,
		CPUProps: m.CPUProps, Sandbox: m.facts.Sandbox, CPUs: m.CPUs, MemoryMiB: m.MemoryMiB, Room: m.room,
		Kernel: m.kernel, Archive: m.archive, Deterministic: m.counts(), Counted: m.Counted,
	}
	if !m.counts() {
		var err error
		if c.Ring, err = c.NewRing(); err != nil {
			return nil, err
		}
	}
	for i := range m.devices {
		d, err := m.devices[i].attach()
		if err != nil {
			return nil, err
		}
		c.Devices = append(c.Devices, d)
	}
	m.ring = 0
	if c.Ring != nil {
		m.ring = c.Ring.Addr
	}
	c.Params = append(m.ownParams(), m.Params...)
	return c, nil
}

// ownParams are loam's words of the kernel's command line.
func (m *machine) ownParams() []vm.Param {
	params := []vm.Param{{Key: "mode", Value: "run"}}
	add := func(k, v string) { params = append(params, vm.Param{Key: k, Value: v}) }
	if m.counts() {
		if m.Arch == vm.AMD64 {
			add("tsc", "1000000000") // riscv64's clock has its rate in the devicetree
		}
		add("time", fmt.Sprint(int64(vm.DeterministicEpoch)))
		add("seed", fixedSeed)
	} else {
		add("time", fmt.Sprint(time.Now().UnixNano()))
	}
	if m.CPUs == 1 {
		add("cpus", "1") // the kernel need not look for others
	}
	if m.MemoryLimitMiB > 0 {
		add("limit", fmt.Sprintf("%dM", m.MemoryLimitMiB))
	}
	if m.inputOver {
		add("eof", "1") // known from the start, it comes at the same moment in each run
	}
	if m.ring != 0 {
		add("ring", fmt.Sprintf("%#x", m.ring))
	}
	if m.Log != nil {
		add("log", "1")
	}
	if m.Verbose || m.Statistics {
		add("v", "1")
	}
	if m.MemoryMap != nil {
		add("map", m.MapAt)
	}
	return params
}

// fixedSeed is the random source's seed of a deterministic machine: the first
// 256 bits of the fraction of pi, a number with nothing up its sleeve.
const fixedSeed = "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89"

// attempt starts the machine and stays with it to the end.
func (m *machine) attempt(ctx context.Context) (outcome, error) {
	for _, f := range []*os.File{m.kernel, m.archive} {
		// Where /dev/fd shares offsets, QEMU would start reading at ours.
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return outcome{}, exit.Errorf(exit.Loam, "%v", err)
		}
	}
	m.inputOver = m.Deterministic && inputEnded(m.Stdin)
	c, err := m.config()
	if err != nil {
		return outcome{}, exit.Errorf(exit.Loam, "%v", err)
	}
	defer c.Ring.Close()
	p, err := vm.Start(c, m.Log)
	if err != nil {
		return outcome{}, exit.Errorf(exit.Loam, "%v", err)
	}
	g := newGuest(m.Options, p, c.Ring)
	g.inputOver, g.list = m.inputOver, m.list
	defer g.close()
	if m.lines != nil {
		m.lines.started()
		g.streams = newStreams(m.Options, m.lines, p)
		defer g.streams.end()
	}
	return g.finish(ctx, m.helloLimit())
}

func (m *machine) helloLimit() time.Duration {
	if m.facts.Accel != vm.TCG {
		return fastHelloLimit
	}
	return helloLimit
}

// worthRepeating reports whether a failed attempt may be the accelerator's
// fault, and why it failed.
func (m *machine) worthRepeating(res outcome, err error) (again bool, why string) {
	if err == nil || res.hello || res.stopped || res.refused || m.Accel != accel.Auto || m.facts.Accel == vm.TCG {
		return false, ""
	}
	return true, err.Error()
}
