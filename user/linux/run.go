// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/abi/channel"
	"loam/user/ipc"
	"loam/user/linux/sandbox"
	"loam/user/object"
	"loam/user/streams"
	"loam/user/sys"
)

// options are the program's arguments.
type options struct {
	mounts []mountOption
	memory int64 // bytes; 0: half of the machine's

	// streams says that standard streams are those of a driver, whose endpoint is behind those of
	// the folders.
	streams bool

	verbose bool   // calls that aren't known are told on standard error
	cwd     string // where paths of programs begin

	// net says that there is a network, whose server's endpoint is behind that of the streams. dns are servers of
	// names until it says others.
	net bool
	dns []netip.Addr

	syscalls bool // a table of calls is told at the end
	trace    bool // and a line for each
}

// mountOption is a folder that is mounted: mount=NUMBER:PATH[:ro].
type mountOption struct {
	folder   int // its handle is that of the line `uses folderNUMBER`, behind the endpoint
	path     string
	readOnly bool
}

var errArguments = errors.New("arguments are mount=NUMBER:PATH[:ro], memory=MIB, cwd=PATH, net, dns=ADDRESS, streams, syscalls, trace and verbose")

func parse(args []string) (o options, err error) {
	o.cwd = "/"
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "mount":
			m, ok := parseMount(value)
			if !ok {
				return o, errArguments
			}
			o.mounts = append(o.mounts, m)
		case "verbose":
			o.verbose = true
		case "cwd":
			o.cwd = value
		case "syscalls":
			o.syscalls = true
		case "trace":
			o.trace = true
		case "net":
			o.net = true
		case "dns":
			a, err := netip.ParseAddr(value)
			if err != nil {
				return o, errArguments
			}
			o.dns = append(o.dns, a)
		case "streams":
			o.streams = true
		case "memory":
			n, err := strconv.ParseUint(value, 10, 40)
			if err != nil {
				return o, errArguments
			}
			o.memory = int64(n) << 20
		default:
			return o, errArguments
		}
	}
	return o, nil
}

func parseMount(text string) (m mountOption, ok bool) {
	number, path, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(number, 10, 8)
	m.path, m.readOnly = strings.CutSuffix(path, ":ro")
	m.folder = int(n)
	return m, err == nil && strings.HasPrefix(m.path, "/")
}

// Bits of the notification: of the alarm, and of the streams' driver.
const (
	alarmBit   = 1
	streamsBit = 2
	newsBit    = 4 // of processes
	netBit     = 8 // of the network's server
)

const (
	// maxThreads is how many threads receive at most. One who waits for another server is not there for
	// the next call.
	maxThreads = 4
	// places is how many threads Go runs at once, beyond those that receive: who waits in the kernel has one to come
	// back to then, and to give one away wakes nobody up. Two threads more wait for long, for the sandbox's calls and for
	// events; with a place less goroutines would wait for Go's monitor to take one away, which comes 10 ms late (slack, in the
	// manifest). It looks at each, so there aren't more than are needed.
	places = 3
)

// receiver receives forwarded calls, and is the Kernel of its server.
type receiver struct {
	server   *Server
	endpoint ipc.Endpoint
	note     object.Notification
	timer    object.Timer
	streams  *streams.Streams // nil: without a driver
	uplink   *uplink          // nil: without a network
	failed   chan error

	ready   atomic.Int32 // threads that receive
	threads atomic.Int32 // that there are
}

// thread is one that receives.
type thread struct {
	*receiver

	// How it waits (wait).
	note  object.Notification // bound to it; has one bit
	beat  object.Timer
	busy  int  // short waits, one after the other
	holds bool // it keeps its place on the CPU for good, and the beat is set
}

const beatBit = 1

