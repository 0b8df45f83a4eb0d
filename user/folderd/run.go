// SPDX-License-Identifier: Apache-2.0

package folderd

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/object"
	"loam/user/virtio"
	"loam/user/virtio/driver"
	"loam/user/virtio/p9"
)

const (
	// Bits of the notification, beside driver.BitInterrupt and BitAlarm: a tick, and a request that was
	// cancelled.
	bitTick   = 1 << 2
	bitCancel = 1 << 3
	// ticks is how many a device's patience is long.
	ticks = 4
	// defaultLimit is how long a device may take for an answer: it has three quarters of that
	// at least.
	defaultLimit = 2 * time.Minute

	// What goes through this process is not longer than a call's bytes, and directories' entries; data that
	// goes to shared memory may be as long as that is.
	buffer  = 64 << 10
	message = 4 << 20

	// threads is how many requests are handled by those who receive them; more by goroutines.
	threads = 3
	// places is how many threads Go runs at once. Who waits in the kernel has a place to come back to, and to
	// give one away wakes nobody up.
	places = threads + 1
)

// options are the program's arguments.
type options struct {
	tag      string // the device's; empty: any
	readOnly bool
	limit    time.Duration
	grants   map[uint64]Grant
	badges   []uint64 // of grants, in their order
}

var errArguments = errors.New("arguments are tag=TAG, ro, limit=TIME from 10ms on, and grant=BADGE[:ro][:PATH], of which there is one at least")

func parse(args []string) (o options, err error) {
	o = options{limit: defaultLimit, grants: map[uint64]Grant{}}
	for _, arg := range args {
		name, value, has := strings.Cut(arg, "=")
		switch name {
		case "tag":
			o.tag = value
		case "ro":
			if o.readOnly = true; has {
				err = errArguments
			}
		case "limit":
			o.limit, err = time.ParseDuration(value)
		case "grant":
			err = o.grant(value)
		default:
			err = errArguments
		}
		if err != nil {
			return o, errors.Join(errArguments, err)
		}
	}
	if len(o.grants) == 0 || o.limit < 10*time.Millisecond {
		return o, errArguments
	}
	return o, nil
}

func (o *options) grant(text string) error {
	number, rest, _ := strings.Cut(text, ":")
	badge, err := strconv.ParseUint(number, 10, 64)
	if err != nil || badge == 0 {
		return errArguments
	}
	g := Grant{Path: rest}
	if mode, path, _ := strings.Cut(rest, ":"); mode == "ro" {
		g = Grant{Path: path, ReadOnly: true}
	}
	if g.Path == "" {
		g.Path = "."
	}
	if _, twice := o.grants[badge]; !twice {
		o.badges = append(o.badges, badge)
	}
	o.grants[badge] = g
	return nil
}

// fit gives options for a device that has so much memory: large buffers first, then
// several.
func fit(size uint64) p9.Options {
	o := p9.Options{Buffers: 6, Data: buffer, Message: message, Patience: ticks}
	for o.Buffers > 1 && uint64(o.Bytes()) > size {
		o.Buffers--
	}
	for o.Data > 8<<10 && uint64(o.Bytes()) > size {
		o.Data /= 2
	}
	return o
}

// program is what runs.
type program struct {
	device *p9.Device
	note   object.Notification
	loop   *driver.Loop
	turn   chan struct{} // who drives the device has taken it
	failed chan error    // why it ends

	sessions ipc.Endpoint
	mu       sync.Mutex
	minted   map[uint64]ipc.Endpoint // guarded by mu; by the badge of a session
}

// Run is the program.
func Run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(max(places, runtime.NumCPU()))
	p := &program{failed: make(chan error, 4), minted: map[uint64]ipc.Endpoint{}, turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	if err := p.open(o); err != nil {
		return err
	}
	s, err := p.attach(o)
	if err != nil {
		return errors.Join(err, p.device.Close())
	}
	one, each := FoldersService(s), FolderService(Session{s})
	cancelled := func() { _ = p.note.Signal(bitCancel) }
	for _, server := range []*ipc.Server{
		{Endpoint: ipc.Endpoint(object.Given(driver.GivenEndpoint)), Service: one, Async: one.Methods, OnCancel: cancelled},
		{Endpoint: p.sessions, Service: each, Async: each.Methods, Threads: threads - 1, OnCancel: cancelled},
	} {
		go func() { p.fail(server.Serve(context.Background())) }()
	}
	return errors.Join(<-p.failed, p.device.Close())
}

