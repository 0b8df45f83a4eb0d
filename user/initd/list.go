// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"loam/abi"
	"loam/internal/proglist"
	"loam/user/object"
	"loam/user/sys"
)

// answerHost answers the requests of the host's that there are, and has the next one
// be told. What isn't understood is answered by nothing.
func (d *system) answerHost() {
	for {
		n, err := object.TheMachine.Receive(d.request[:], d.note, bitHost)
		if err != nil || n == 0 {
			return
		}
		text := ""
		if string(d.request[:min(n, maxRequest)]) == proglist.Request {
			text = proglist.Encode(d.list(sys.Monotonic()), abi.MaxHostAnswer)
		}
		if err := object.TheMachine.Send([]byte(text)); err != nil {
			d.say("answering the host: " + err.Error())
		}
	}
}

// list is the program list: init itself, the services, the program.
func (d *system) list(now int64) []proglist.Entry {
	me := measure("init", object.Self)
	me.Alive = uint64(now)
	list := []proglist.Entry{me}
	for _, s := range d.services {
		if s.Name == "program" && !d.program {
			continue
		}
		e := d.entry(s, now)
		list[0].Memory -= min(e.Memory, list[0].Memory) // init's account has its children's
		list = append(list, e)
	}
	return list
}

// entry is the line of a service.
func (d *system) entry(s *service, now int64) proglist.Entry {
	var e proglist.Entry
	switch s.life.Phase {
	case Running:
		e = measure(s.Name, s.process)
		e.Alive = uint64(now - s.since)
	case Ended:
		e = proglist.Entry{Name: s.Name, State: proglist.StateEnded, Why: s.why()}
	default:
		e = proglist.Entry{Name: s.Name, State: proglist.StateStopped, Why: s.waiting(now)}
	}
	e.Restarts = s.life.Restarts
	return e
}

// measure tells how a process is.
func measure(name string, p object.Process) proglist.Entry {
	e := proglist.Entry{Name: name, State: proglist.StateBlocked}
	info, err := p.Info()
	use, err2 := p.Use()
	if err != nil || err2 != nil || info.State != abi.ProcessRunning {
		e.State, e.Why = proglist.StateEnded, "just now"
		return e
	}
	e.PID, e.Threads = info.PID, info.Threads
	e.Memory = uint64(info.Used[abi.LimitPages]) * abi.PageSize
	e.CPU = use.Time
	switch {
	case use.Running > 0:
		e.State = proglist.StateRunning
	case use.Ready > 0:
		e.State = proglist.StateReady
	case use.Waiting == 0 && use.Stopped > 0:
		e.State = proglist.StateStopped
	}
	return e
}