// Run is the program.
func Run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	r, err := newReceiver()
	if err != nil {
		return err
	}
	total, _ := machineInfo{}.Memory()
	if o.memory == 0 {
		o.memory = int64(total / 2)
	}
	// What was removed is garbage, which must not take the place of new files.
	debug.SetMemoryLimit(o.memory + o.memory/8 + 4<<20)
	c := Config{Kernel: r, Processes: kernelProcs{object.Managed(r.endpoint)}, Target: target(), Machine: machineInfo{}, Memory: o.memory, Resolvers: o.dns, Clock: wallClock,
		Random: func(p []byte) { _ = sys.Random(p) }}
	if o.verbose {
		c.Say = func(text string) { _, _ = sys.Stream(2).Write([]byte("linux: " + text + "\n")) }
	}
	lock := func() sync.Locker { return r.server.Locker() }
	if o.streams {
		driver := ipc.Endpoint(object.Given(givenFolders + len(o.mounts)))
		if r.streams, err = streams.OpenWith(driver, r.note, streamsBit); err != nil {
			return err
		}
		c.Streams = ringStreams(r.streams, lock)
	} else {
		for i := range c.Streams {
			c.Streams[i] = &hostStream{fd: sys.Stream(i), lock: lock}
		}
	}
	r.server = New(c)
	if o.net {
		behind := givenFolders + len(o.mounts)
		if o.streams {
			behind++
		}
		r.uplink = attachNetwork(r.server, ipc.Endpoint(object.Given(behind)), r.note, netBit)
	}
	if o.syscalls || o.trace {
		r.server.Trace(o.trace, traceLine)
	}
	if err := mountFolders(r.server, o.mounts); err != nil {
		return err
	}
	go func() { r.failed <- r.events() }()
	r.start()
	a := &adopter{server: r.server, calls: r.endpoint, cwd: o.cwd, table: o.syscalls}
	if s, ok := c.Streams[0].(*ringStream); ok {
		s.all.OnEvent(r.server.TerminalEvent)
	}
	init := ipc.Server{Endpoint: ipc.Endpoint(object.Given(0)), Service: sandbox.SandboxService(a)}
	go func() { r.failed <- init.Serve(context.Background()) }()
	return <-r.failed
}

// traceLine writes a line of what is said of calls, which loam tells from other text by its mark.
func traceLine(line string) {
	_, _ = sys.Stream(2).Write([]byte(string(rune(channel.TraceMark)) + line + "\n"))
}

func newReceiver() (r *receiver, err error) {
	r = &receiver{failed: make(chan error, maxThreads+2)}
	if r.endpoint, err = ipc.NewEndpoint(); err != nil {
		return nil, err
	}
	if r.note, err = object.NewNotification(); err != nil {
		return nil, err
	}
	if r.timer, err = object.NewTimer(); err != nil {
		return nil, err
	}
	if err = object.Managed(r.endpoint).Watch(r.note, newsBit); err != nil {
		return nil, err
	}
	return r, nil
}

// events waits for what isn't a call. It has a thread of its own, since those who receive may be waiting for another
// server.
func (r *receiver) events() error {
	for {
		bits, err := r.note.Wait(alarmBit|streamsBit|newsBit|netBit, object.Forever)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if bits&alarmBit != 0 {
			r.server.Tick()
		}
		if bits&newsBit != 0 {
			r.server.News()
		}
		if bits&netBit != 0 {
			r.uplink.heard()
		}
		if bits&streamsBit != 0 {
			r.streams.Wake()
		}
	}
}

// start starts a thread.
func (r *receiver) start() {
	n := int(r.threads.Add(1))
	runtime.GOMAXPROCS(max(n+places, runtime.NumCPU()))
	t := &thread{receiver: r}
	go func() { r.failed <- t.serve() }()
}

// Another is for Kernel.
func (r *receiver) Another() bool {
	if r.ready.Load() > 0 {
		return true
	}
	if r.threads.Load() == maxThreads {
		return false
	}
	r.start()
	return true
}

// begin takes a thread of its own, with what ends its waits.
func (r *thread) begin() (err error) {
	runtime.LockOSThread()
	if r.note, err = object.NewNotification(); err != nil {
		return err
	}
	if r.beat, err = object.NewTimer(); err != nil {
		return err
	}
	_, err = sys.ObjectCall(abi.CallThreadBind, uint64(r.note))
	return err
}

