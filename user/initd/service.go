// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"errors"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/internal/manifest"
	"loam/user/object"
	"loam/user/sys"
)

// service is a service and its process, if it has one.
type service struct {
	*manifest.Service
	index   int
	badge   uint64 // of its calls
	life    Life
	process object.Process  // in phase Running
	since   int64           // when it was started
	given   []object.Handle // for each grant what init keeps; 0: not made yet
	trouble string          // why it could not be started, of the last time

	needed   bool // the program can't begin without it
	failures int  // how often it has
	starved  bool // once for lack of memory, as it seems

	// refused is why its personality server didn't take it, stored before its process is killed.
	refused atomic.Pointer[stepError]

	// end is the status of the process, stored by who waits for it before
	// bitEnded is signalled.
	end atomic.Uint64
}

// start makes the service's process, and gives what is to be done next.
func (d *system) start(s *service) Action {
	now := sys.Monotonic()
	process, err := d.launch(s)
	if err != nil {
		status := abi.ExitStatus{Kind: abi.NotStarted, Value: uint32(errnoOf(err))}
		s.trouble = err.Error()
		s.failed(status)
		a := s.life.Ended(now, status)
		d.tell(s)
		return a
	}
	s.trouble, s.process, s.since = "", process, now
	s.life.Started(now)
	go d.await(s, process)
	return Nothing
}

// errnoOf gives the number of an error of a call.
func errnoOf(err error) syscall.Errno {
	var e syscall.Errno
	if errors.As(err, &e) {
		return e
	}
	return syscall.EINVAL
}

// launch makes the process with all that it is given, and lets it run.
func (d *system) launch(s *service) (object.Process, error) {
	handles, err := d.grants(s)
	if err != nil {
		return 0, err
	}
	p := object.Program{
		File: s.File, Handles: handles, Held: true, Essential: s.Essential, Limits: limits(s), Highest: int(s.Priority),
	}
	if s.Name == manifest.ProgramName {
		p.BootArgs, p.Essential = true, s.Essential || d.essential
	} else {
		p.Args = append([]string{s.Name}, s.Args...)
	}
	c, err := p.Start()
	if err != nil {
		return 0, err
	}
	err = schedule(s, c)
	if err == nil && s.Under != "" {
		go d.adopted(s, c, d.endpoints[s.Under].handle)
		return c.Process, nil
	}
	if err == nil {
		err = c.Thread.Resume()
	}
	_ = object.Close(object.Handle(c.Space))
	_ = c.Thread.Close()
	if err != nil {
		_ = c.Process.Kill()
		_, _ = c.Process.Wait(object.Forever)
		_ = c.Process.Close()
		return 0, err
	}
	return c.Process, nil
}

// schedule sets the priority and the quota of a process that has not run yet.
func schedule(s *service, c object.Child) error {
	if s.Priority != 0 || s.Nice != 0 || s.Slack != 0 {
		if err := c.Thread.ScheduleLax(int(s.Priority), int(s.Nice), s.Slack); err != nil {
			return &stepError{"priority", err}
		}
	}
	if s.Quota.Time != 0 {
		if err := c.Process.SetQuota(time.Duration(s.Quota.Time), time.Duration(s.Quota.Period)); err != nil {
			return &stepError{"quota", err}
		}
	}
	return nil
}

// stepError says at which line of the manifest a start failed.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// spared is how many objects of each kind init keeps for itself: the program may have
// all others.
const spared = 12

// limits are those of a service's account. The program, which the machine is for,
// may have all but what init needs; the others half of that, as any child.
func limits(s *service) *abi.Limits {
	l := abi.DefaultLimits()
	if s.Name == manifest.ProgramName {
		own, err := object.Self.Info()
		if err == nil {
			for i := range abi.LimitPages {
				l[i] = own.Limits[i] - min(spared, own.Limits[i]/4)
			}
		}
	}
	for _, given := range s.Limits {
		l[given.Element] = given.Count
	}
	return &l
}

