// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"

	"loam/abi"
	"loam/internal/manifest"
	"loam/user/object"
	"loam/user/sys"
)

// Bits of init's notification: two for each service, and those for who wants the list.
const (
	bitEnded   = 1 // its process has ended
	bitCalled  = 2 // a call waits for it
	perBits    = 2
	bitHost    = 1 << (perBits * (manifest.MaxServices + 1))
	bitAsked   = 2 * bitHost  // somebody wants the program list
	bitDrained = 2 * bitAsked // a service has drained
	allBits    = 2*bitDrained - 1
)

// system is init's state; its one goroutine is the only user, but for service.end.
type system struct {
	note      object.Notification
	services  []*service // in the manifest's order; the last is the program
	endpoints map[string]*endpoint
	verbose   bool
	program   bool        // there is a program: the machine lives as long as it
	essential bool        // the program is, too
	begun     atomic.Bool // its personality server has taken the program in, or has refused to
	request   [maxRequest]byte
	asking    *asking       // nil: nobody can ask
	draining  *atomic.Int32 // services that are asked to drain; nil: none has been asked yet
}

// maxRequest is the longest request of the host's in bytes.
const maxRequest = 256

// endpoint is where the calls of a service come.
type endpoint struct {
	handle object.Handle // with all rights; 0 once nobody is to receive from it
}

// Run is init, from the first process's first instruction to the machine's end. It
// returns only on another kernel than Loam's, or without the machine's rights.
func Run() error {
	d := &system{endpoints: map[string]*endpoint{}}
	d.verbose, d.essential = commandLine("v") == "1", commandLine("essential") == "1"
	if err := d.prepare(); err != nil {
		return endMachine(abi.ExitStatus{Kind: abi.NotStarted, Value: uint32(errnoOf(err))}, err.Error())
	}
	for _, s := range d.services {
		if s.Name == manifest.ProgramName && !d.program {
			s.life.Phase = Ended
			continue
		}
		d.act(s, s.life.Boot())
	}
	d.answerHost()
	d.serve()
	for {
		if err := d.endIfOver(); err != nil {
			return err
		}
		bits, err := d.note.Wait(allBits, d.deadline())
		if err != nil && !errors.Is(err, syscall.ETIMEDOUT) {
			return err
		}
		d.happened(bits)
	}
}

// prepare reads the manifest and makes what services are connected by.
func (d *system) prepare() error {
	text, err := sys.BootFile(manifest.File)
	if errors.Is(err, syscall.ENOENT) {
		text, err = []byte("loam-manifest 1\n"), nil
	}
	if err != nil {
		return err
	}
	m, err := manifest.Parse(text)
	if err != nil {
		return err
	}
	_, err = sys.BootFile(manifest.ProgramName)
	d.program = err == nil
	if d.note, err = object.NewNotification(); err != nil {
		return err
	}
	for i, s := range m.All() {
		d.services = append(d.services, &service{Service: s, index: i, badge: uint64(i + 1), life: NewLife(s.Policy, s.Lazy),
			given: make([]object.Handle, len(s.Grants))})
	}
	markNeeded(d.services)
	return d.connect()
}

// connect makes the endpoints, and the handles by which services call them: these
// stay when nobody is to receive from an endpoint any more.
func (d *system) connect() error {
	for _, s := range d.services {
		for i := range s.Grants {
			if g := &s.Grants[i]; g.Kind == manifest.GrantProvides || g.Kind == manifest.GrantUses && g.Name == manifest.InitName {
				if err := d.newEndpoint(g.Name); err != nil {
					return &stepError{"endpoint " + g.Name, err}
				}
			}
		}
	}
	for _, s := range d.services {
		for i := range s.Grants {
			if g := &s.Grants[i]; g.Kind == manifest.GrantUses {
				h, err := d.make(s, g)
				if err != nil {
					return &stepError{g.String(), err}
				}
				s.given[i] = h
			}
		}
	}
	return nil
}

func (d *system) newEndpoint(name string) error {
	if d.endpoints[name] != nil {
		return nil
	}
	h, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err == nil {
		d.endpoints[name] = &endpoint{object.Handle(h)}
	}
	return err
}

// happened handles what the bits say, and what is due.
func (d *system) happened(bits uint64) {
	now := sys.Monotonic()
	for i, s := range d.services {
		b := bits >> (perBits * i)
		if b&bitEnded != 0 {
			d.ended(s, now)
		}
		if b&bitCalled != 0 {
			d.act(s, s.life.Called())
		}
		d.act(s, s.life.Tick(now))
	}
	if bits&bitHost != 0 {
		d.answerHost()
	}
	if bits&bitAsked != 0 {
		d.answerPrograms()
	}
}

// deadline is when the next service is due.
func (d *system) deadline() int64 {
	next := object.Forever
	for _, s := range d.services {
		if s.life.Phase == Delayed {
			next = min(next, s.life.Until)
		}
	}
	return next
}

// act does what a life wants.
func (d *system) act(s *service, a Action) {
	for a != Nothing {
		switch a {
		case Start:
			a = d.start(s)
		case Watch:
			d.watch(s)
			return
		case GiveUp:
			d.giveUp(s)
			return
		}
	}
}

// endIfOver ends the machine when there is nothing left for it to do: the program
// has ended, or something without which the machine is nothing, or everything.
func (d *system) endIfOver() error {
	if status, why, is := hopeless(d.services); is && d.program && !d.begun.Load() {
		return endMachine(status, why)
	}
	alive := false
	for _, s := range d.services {
		over := s.life.Phase == Ended
		switch {
		case !over:
			alive = true
		case s.Name == manifest.ProgramName && d.program:
			if !d.drained() {
				return nil
			}
			return endMachine(s.life.Status, s.whyNot())
		case s.Essential:
			return endMachine(abi.ExitStatus{Kind: abi.Exited, Value: exitFailed}, "the essential service "+s.Name+" has ended: "+s.why())
		}
	}
	if !alive {
		return endMachine(abi.ExitStatus{}, "")
	}
	return nil
}

// exitFailed is the exit code of a machine that could not do its work: loam's own
// for that (docs/exit-codes.md).
const exitFailed = 125

// endMachine ends the machine. It returns only if that can't be.
func endMachine(status abi.ExitStatus, reason string) error {
	return object.TheMachine.End(status, reason[:min(len(reason), abi.MaxEndReason)])
}

// commandLine gives the value of a key of the kernel's command line, empty: none.
func commandLine(key string) string {
	line, err := object.TheMachine.CommandLine()
	if err != nil {
		return ""
	}
	for _, word := range strings.Fields(line) {
		if value, found := strings.CutPrefix(word, key+"="); found {
			return value
		}
	}
	return ""
}

// say writes a line for people.
func (d *system) say(text string) { _, _ = sys.Stream(2).Write([]byte("init: " + text + "\n")) }
