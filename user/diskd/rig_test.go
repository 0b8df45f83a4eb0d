// SPDX-License-Identifier: Apache-2.0

package diskd

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/virtio"
	"loam/user/virtio/blk"
	"loam/user/virtio/driver"
	"loam/user/virtio/virtiotest"
)

const (
	address   = 0x8000_0000
	queueRoom = 128 << 10
	dataRoom  = 256 << 10
	capacity  = 2048 // sectors

	features = virtio.FeatureVersion1 | virtio.FeatureIndirect | virtio.FeatureEventIndex
	flushes  = 1 << 9
	discards = 1<<13 | 1<<14
	readOnly = 1 << 5
	parts    = 1<<1 | 1<<2 // size_max and seg_max
)

// rig is a device with a cache, and one instance of its driver after another, as a Blocks.
type rig struct {
	t         *testing.T
	device    *virtiotest.Device
	registers virtio.Registers
	bytes     []byte
	requests  int // of the driver

	mu      sync.Mutex // guards what follows
	random  *rand.Rand
	cache   []byte // what is read
	stable  []byte // what is left when the host dies
	held    []virtiotest.Chain
	refuse  byte // status of all requests
	server  *server
	pending map[ipc.Kept]chan error
	last    ipc.Kept
	alive   map[abi.Handle]bool // processes
	failed  error
	kills   int
}

func newRig(t *testing.T, seed, has uint64) *rig {
	t.Helper()
	config := make([]byte, 60)
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(config[at:], v) }
	put(0, capacity)
	put(8, 3000) // size_max
	put(12, 20)  // seg_max
	put(36, 100) // max_discard_sectors
	put(40, 1)
	put(48, 50) // max_write_zeroes_sectors
	put(52, 1)
	r := &rig{
		t: t, bytes: make([]byte, queueRoom+dataRoom), requests: 16, random: rand.New(rand.NewPCG(seed, 7)),
		cache: make([]byte, capacity*SectorSize), stable: make([]byte, capacity*SectorSize),
		pending: map[ipc.Kept]chan error{}, alive: map[abi.Handle]bool{1: true, 2: true},
	}
	r.device = &virtiotest.Device{
		Type: virtio.DeviceBlock, Features: features | has, Max: []int{64}, Config: config,
		Guest: virtiotest.Guest{Bytes: r.bytes, Address: address},
		Serve: func(_ int, c virtiotest.Chain) (int, bool) {
			r.held = append(r.held, c)
			return 0, false
		},
	}
	r.registers = virtiotest.NewMMIO(r.device)
	r.start()
	return r
}

type line struct{}

func (line) Ack() error { return nil }

// start begins an instance of the driver.
func (r *rig) start() {
	r.t.Helper()
	m, err1 := virtio.NewMemory(r.bytes[:queueRoom], address)
	data, err2 := virtio.NewMemory(r.bytes[queueRoom:], address+queueRoom)
	transport, err3 := virtio.NewMMIO(r.registers)
	disk, err4 := blk.Open(transport, virtio.NewArena(m), blk.Options{Requests: r.requests})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		r.t.Fatal(err)
	}
	s := &server{
		disk: disk, data: data, watch: r.watch, memory: func() ipc.Handle { return ipc.Handle{Handle: 77} },
		keep: r.keep, failed: func(err error) { r.failed = err },
	}
	s.answer = func(k ipc.Kept, err error) {
		c := r.pending[k]
		if c == nil {
			r.t.Errorf("an answer to %d, which waits for none", k)
			return
		}
		delete(r.pending, k)
		c <- err
	}
	s.loop = &driver.Loop{Device: disk.Device(), Interrupt: line{}, Alarm: func() error { return nil }, Serve: s.arrived}
	s.begin()
	r.server = s
}

type client struct {
	r *rig
	h abi.Handle
}

func (c client) Alive() bool  { return c.r.alive[c.h] }
func (c client) Close() error { return nil }

func (r *rig) watch(h ipc.Handle) (owner, error) {
	if _, is := r.alive[h.Handle]; !is {
		return nil, abi.EINVAL
	}
	return client{r, h.Handle}, nil
}

func (r *rig) keep(context.Context) ipc.Kept {
	r.last++
	r.pending[r.last] = make(chan error, 1)
	return r.last
}

