// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
)

// Where the memory of an actor's process is.
const (
	textAt = 0x40_0000
	dataAt = 0x50_0000

	page    = 4096
	wide    = 64 // what room is rounded up to
	rw      = syscall.PROT_READ | syscall.PROT_WRITE
	buffers = 64 << 10 // from where in an actor's memory its buffers are
)

// highest is the fixed priority that actors may have.
var highest = 3

// text is the memory object with the actors' code.
var text object.Memory

// actorProcess is a process of actors: threads that make the calls they are told, and run
// no runtime. So it is known what they wait for, and they die cheaply.
type actorProcess struct {
	object.Child
	memory  object.Memory
	data    []byte
	used    uint64
	threads []object.Thread
	ended   bool
}

// actor is one thread of such a process.
type actor struct {
	*actorProcess
	thread object.Thread
	steps  []*step
	places []uint64 // of the steps
}

// prepareText makes the memory object of the actors' code, if there is none yet.
func prepareText() {
	if text == 0 {
		text = must(object.NewMemory(page))
		b := here(text, page)
		copy(b, object.Bytes(codeOfActor(), actorCode))
		away(b)
	}
}

// newProcess makes a process for actors, which has these handles. size is that of its
// memory, the buffers included.
func newProcess(size uint64, hands ...abi.HandOn) *actorProcess {
	prepareText()
	p := &actorProcess{memory: must(object.NewMemory(size))}
	p.data = here(p.memory, size)
	p.Child = must((&object.Program{Empty: true, Handles: hands, Highest: highest}).Start())
	must(p.Space.Map(text, textAt, 0, page, syscall.PROT_READ|syscall.PROT_EXEC))
	must(p.Space.Map(p.memory, dataAt, 0, size, rw))
	return p
}

func here(m object.Memory, size uint64) []byte {
	return object.Bytes(must(object.Space(abi.HandleSpace).Map(m, 0, 0, size, rw)), size)
}

func away(b []byte) {
	ok(object.Space(abi.HandleSpace).Unmap(addressOf(&b[0]), uint64(len(b))))
}

// room takes n bytes of the process's memory below its buffers.
func (p *actorProcess) room(n uint64) (b []byte, at uint64) {
	from := p.used
	p.used += (n + wide - 1) &^ (wide - 1)
	if p.used > buffers {
		panic("no room in an actor's memory")
	}
	return p.data[from:p.used:p.used], dataAt + from
}

// do is one of the steps that an actor is told.
type do struct {
	nr      uint64
	to      uint64
	options *abi.MessageOptions
	value   uint64 // the second argument, if there are no options
	token   uint64 // the third
	words   [8]uint64
	answer  bool // token and words are what the step before it, or itself, has got
	loop    bool // it is its own next one
	failed  bool // go on with the next step after an error
}

// add makes an actor of a process: its first thread, or another one.
func (p *actorProcess) add(all ...do) *actor {
	a := &actor{actorProcess: p, thread: p.Thread}
	if p.threads != nil {
		a.thread = must(p.Process.NewThread())
	}
	p.threads = append(p.threads, a.thread)
	for range all {
		b, at := p.room(stepSize)
		a.steps, a.places = append(a.steps, stepAt(b)), append(a.places, at)
	}
	for i, d := range all {
		s, at := a.steps[i], a.places[i]
		*s = step{nr: d.nr, to: d.to, options: d.value, in: at + inputOffset, out: at + outputOffset,
			input: input{d.token, d.words}}
		if d.options != nil {
			b, place := p.room(abi.MessageOptionsSize)
			d.options.Put(b)
			s.options = place
		}
		if i+1 < len(all) {
			s.next = a.places[i+1]
		}
		if d.failed {
			s.failed = s.next
		}
		if d.answer && i > 0 {
			s.in = a.places[i-1] + againOffset
		}
		if d.loop {
			s.next = at
			s.in = at + againOffset
			if i > 0 { // the first time it is the step before's
				a.steps[i-1].out = at + outputOffset
			}
		}
	}
	return a
}

// start has it begin.
func (a *actor) start() *actor {
	ok(a.thread.Start(object.Registers{Entry: textAt, Args: [2]uint64{a.places[0]}}))
	return a
}

// begin makes a process of one actor and has it begin.
func begin(hands []abi.HandOn, all ...do) *actor {
	return newProcess(2*buffers, hands...).add(all...).start()
}

// waits wants the actor to wait in a step, and with it the n-1 other threads of its process.
func (a *actor) waits(i, n int) {
	eventually(fmt.Sprintf("step %d waits", i), func() bool {
		if a.steps[i].started() != a.steps[i].finished()+1 {
			return false
		}
		u, err := a.Process.Use()
		return err == nil && int(u.Waiting+u.Stopped) == n && u.Running+u.Ready == 0
	})
}

// result waits until a step is done, and gives what it answered.
func (a *actor) result(i int) output {
	_, file, line, _ := runtime.Caller(1)
	eventually(fmt.Sprintf("step %d is done (%s:%d)", i, file, line), func() bool { return a.steps[i].finished() > 0 })
	return a.steps[i].output
}

// over ends the process, if it still runs, and gives back all of it.
func (p *actorProcess) over() {
	if p.ended {
		return
	}
	if err := p.Process.Kill(); err != syscall.ESRCH {
		ok(err)
	}
	must(p.Process.Wait(soon()))
	p.forget()
}

// forget gives back what this process has of it.
func (p *actorProcess) forget() {
	p.ended = true
	for i, t := range p.threads {
		if i > 0 && t != 0 {
			ok(t.Close())
		}
	}
	for _, h := range []abi.Handle{abi.Handle(p.Process), abi.Handle(p.Space), abi.Handle(p.Thread), abi.Handle(p.memory)} {
		if h != 0 {
			ok(object.Close(h))
		}
	}
	away(p.data)
}

// errno gives the error that an output tells, 0 for none.
func (o output) errno() syscall.Errno {
	if int64(o.result) < 0 {
		return syscall.Errno(-o.result)
	}
	return 0
}

// soon is longer than anything takes that happens at all.
func soon() int64 { return object.After(30 * time.Second) }

// sleep is how this process waits.
var sleep = time.Sleep

// eventually waits until something is so.
func eventually(what string, so func() bool) {
	for end := time.Now().Add(10 * time.Second); !so(); sleep(time.Millisecond) {
		if time.Now().After(end) {
			panic("never: " + what)
		}
	}
}

// must stops the case at an error.
func must[T any](v T, err error) T {
	if err != nil {
		_, _, line, _ := runtime.Caller(1)
		panic(fmt.Sprintf("line %d: %v", line, err))
	}
	return v
}

// ok stops the case at an error.
func ok(err error) {
	if err != nil {
		_, _, line, _ := runtime.Caller(1)
		panic(fmt.Sprintf("line %d: %v", line, err))
	}
}

// want compares an error with the expected one, 0 for none.
func want(err error, e syscall.Errno) error {
	if got, _ := err.(syscall.Errno); got != e || err != nil && got == 0 {
		return fmt.Errorf("%v, want %v", err, e)
	}
	return nil
}
