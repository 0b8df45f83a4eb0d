// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"loam/abi"
	"loam/abi/channel"
	"loam/abi/channel/stream"
	"loam/host/exit"
	"loam/host/vm"
	"loam/internal/terminal"
)

// outcome is what an attempt came to.
type outcome struct {
	Result
	hello   bool // the kernel has said Hello
	stopped bool // by the person or by the time limit
	refused bool // QEMU did not make such a machine
}

// Bounds of what is kept of a guest's texts, in bytes and lines.
const (
	maxStats   = 1 << 20
	maxNotices = 100
	logLines   = 25
)

// guest is a machine that runs.
type guest struct {
	*Options
	p     *vm.Process
	start time.Time

	inputOver bool // the kernel was told that there is no input

	// ring is memory shared with the machine, nil: none. From Hello on it is
	// what the guest uses.
	ring *stream.Ring

	// Of the pump, to be read after it has ended:
	stats   []byte
	notices int
	boot    time.Duration
	exit    *channelExit

	hello  chan struct{} // closed at Hello
	room   chan struct{} // gets a value at Room
	pumped chan error    // the pump's end, one value
	stdin  *stdin        // nil before Hello; of finish's goroutine

	asker   *Asker
	streams *streams // nil: what the program writes and reads comes by the host channel

	interrupted time.Time // when an interrupt was passed on; of finish's goroutine

	list    func(Ask) (end func()) // lets loam ps find the machine
	endList func()                 // of finish's goroutine
}

// channelExit is the content of an Exit frame.
type channelExit struct {
	kind   channel.Kind
	value  uint32
	reason string
}

func newGuest(o *Options, p *vm.Process, ring *vm.Ring) *guest {
	g := &guest{
		Options: o, p: p, start: time.Now(),
		hello: make(chan struct{}), room: make(chan struct{}, 1), pumped: make(chan error, 1),
		asker: NewAsker(p.In), endList: func() {},
	}
	if ring != nil {
		g.ring = stream.NewRing(ring)
	}
	return g
}

// close ends the machine, however far it is.
func (g *guest) close() {
	g.p.Close()
	g.stdin.end()
	g.asker.End()
	g.endList()
}

// finish stays with the machine until the program has ended or something else
// ends it. The pump may be blocked in writing to a slow reader; nothing here
// waits for it but the program's own end.
func (g *guest) finish(ctx context.Context, helloLimit time.Duration) (outcome, error) {
	go func() { g.pumped <- g.pump() }()
	var timeout <-chan time.Time
	if !g.deadline.IsZero() {
		t := time.NewTimer(time.Until(g.deadline))
		defer t.Stop()
		timeout = t.C
	}
	bootTimer := time.NewTimer(helloLimit)
	defer bootTimer.Stop()
	greeted := g.hello
	res := outcome{}
	var over <-chan struct{}
	var badOutput <-chan error
	var escaped <-chan struct{}
	if g.streams != nil {
		badOutput, escaped = g.streams.failed, g.streams.escaped
	}
	for {
		select {
		case <-greeted:
			greeted = nil
			bootTimer.Stop()
			res.hello = true
			if g.Ask != nil {
				g.Ask(g.asker.Ask)
			}
			if !g.inputOver {
				g.forwardStdin()
			}
			g.endList = g.list(g.asker.Ask)
			continue
		case err := <-g.pumped:
			if g.streams == nil || err != nil {
				return g.ended(err)
			}
			over = g.streams.over
			go g.endQEMU()
			continue
		case <-over:
			return g.decide(nil)
		case err := <-badOutput:
			return g.decide(err)
		case <-timeout:
			res.stopped = true
			return res, g.timedOut()
		case <-bootTimer.C:
			return res, g.failed(fmt.Sprintf("the kernel did not start within %v", helloLimit))
		case <-g.p.Broken():
			return res, g.failed("KVM internal error: the hardware acceleration of this machine gave up on the guest (--accel tcg does without)")
		case <-escaped:
			res.stopped = true
			return res, &exit.Error{Code: exit.Signal + int(syscall.SIGINT), Text: "ended by Ctrl-], three times"}
		case code := <-g.Interrupt:
			if g.passOn(code) {
				continue
			}
			res.stopped = true
			return res, &exit.Error{Code: code, Text: interrupted(code)}
		case <-ctx.Done():
			res.stopped = true
			return res, exit.Errorf(exit.Loam, "%v", context.Cause(ctx))
		}
	}
}

// endLimit is how long QEMU may take to end once the kernel has had the machine end.
const endLimit = 10 * time.Second

// endQEMU gives QEMU the time to end by itself. What it has sent by then stays to be read.
func (g *guest) endQEMU() {
	g.settle(endLimit)
	g.p.Kill()
}

