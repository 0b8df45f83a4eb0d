// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command torture is a torture test of memory. Children map, touch, protect,
// move and give back memory at random, each against a model of what it must
// find; share memory objects with each other, and clone some; want more than their limit; and
// end at random points: by themselves, by a fault, by being killed, in the middle
// of a call of another thread. The parent keeps some alive all the time, checks
// how each ended, and at the end that nothing is charged any more. What is left
// in the frame allocator then, the kernel checks itself (loam run -v:
// frames_leaked).
//
// The last line on stdout is "torture: done" and what was done, or "torture:
// FAIL" and what was wrong, with exit status 1.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"loam/abi"
	"loam/user/object"
)

var (
	seconds = flag.Float64("seconds", 1, "how long")
	seed    = flag.Uint64("seed", 1, "of what is left to chance; what the CPUs do is so anyway")
	least   = flag.Int("least", 30, "children that have to have ended, however long it takes")
	crowd   = flag.Int("children", 6, "that are alive at a time")
	tight   = flag.Bool("tight", false, "the machine may be out of memory at any time, and end children for that")
	role    = flag.String("child", "", "what a child does")
)

// The roles of children.
const (
	roleArena  = "arena"  // a model of a stretch of addresses, by two threads
	roleShare  = "share"  // a memory object that others map, too
	roleClone  = "clone"  // clones of memory objects, and clones of those
	roleGreedy = "greedy" // more than its limit
)

// How a child ends by its own will.
const (
	exitDone  = 42 // it has done its work
	exitWrong = 3  // it has found something wrong, and said so
)

func main() {
	flag.Parse()
	if *role != "" {
		child(*role)
	}
	counts, err := supervise(time.Duration(*seconds * float64(time.Second)))
	if err != nil {
		fmt.Println("torture: FAIL", err)
		os.Exit(1)
	}
	fmt.Println("torture: done,", counts)
}

// tally is what has been done.
type tally struct{ finished, killed, crashed, shared, refused int }

func (t tally) ended() int { return t.finished + t.killed + t.crashed }

func (t tally) String() string {
	return fmt.Sprintf("%d finished, %d killed, %d crashed, %d with shared memory, %d not started for lack of memory",
		t.finished, t.killed, t.crashed, t.shared, t.refused)
}

// running is a child that has been started.
type running struct {
	object.Child
	plan plan
}

// plan is what a child is to do, and how it is to end.
type plan struct {
	role  string
	seed  uint64
	steps int
	end   string // endExit, endCrash: after its steps; endKill: by the parent
}

const (
	endExit  = "exit"
	endCrash = "crash"
	endKill  = "kill"
)

func newPlan(r *rand.Rand) plan {
	return plan{
		role:  []string{roleArena, roleArena, roleShare, roleShare, roleClone, roleClone, roleGreedy}[r.IntN(7)],
		seed:  r.Uint64(),
		steps: 20 << r.IntN(5),
		end:   []string{endExit, endExit, endCrash, endKill, endKill}[r.IntN(5)],
	}
}

func (p plan) args(slot int) []string {
	return []string{"torture", "-child", p.role, "-seed", strconv.FormatUint(p.seed, 10),
		strconv.Itoa(p.steps), p.end, strconv.Itoa(slot)}
}

// supervise keeps children alive for a while, and waits for the end of the last.
func supervise(d time.Duration) (t tally, err error) {
	before, err := object.Self.Info()
	if err != nil {
		return t, err
	}
	r := rand.New(rand.NewPCG(*seed, 0))
	shared, err := object.NewMemory(sharedPages * page)
	if err != nil {
		return t, err
	}
	children := make([]*running, *crowd)
	for until := time.Now().Add(d); err == nil && (time.Now().Before(until) || t.ended() < *least); {
		slot := r.IntN(len(children))
		if c := children[slot]; c != nil {
			children[slot] = nil
			err = c.finish(&t, r)
		} else if children[slot], err = start(newPlan(r), slot, shared, &t); err == nil && r.IntN(16) == 0 {
			err = renew(&shared, &t)
		}
	}
	for _, c := range children {
		if c != nil {
			err = errors.Join(err, c.finish(&t, r))
		}
	}
	if err = errors.Join(err, shared.Close()); err != nil {
		return t, err
	}
	return t, nothingLeft(before.Used)
}

// renew gives up the object that is shared, which those who map it keep, for
// another.
func renew(m *object.Memory, t *tally) error {
	if err := m.Close(); err != nil {
		return err
	}
	t.shared++
	fresh, err := object.NewMemory(sharedPages * page)
	*m = fresh
	return err
}

// start starts a child; that there is no memory for it is no failure.
func start(p plan, slot int, shared object.Memory, t *tally) (*running, error) {
	limits := abi.DefaultLimits()
	if p.role == roleGreedy {
		limits[abi.LimitPages] = greedyPages
	}
	what := object.Program{File: "program", Args: p.args(slot), Limits: &limits}
	if p.role == roleShare {
		what.Handles = []abi.HandOn{{Handle: abi.Handle(shared), Rights: abi.RightRead | abi.RightWrite | abi.RightManage}}
	}
	c, err := what.Start()
	if shortage(err) {
		t.refused++
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("start of %+v: %w", p, err)
	}
	return &running{c, p}, nil
}

// finish waits for the child's end, which it may bring about, and judges it.
func (c *running) finish(t *tally, r *rand.Rand) error {
	if c.plan.end == endKill {
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
		_ = c.Process.Kill() // it may have ended
	}
	status, err := c.Process.Wait(object.After(5 * time.Minute))
	if err != nil {
		return fmt.Errorf("waiting for %+v: %w", c.plan, err)
	}
	switch killed := status.Kind == abi.Signalled && status.Value == uint32(abi.SIGKILL); {
	case status.Kind == abi.Exited && status.Value == exitDone && c.plan.end != endCrash:
		t.finished++
	case killed && c.plan.end == endKill:
		t.killed++
	case c.plan.role == roleGreedy && (status.Kind == abi.Exited && status.Value == 2 ||
		status.Kind == abi.Signalled && status.Value == uint32(abi.SIGBUS)):
		// The fault past the limit was one of Go's runtime, which can't do without, or
		// of a handler's frame, when there was nothing more to lend.
		t.crashed++
	case killed && (*tight || c.plan.role == roleGreedy):
		t.killed++ // it wanted too much
	case c.plan.end == endCrash && status.Kind == abi.Exited && status.Value == 2: // Go's panic
		t.crashed++
	default:
		return fmt.Errorf("%+v: %v", c.plan, status)
	}
	return c.Close()
}

// nothingLeft wants all that was charged to be given back.
func nothingLeft(before abi.Limits) error {
	for range 10000 {
		i, err := object.Self.Info()
		if err != nil {
			return err
		}
		used := i.Used
		if used.Of(abi.KindMemory) == before.Of(abi.KindMemory) && used.Of(abi.KindProcess) == before.Of(abi.KindProcess) &&
			used.Of(abi.KindSpace) == before.Of(abi.KindSpace) {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("something is charged that nobody has any more")
}