// await waits for the end of a service's process.
func (d *system) await(s *service, p object.Process) {
	status, err := p.Wait(object.Forever)
	if err != nil {
		status = abi.ExitStatus{Kind: abi.NotStarted, Value: uint32(errnoOf(err))}
	}
	s.end.Store(status.Result())
	_ = d.note.Signal(bitEnded << (perBits * s.index))
}

// ended handles the end of a service's process.
func (d *system) ended(s *service, now int64) {
	_ = s.process.Close()
	s.process = 0
	status := abi.ExitStatusOf(s.end.Load())
	if e := s.refused.Swap(nil); e != nil {
		s.trouble = e.Error()
		status = abi.ExitStatus{Kind: abi.NotStarted, Value: uint32(errnoOf(e))}
	}
	s.failed(status)
	a := s.life.Ended(now, status)
	d.tell(s)
	d.act(s, a)
}

// tell says what became of a service: always when it does not come back, else if
// people want to know.
func (d *system) tell(s *service) {
	switch {
	case s.Name == manifest.ProgramName:
	case s.life.Phase == Ended && s.life.Status != abi.ExitStatus{}:
		d.say("service " + s.Name + " does not come back: " + s.why())
	case d.verbose && s.life.Status != abi.ExitStatus{}:
		d.say("service " + s.Name + ": " + s.why())
	}
}

// watch has a call to one of the service's endpoints be told.
func (d *system) watch(s *service) {
	for _, name := range s.Provides() {
		_, err := sys.ObjectCall(abi.CallEndpointWatch, uint64(d.endpoints[name].handle), uint64(d.note),
			bitCalled<<(perBits*s.index))
		if err != nil {
			d.say("service " + s.Name + ": its calls can't be waited for: " + err.Error())
		}
	}
}

// giveUp has callers of the service learn that it does not come back, and gives back
// its devices: the kernel shows its log on a console again that nobody drives. Memory for
// a device stays, for who knows what that still writes.
func (d *system) giveUp(s *service) {
	for _, name := range s.Provides() {
		if e := d.endpoints[name]; e.handle != 0 {
			_ = object.Close(e.handle)
			e.handle = 0
		}
	}
	for i := range s.Grants {
		switch s.Grants[i].Kind {
		case manifest.GrantInterrupt, manifest.GrantPorts, manifest.GrantMemory, manifest.GrantRegisters:
			if s.given[i] != 0 {
				_ = object.Close(s.given[i])
				s.given[i] = 0
			}
		}
	}
}

// why says for people why the service is not running.
func (s *service) why() string {
	text := s.life.Status.String()
	if s.trouble != "" {
		text = "not started: " + s.trouble
	}
	if s.life.TooMany {
		text += ", the last of too many ends (" + strconv.Itoa(s.Policy.Count) + " restarts in " + s.Policy.Window.String() + ")"
	}
	return text
}

// whyNot is for the host why the program was not started; empty if it was.
func (s *service) whyNot() string {
	if s.life.Status.Kind != abi.NotStarted {
		return ""
	}
	switch abi.Errno(s.life.Status.Value) {
	case abi.ENOMEM, abi.EAGAIN:
		return "the machine has too little memory for the program (-m gives it more)"
	case abi.E2BIG:
		return "the arguments and the environment are too long: 2 MiB at most"
	case abi.EDQUOT:
		return "its limit of memory is too low for it (--memory-limit)"
	}
	return s.trouble
}

// waiting says for people what a service that is stopped waits for.
func (s *service) waiting(now int64) string {
	switch s.life.Phase {
	case Delayed:
		left := time.Duration(max(s.life.Until-now, 0)).Round(time.Millisecond)
		return "starts again in " + left.String() + ": " + s.why()
	case Stopped:
		return "starts when it is called"
	}
	return s.why()
}