// open opens the device, and has what concerns it signalled.
func (p *program) open(o options) error {
	parts, err := driver.TakeGiven()
	if err != nil {
		return err
	}
	info, err := driver.Memory(0).Info()
	if err != nil {
		return err
	}
	if p.device, err = p9.Open(parts.Transport, parts.Arena, fit(info.Size)); err != nil {
		return err
	}
	if o.tag != "" && o.tag != p.device.Tag() {
		return errors.Join(errors.New("the device's folder is "+strconv.Quote(p.device.Tag())), p.device.Close())
	}
	if p.note, err = object.NewNotification(); err != nil {
		return err
	}
	taken := func(virtio.Cause) error { return p.device.Take() }
	if p.loop, err = parts.Listen(p.note, o.limit, p.device.Device(), taken); err != nil {
		return err
	}
	timer, err := object.NewTimer()
	if err != nil {
		return err
	}
	period := o.limit / ticks
	return timer.Set(p.note, bitTick, object.After(period), period)
}

// transport is the device, which is driven by who waits for it.
type transport struct {
	*p9.Device
	p *program
}

// Drive is for ninep.Driver. An exchange that ends comes to a thread that is in the kernel for it, and no
// goroutine is woken, unless several wait: then who drives wakes the others, and gives one of them
// the turn.
func (t transport) Drive(ctx context.Context, x *ninep.Exchange) bool {
	select {
	case <-x.Over():
		return true
	case <-t.p.turn:
	default:
		select {
		case <-x.Over():
			return true
		case <-ctx.Done():
			return false
		case <-t.p.turn:
		}
	}
	defer func() { t.p.turn <- struct{}{} }()
	for {
		select {
		case <-x.Over():
			return true
		default:
		}
		if ctx.Err() != nil {
			return false
		}
		if err := t.p.step(); err != nil { // all exchanges end with it
			t.p.fail(errors.Join(err, t.Close()))
		}
	}
}

// fail has the program end.
func (p *program) fail(err error) {
	select {
	case p.failed <- err:
	default: // it has a cause already
	}
}

// step waits for something to happen, and handles it.
func (p *program) step() error {
	bits, err := p.note.Wait(driver.BitInterrupt|bitTick|bitCancel, object.Forever)
	if errors.Is(err, syscall.EINTR) {
		return nil
	}
	if err == nil {
		err = p.loop.Handle(bits)
	}
	if err == nil && bits&bitTick != 0 {
		err = p.device.Tick()
	}
	return err
}

// attach makes a server of the folder.
func (p *program) attach(o options) (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), o.limit)
	defer cancel()
	client, err := ninep.Dial(ctx, transport{p.device, p}, ninep.Config{MessageSize: p.device.MaxMessage(), Requests: p.device.Requests(), ReadOnly: o.readOnly})
	if err != nil {
		return nil, err
	}
	all, err := folder.Attach(ctx, client, folder.Options{})
	if err != nil {
		return nil, err
	}
	if p.sessions, err = ipc.NewEndpoint(); err != nil {
		return nil, err
	}
	shares, err := p.shares(o.badges)
	if err != nil {
		return nil, err
	}
	return &Server{Folder: all, Grants: o.grants, Mint: p.mint, Revoke: p.revoke, Watch: watch, Shares: shares, Caller: ipc.Caller}, nil
}

// shares makes the memory that was given for it the grants', in their order: behind what every
// driver is given.
func (p *program) shares(badges []uint64) (map[uint64]*Share, error) {
	all := map[uint64]*Share{}
	for i, badge := range badges {
		h := object.Handle(driver.Memory(1 + i))
		if _, err := object.Info(h); errors.Is(err, syscall.EBADF) {
			break
		}
		m, err := driver.DMA(object.Memory(h))
		if err != nil {
			return nil, err
		}
		p.device.Share(m)
		all[badge] = &Share{Bytes: m.Bytes(), Handle: ipc.Copy(h, abi.RightDuplicate|abi.RightTransfer|abi.RightRead|abi.RightWrite)}
	}
	return all, nil
}

// mint makes the handle of a session. It is kept, and a copy of it sent.
func (p *program) mint(session uint64) (ipc.Handle, error) {
	h, err := p.sessions.Mint(session)
	if err != nil {
		return ipc.Handle{}, err
	}
	p.mu.Lock()
	p.minted[session] = h
	p.mu.Unlock()
	return ipc.Copy(abi.Handle(h), abi.RightDuplicate|abi.RightTransfer|abi.RightWrite), nil
}

// revoke closes all copies of it.
func (p *program) revoke(session uint64) {
	p.mu.Lock()
	h, ok := p.minted[session]
	delete(p.minted, session)
	p.mu.Unlock()
	if ok {
		_, _ = object.Revoke(abi.Handle(h)), h.Close()
	}
}

// watch waits for a process's end.
func watch(process ipc.Handle, ended func()) error {
	return object.Process(process.Handle).OnEnd(ended)
}