// ended is the end of a machine that says no more. What came by the streams before is written first, if
// that is possible soon.
func (g *guest) ended(err error) (outcome, error) {
	res, err := g.decide(err)
	if g.streams != nil {
		g.p.Kill()
		select {
		case <-g.streams.over:
		case <-time.After(time.Second):
		}
	}
	return res, err
}

// twice is the time in which a second interrupt ends loam.
const twice = time.Second

// passOn reports whether an interrupt is the guest's to handle.
func (g *guest) passOn(code int) bool {
	if code != exit.Signal+int(syscall.SIGINT) || g.streams == nil || !g.streams.listens() || time.Since(g.interrupted) < twice {
		return false
	}
	g.interrupted = time.Now()
	g.streams.event(terminal.Interrupt)
	return true
}

// interrupted is the message about an end by a signal to loam; Ctrl-C needs none.
func interrupted(code int) string {
	if code == exit.Signal+int(syscall.SIGINT) {
		return ""
	}
	return fmt.Sprintf("ended by signal %d (%v)", code-exit.Signal, syscall.Signal(code-exit.Signal))
}

// errOutput is a failure to write the program's output.
type errOutput struct{ err error }

func (e errOutput) Error() string { return "writing the program's output: " + e.err.Error() }

// pump handles the guest's frames until Exit, the channel's end or a fault. It
// returns nil after Exit, and io.EOF if there was none.
func (g *guest) pump() error {
	r := stream.NewReader(g.p.Out, channel.ToHost)
	f, err := r.Next()
	if err != nil {
		return err
	}
	if err := g.greet(r, f); err != nil {
		return err
	}
	for {
		f, err := r.Next()
		if err != nil {
			return err
		}
		if done, err := g.frame(f); done || err != nil {
			return err
		}
	}
}

// greet takes the guest's first frame.
func (g *guest) greet(r *stream.Reader, f stream.Frame) error {
	if f.Type != channel.Hello {
		return errors.New("host channel: the first frame is not Hello")
	}
	version, fault := channel.ParseHello(f.Payload)
	switch {
	case fault != 0:
		return fault
	case version == channel.Version:
		g.ring = nil
	case g.ring == nil:
		return channel.BadVersion // not offered
	default:
		r.Use(g.ring)
	}
	g.boot = time.Since(g.start)
	close(g.hello)
	return nil
}

// frame handles one frame; done means that it was the last one.
func (g *guest) frame(f stream.Frame) (done bool, err error) {
	switch f.Type {
	case channel.Stdout:
		if _, err := g.Stdout.Write(f.Payload); err != nil {
			return false, errOutput{err}
		}
	case channel.Stderr:
		if is, err := g.traced(f.Payload); is {
			return false, err
		}
		if _, err := g.Stderr.Write(f.Payload); err != nil {
			return false, errOutput{err}
		}
	case channel.Notice:
		if g.notices++; g.notices <= maxNotices {
			g.note("%s", vm.Printable(string(f.Payload)))
		}
	case channel.Stats:
		if len(g.stats)+len(f.Payload) <= maxStats {
			g.stats = append(g.stats, f.Payload...)
		}
	case channel.MemoryMap:
		if g.MemoryMap != nil {
			g.MemoryMap.Add(f.Payload)
		}
	case channel.Exit:
		kind, value, reason, fault := channel.ParseExit(f.Payload)
		if fault != 0 {
			return false, fault
		}
		g.exit = &channelExit{kind, value, vm.Printable(string(reason))}
		return true, nil
	case channel.Answer:
		return false, g.asker.Answer(f.Payload)
	case channel.Room:
		select {
		case g.room <- struct{}{}:
		default: // it is known already
		}
	case channel.Hello:
		return false, errors.New("host channel: a second Hello")
	}
	return false, nil
}

// decide turns the pump's end into the run's.
func (g *guest) decide(err error) (outcome, error) {
	res := outcome{Result: Result{Stats: g.stats, Boot: g.boot, Total: time.Since(g.start)}, hello: g.boot > 0}
	var out errOutput
	switch {
	case g.exit != nil:
		res.Code, err = g.exit.status()
		g.hintBare(err)
		if err == nil && g.exit.reason != "" {
			g.note("%s", g.exit.reason)
		}
		if g.Log != nil {
			g.settle(time.Second) // for the log's last lines
		}
		g.report(&res)
		return res, err
	case errors.As(err, &out):
		if errors.Is(out.err, syscall.EPIPE) {
			// The reader has what it wanted: end as a writer to a pipe does.
			return res, &exit.Error{Code: exit.Signal + int(syscall.SIGPIPE)}
		}
		return res, exit.Errorf(exit.Loam, "%v", err)
	case errors.Is(err, io.EOF), errors.Is(err, channel.Truncated), errors.Is(err, syscall.ECONNRESET):
		err = g.vanished()
		res.refused = !res.hello && g.p.RefusedCPUs() != ""
		return res, err
	}
	return res, g.failed("the guest broke the protocol: " + err.Error())
}