// kill ends the driver, with each request in flight done or not, and begins the next.
func (r *rig) kill() {
	r.kills++
	for _, c := range r.held {
		if r.random.IntN(2) == 0 {
			r.do(c)
		}
	}
	r.held = nil
	r.start()
	for k, c := range r.pending {
		delete(r.pending, k)
		c <- syscall.ECONNRESET
	}
}

// step has the device finish a request, if it has one, and tells the driver.
func (r *rig) step() {
	if len(r.held) == 0 {
		return
	}
	i := r.random.IntN(len(r.held))
	c := r.held[i]
	r.held = append(r.held[:i], r.held[i+1:]...)
	r.device.Finish(0, c, r.do(c))
	r.server.happened(driver.BitInterrupt)
}

// do does a request, and gives how much was written (VIRTIO 1.2, 5.2.6).
func (r *rig) do(c virtiotest.Chain) int {
	b, room, status := c.Read(), c.Room()-1, r.refuse
	kind, sector := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[8:])
	b = b[16:]
	switch {
	case status != 0:
	case kind == 0:
		c.Write(0, r.cache[sector*SectorSize:][:room])
	case kind == 1:
		copy(r.cache[sector*SectorSize:][:len(b)], b)
	case kind == 4:
		copy(r.stable, r.cache)
	default:
		at, n := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
		clear(r.cache[at*SectorSize:][:n*SectorSize])
	}
	c.Write(room, []byte{status})
	return room + 1
}

// call makes a call, and waits for its answer.
func (r *rig) call(f func(s *server) error) error {
	r.mu.Lock()
	err := f(r.server)
	if err != ipc.ErrKept {
		r.mu.Unlock()
		if e, ok := errors.AsType[abi.Errno](err); ok { // as it comes through the kernel
			return syscall.Errno(e)
		}
		return err
	}
	c := r.pending[r.last]
	r.mu.Unlock()
	err = <-c
	if e, ok := errors.AsType[abi.Errno](err); ok {
		return syscall.Errno(e)
	}
	return err
}

func (r *rig) Attach(ctx context.Context, process ipc.Handle) (h ipc.Handle, session uint64, info Info, err error) {
	if process.Handle == abi.HandleProcess {
		process.Handle = 1
	}
	err = r.call(func(s *server) (err error) { h, session, info, err = s.Attach(ctx, process); return err })
	return h, session, info, err
}

func (r *rig) Detach(ctx context.Context, session uint64) error {
	return r.call(func(s *server) error { return s.Detach(ctx, session) })
}

func (r *rig) Read(ctx context.Context, session, sector uint64, n, at uint32) error {
	return r.call(func(s *server) error { return s.Read(ctx, session, sector, n, at) })
}

func (r *rig) Write(ctx context.Context, session, sector uint64, n, at uint32) error {
	return r.call(func(s *server) error { return s.Write(ctx, session, sector, n, at) })
}

func (r *rig) Flush(ctx context.Context, session uint64) error {
	return r.call(func(s *server) error { return s.Flush(ctx, session) })
}

func (r *rig) Discard(ctx context.Context, session, sector uint64, n uint32) error {
	return r.call(func(s *server) error { return s.Discard(ctx, session, sector, n) })
}

func (r *rig) Zero(ctx context.Context, session, sector uint64, n uint32, unmap bool) error {
	return r.call(func(s *server) error { return s.Zero(ctx, session, sector, n, unmap) })
}

// The rig's memory, for a Disk.

func (r *rig) Map(h ipc.Handle) (uint64, []byte, error) {
	return uint64(h.Handle), r.bytes[queueRoom:], nil
}
func (r *rig) Same(h ipc.Handle, id uint64) bool { return uint64(h.Handle) == id }
func (r *rig) Unmap([]byte) error                { return nil }

// run has the device work, and the driver killed now and then, until the function that it returns
// is called.
func (r *rig) run(kills bool) (end func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-over:
				return
			default:
			}
			r.mu.Lock()
			if kills && r.random.IntN(200) == 0 {
				r.kill()
			}
			r.step()
			idle := len(r.held) == 0
			r.mu.Unlock()
			if idle { // the lock is fair to nobody
				time.Sleep(time.Microsecond)
			} else {
				runtime.Gosched()
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}
