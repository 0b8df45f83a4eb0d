// SPDX-License-Identifier: Apache-2.0

package folderd

import (
	"context"
	"errors"
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
	// bitTick is a bit of the notification, beside driver.BitInterrupt and BitAlarm.
	bitTick = 1 << 2
	// ticks is how many a device's patience is long.
	ticks = 4
	// defaultLimit is how long a device may take for an answer: it has three quarters of that
	// at least.
	defaultLimit = 2 * time.Minute
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

// fit gives options for a device that has so much memory: large messages first, then
// several at once.
func fit(size uint64) p9.Options {
	o := p9.Options{Buffers: 6, Data: 512 << 10, Patience: ticks}
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
	failed chan error // why it ends

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
	p := &program{failed: make(chan error, 4), minted: map[uint64]ipc.Endpoint{}}
	if err := p.open(o); err != nil {
		return err
	}
	go p.drive()
	s, err := p.attach(o)
	if err != nil {
		return errors.Join(err, p.device.Close())
	}
	one, each := FoldersService(s), FolderService(Session{s})
	for _, server := range []*ipc.Server{
		{Endpoint: ipc.Endpoint(object.Given(driver.GivenEndpoint)), Service: one, Async: one.Methods},
		{Endpoint: p.sessions, Service: each, Async: each.Methods},
	} {
		go func() { p.failed <- server.Serve(context.Background()) }()
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

// drive has the device's interrupts and the ticks handled, until it fails. It has a thread
// of its own, since those who serve wait for the device.
func (p *program) drive() {
	for {
		bits, err := p.note.Wait(driver.BitInterrupt|bitTick, object.Forever)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err == nil {
			err = p.loop.Handle(bits)
		}
		if err == nil && bits&bitTick != 0 {
			err = p.device.Tick()
		}
		if err != nil {
			p.failed <- err
			return
		}
	}
}

// attach makes a server of the folder.
func (p *program) attach(o options) (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), o.limit)
	defer cancel()
	client, err := ninep.Dial(ctx, p.device, ninep.Config{Requests: p.device.Requests(), ReadOnly: o.readOnly})
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
	o := object.Process(process.Handle)
	if _, err := o.Wait(object.Now); !errors.Is(err, syscall.ETIMEDOUT) {
		_ = object.Close(process.Handle)
		return abi.EINVAL
	}
	go func() {
		for {
			if _, err := o.Wait(object.Forever); !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		_ = o.Close()
		ended()
	}()
	return nil
}