// hintBare adds to the hint for a program that found too little memory, where services have some of it.
func (g *guest) hintBare(err error) {
	var e *exit.Error
	if g.personality && len(g.Folders) == 0 && errors.As(err, &e) && e.Hint == hintMemory {
		e.Hint += ", and --bare takes less"
	}
}

const hintMemory = "-m gives the machine more memory"

// status is the exit status that an Exit frame asks for; an error if the
// program did not run.
func (e *channelExit) status() (int, error) {
	switch e.kind {
	case channel.Exited:
		return int(e.value), nil
	case channel.Signalled:
		return exit.Signal + int(e.value), nil
	}
	reason := e.reason
	if reason == "" {
		reason = "no reason given"
	}
	if e.value == uint32(abi.ENOMEM) || e.value == uint32(abi.EAGAIN) {
		return 0, &exit.Error{Code: exit.Loam, Text: "the program could not be started: " + reason, Hint: hintMemory}
	}
	if e.value == uint32(abi.EDQUOT) {
		return 0, &exit.Error{Code: exit.Loam, Text: "the program could not be started: " + reason, Hint: "--memory-limit gives the program more"}
	}
	return 0, exit.Errorf(exit.CannotRun, "the kernel could not start the program: %s", reason)
}

// settle gives QEMU a moment to end by itself.
func (g *guest) settle(limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-g.p.Done():
	case <-t.C:
	}
}

// vanished explains a machine that ended without an Exit frame.
func (g *guest) vanished() error {
	g.settle(2 * time.Second)
	select {
	case <-g.p.Done():
	default:
		return g.failed("the machine closed its channel without ending")
	}
	e := g.p.Ending()
	why := g.p.RefusedCPUs()
	switch {
	case g.boot == 0 && why != "":
		return RefusedCPUs(g.CPUs, why)
	case e.Signal == syscall.SIGKILL:
		return g.failed("QEMU was killed by signal 9: out of memory on the host, or killed by somebody")
	case e.Signal != 0:
		return g.failed("QEMU " + e.String())
	case e.Status == vm.StatusPanic:
		return g.failed("kernel panic" + panicReason(g.p.Log.Lines(logLines)))
	case e.Status == vm.StatusEnded:
		return g.failed("the kernel ended without saying how the program ended")
	case e.Status == vm.StatusReset:
		return g.failed(g.Machine.ResetText())
	}
	err := g.failed("QEMU " + e.String())
	if err, ok := err.(*exit.Error); ok && g.boot == 0 && len(g.Folders) == 0 && strings.Contains(err.Detail, "is not a valid device model name") {
		err.Hint = "--bare makes a machine without devices, if they are only for the program's streams"
	}
	if err, ok := err.(*exit.Error); ok && g.boot == 0 && g.network && strings.Contains(err.Detail, "net0") {
		err.Hint = "this QEMU may have no network of the kind user: --net none does without"
	}
	return err
}

// RefusedCPUs is the error of a machine of n CPUs that QEMU refused with why.
func RefusedCPUs(n int, why string) error {
	return &exit.Error{
		Code: exit.Loam, Text: fmt.Sprintf("QEMU can't make a machine of %d CPUs: %s", n, why),
		Hint: "--cpus with a smaller number; --accel tcg has no limit of its own",
	}
}

// panicReason is what the kernel's log says of its panic, to be put behind
// "kernel panic"; empty if it says nothing.
func panicReason(log []string) string {
	const most = 200
	for _, l := range log {
		if _, why, found := strings.Cut(l, "kernel panic"); found {
			return why[:min(len(why), most)]
		}
	}
	return ""
}

// failed returns the error of a machine that failed, with the ends of QEMU's
// messages and of the kernel's log.
func (g *guest) failed(text string) error {
	e := &exit.Error{Code: exit.Loam, Text: text}
	var b strings.Builder
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s:\n", title)
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	section("QEMU said", g.p.Stderr.Lines(logLines))
	section("end of the kernel's log", g.p.Log.Lines(logLines))
	e.Detail = b.String()
	return e
}

// report says what a run cost, for -v.
func (g *guest) report(res *outcome) {
	g.say("times: kernel ready after %v, program ended after %v",
		res.Boot.Round(time.Millisecond), res.Total.Round(time.Millisecond))
	if g.notices > maxNotices {
		g.note("%d more notices of the kernel left out", g.notices-maxNotices)
	}
	for _, l := range strings.Split(string(res.Stats), "\n") {
		if l = vm.Printable(l); l != "" {
			g.say("kernel: %s", l)
		}
	}
}