// serve receives calls and answers them.
func (r *thread) serve() error {
	if err := r.begin(); err != nil {
		return err
	}
	var m sys.Message
	nr := uint64(abi.CallEndpointReceive)
	for {
		m.To = uint64(r.endpoint)
		r.ready.Add(1)
		result := r.wait(nr, &m)
		r.ready.Add(-1)
		nr = abi.CallEndpointReceive
		switch result {
		case abi.ReceivedForwarded, abi.ReceivedInterrupted:
			c := Call{Number: m.Words[0], Args: [6]uint64(m.Words[1:7]), Thread: m.Words[7], Badge: m.To, Token: m.Token,
				Interrupted: result == abi.ReceivedInterrupted}
			if answer, now := r.server.Handle(&c); now {
				m.Words[0], m.Token = answer, c.Token
				nr = abi.CallEndpointReplyReceive
			} else if r.server.Slow() { // who wants the place
				r.release()
			}
		case abi.ReceivedCancel:
			r.server.Cancel(m.Token)
		case abi.ReceivedBits:
			r.holds = false
			r.release()
		default:
			switch e, bad := abi.Failed(result); {
			case bad && e == abi.EINTR:
			case bad:
				return e
			default: // nobody else has this endpoint
				return errors.New("a message that isn't a forwarded call")
			}
		}
	}
}

// Go runs goroutines on places, and a thread takes its place along into the kernel (package ipc); there are
// enough for others. One to whom call after call comes keeps it after so many short waits for good, which
// saves a quarter of what a call costs here: the collector, which stops all, has to wait then. So a
// timer ends that wait, too, after the time that others may be kept waiting.
const (
	soonBusy = 16
	heldFor  = 2_000_000 // ns
)

// wait makes a call that receives.
func (r *thread) wait(nr uint64, m *sys.Message) (result uint64) {
	if r.holds {
		return sys.MessageCall(nr, m)
	}
	begin := sys.Ticks()
	result = sys.MessageWait(nr, m)
	switch {
	case sys.Ticks()-begin > sys.TicksLong:
		r.busy = 0
	case r.busy < soonBusy:
		r.busy++
	case !r.server.Slow():
		r.holds = r.beat.Set(r.note, beatBit, sys.Monotonic()+heldFor, 0) == nil
	default:
		r.busy = 0 // others want the place
	}
	return result
}

// release has the next wait give the place away.
func (r *thread) release() {
	if r.holds {
		r.holds = false
		_ = r.beat.Stop() // a bit that it has set is harmless
	}
	r.busy = 0
}

// Read is for Kernel.
func (r *receiver) Read(token, addr uint64, p []byte) int {
	n, err := sys.MessageCopy(abi.CallMessageRead, token, addr, p)
	if err != nil {
		return 0
	}
	return int(n)
}

// Write is for Kernel.
func (r *receiver) Write(token, addr uint64, p []byte) int {
	n, err := sys.MessageCopy(abi.CallMessageWrite, token, addr, p)
	if err != nil {
		return 0
	}
	return int(n)
}

// Reply is for Kernel. A caller who is no more needs no answer.
func (r *receiver) Reply(token, result uint64, interrupted bool) {
	m := sys.Message{Token: token}
	m.Words[0] = result
	if interrupted {
		m.Options = &sys.MessageOptions{Deadline: abi.WaitForever, Flags: abi.MessageInterrupted}
	}
	sys.MessageCall(abi.CallEndpointReply, &m)
}

// Now is for Kernel.
func (r *receiver) Now() int64 { return sys.Monotonic() }

// Alarm is for Kernel.
func (r *receiver) Alarm(at int64) { _ = r.timer.Set(r.note, alarmBit, at, 0) }

func wallClock() abi.Timespec { return abi.TimespecOf(time.Now().UnixNano()) }

// machineInfo is the Machine of this process's.
type machineInfo struct{}

// Memory is for Machine.
func (machineInfo) Memory() (total, free uint64) { return sys.MachineMemory() }

// CPUs is for Machine.
func (machineInfo) CPUs() int { return runtime.NumCPU() }

// File is for Machine.
func (machineInfo) File(name string) []byte {
	b, err := sys.BootFile(name)
	if err != nil {
		return nil
	}
	return b
}
