// SPDX-License-Identifier: Apache-2.0

package diskd

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/sys"
)

// Errors of a Disk's own.
var (
	// ErrAlign: an offset or a length isn't a multiple of SectorSize.
	ErrAlign = errors.New("diskd: not whole sectors")
	// ErrClosed: the Disk is closed.
	ErrClosed = errors.New("diskd: the disk is closed")
)

// Disk is a disk that this process has. Its methods may be called from any goroutine. Those that
// overlap are done in any order, sectors of them one way or the other.
type Disk struct {
	blocks Blocks
	info   Info
	id     uint64 // of the memory object
	bytes  []byte // that memory
	room   room   // in it
	slots  chan struct{}

	session atomic.Uint64
	mu      sync.Mutex // guards the change of session
	closed  bool       // guarded by mu
	mapped  mapped
}

// mapped is how memory of a handle is mapped and unmapped; tests have their own. The handle is
// used up.
type mapped interface {
	Map(h ipc.Handle) (id uint64, bytes []byte, err error)
	Same(h ipc.Handle, id uint64) bool
	Unmap(bytes []byte) error
}

// Open takes the disk that is served at an endpoint. Errors: EBUSY another process has it;
// ECONNREFUSED its service has ended for good; and the context's.
func Open(ctx context.Context, to ipc.Endpoint) (*Disk, error) {
	return open(ctx, NewBlocksClient(to), inKernel{})
}

func open(ctx context.Context, blocks Blocks, m mapped) (*Disk, error) {
	d := &Disk{blocks: blocks, mapped: m}
	memory, session, info, err := d.attach(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkInfo(info); err != nil {
		return nil, errors.Join(err, object.Close(memory.Handle))
	}
	if d.id, d.bytes, err = m.Map(memory); err != nil {
		return nil, err
	}
	if len(d.bytes) != int(info.Memory) {
		return nil, ipc.ErrMalformed
	}
	d.info = info
	d.room.begin(len(d.bytes))
	d.slots = make(chan struct{}, info.Requests)
	d.session.Store(session)
	return d, nil
}

// checkInfo refuses what a Disk can't work with.
func checkInfo(i Info) error {
	if i.Sectors > 1<<54 || i.Requests == 0 || i.Requests > 1<<16 || i.MaxData == 0 || i.MaxData > i.Memory/unit/2*(unit/SectorSize) {
		return ipc.ErrMalformed
	}
	return nil
}

// attach attaches, as soon as what was in flight for another has ended.
func (d *Disk) attach(ctx context.Context) (memory ipc.Handle, session uint64, info Info, err error) {
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		memory, session, info, err = d.blocks.Attach(ctx, ipc.Copy(abi.HandleProcess, abi.RightWait))
		if err != syscall.EAGAIN && err != syscall.ECONNRESET {
			return memory, session, info, err
		}
		select {
		case <-ctx.Done():
			return memory, 0, info, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// again attaches to the next instance of the driver, if nobody has done so since a request
// of the session was lost.
func (d *Disk) again(session uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	if d.session.Load() != session {
		return nil
	}
	memory, next, _, err := d.attach(context.Background())
	if err != nil {
		return err
	}
	if !d.mapped.Same(memory, d.id) {
		return syscall.EIO // data of what is in flight would be elsewhere
	}
	d.session.Store(next)
	return nil
}

// Close gives the disk back. Nothing may be in flight, and memory of Alloc is gone.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	err := d.blocks.Detach(context.Background(), d.session.Load())
	switch {
	case err == syscall.EBUSY:
		return err
	case err == syscall.ESTALE || err == syscall.ECONNRESET || err == syscall.ECONNREFUSED: // nobody has it
		err = nil
	}
	d.closed = true
	d.session.Store(0)
	return errors.Join(err, d.mapped.Unmap(d.bytes))
}

// Info tells what the disk is.
func (d *Disk) Info() Info { return d.info }

// Size gives its size in bytes.
func (d *Disk) Size() int64 { return int64(d.info.Sectors) * SectorSize }

// operation is what a request asks for.
type operation uint8

const (
	opRead operation = iota
	opWrite
	opFlush
	opDiscard
	opZero
	opUnmap // opZero that may give memory back
)

// do makes a request, and makes it again when its driver has died.
func (d *Disk) do(op operation, sector uint64, n, at uint32) error {
	d.slots <- struct{}{}
	defer func() { <-d.slots }()
	for {
		session := d.session.Load()
		switch err := d.ask(op, session, sector, n, at); err {
		case syscall.ECONNRESET, syscall.ESTALE:
			if err := d.again(session); err != nil {
				return err
			}
		case syscall.EAGAIN: // the device has less room than it seems to have
			time.Sleep(50 * time.Microsecond)
		default:
			return err
		}
	}
}

func (d *Disk) ask(op operation, session, sector uint64, n, at uint32) error {
	ctx := context.Background()
	switch op {
	case opRead:
		return d.blocks.Read(ctx, session, sector, n, at)
	case opWrite:
		return d.blocks.Write(ctx, session, sector, n, at)
	case opFlush:
		return d.blocks.Flush(ctx, session)
	case opDiscard:
		return d.blocks.Discard(ctx, session, sector, n)
	}
	return d.blocks.Zero(ctx, session, sector, n, op == opUnmap)
}

// within checks a range, and gives how much of it is on the disk: all, or io.EOF says.
func (d *Disk) within(off, n int64) (int64, error) {
	switch {
	case off < 0 || n < 0 || off%SectorSize != 0 || n%SectorSize != 0:
		return 0, ErrAlign
	case off > d.Size() || n > d.Size()-off:
		return max(d.Size()-off, 0), io.EOF
	}
	return n, nil
}

// ReadAt reads whole sectors, as io.ReaderAt says. Memory of Alloc is read into as it is; other is
// copied to. ErrAlign: offset or length aren't multiples of SectorSize.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	return d.transfer(opRead, p, off)
}

// WriteAt writes whole sectors, as io.WriterAt says. What is beyond the disk's end isn't written,
// and the error is io.ErrShortWrite then. EROFS: the disk is read-only.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	n, err := d.transfer(opWrite, p, off)
	if err == io.EOF {
		err = io.ErrShortWrite
	}
	return n, err
}

// transfer reads or writes.
func (d *Disk) transfer(op operation, p []byte, off int64) (int, error) {
	most, end := d.within(off, int64(len(p)))
	if end == ErrAlign {
		return 0, ErrAlign
	}
	p = p[:most]
	at, direct := d.place(p)
	for done := 0; done < len(p); {
		n := min(len(p)-done, int(d.info.MaxData)*SectorSize)
		piece, sector := p[done:done+n], uint64(off+int64(done))/SectorSize
		var err error
		if direct {
			err = d.do(op, sector, uint32(n/SectorSize), uint32(at+done))
		} else {
			err = d.copied(op, sector, piece)
		}
		if err != nil {
			return done, err
		}
		done += n
	}
	return len(p), end
}

// copied makes a request whose data are elsewhere.
func (d *Disk) copied(op operation, sector uint64, p []byte) error {
	at := d.room.take(len(p))
	if op == opWrite {
		copy(d.bytes[at:], p)
	}
	err := d.do(op, sector, uint32(len(p)/SectorSize), uint32(at))
	if op == opRead && err == nil {
		copy(p, d.bytes[at:])
	}
	d.room.give(at, len(p))
	return err
}

// place tells whether p is the disk's own memory, and where in it.
func (d *Disk) place(p []byte) (at int, ok bool) {
	if len(p) == 0 {
		return 0, false
	}
	offset := sys.Address(p) - sys.Address(d.bytes) // of a lower address it is larger than all
	if offset >= uint64(len(d.bytes)) || offset%SectorSize != 0 || uint64(len(p)) > uint64(len(d.bytes))-offset {
		return 0, false
	}
	return int(offset), true
}

// Flush makes stable what was written by calls that had returned.
func (d *Disk) Flush() error { return d.do(opFlush, 0, 0, 0) }

// Discard says that the content of a range isn't needed any more: it is anything then. ENOTSUP:
// the device can't do that.
func (d *Disk) Discard(off, n int64) error { return d.ranges(opDiscard, off, n, d.info.MaxDiscard) }

// Zero makes a range zero; with unmap the host may give up what it takes.
func (d *Disk) Zero(off, n int64, unmap bool) error {
	op := opZero
	if unmap {
		op = opUnmap
	}
	return d.ranges(op, off, n, d.info.MaxZero)
}

func (d *Disk) ranges(op operation, off, n int64, most uint32) error {
	if _, err := d.within(off, n); err != nil {
		return err
	}
	if most == 0 {
		return syscall.ENOTSUP
	}
	for sector, left := uint64(off)/SectorSize, uint64(n)/SectorSize; left > 0; {
		count := min(left, uint64(most))
		if err := d.do(op, sector, uint32(count), 0); err != nil {
			return err
		}
		sector, left = sector+count, left-count
	}
	return nil
}

// Alloc gives memory that ReadAt and WriteAt need not copy, nil if there is none left: at most half
// of Info.Memory can be had.
func (d *Disk) Alloc(n int) []byte {
	at, ok := d.room.alloc(n)
	if !ok {
		return nil
	}
	return d.bytes[at : at+n : at+n]
}

// Free gives memory of Alloc back. No request of it may be in flight.
func (d *Disk) Free(p []byte) {
	if at, ok := d.place(p); ok {
		d.room.give(at, len(p))
	}
}

// inKernel is mapped by the kernel.
type inKernel struct{}

func (inKernel) Map(h ipc.Handle) (id uint64, bytes []byte, err error) {
	defer func() { err = errors.Join(err, object.Close(h.Handle)) }()
	about, err := object.Info(h.Handle)
	if err != nil {
		return 0, nil, err
	}
	m := object.Memory(h.Handle)
	info, err := m.Info()
	if err != nil {
		return 0, nil, err
	}
	at, err := object.Here.Map(m, 0, 0, info.Size, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return 0, nil, err
	}
	return about.ID, object.Bytes(at, info.Size), nil
}

func (inKernel) Same(h ipc.Handle, id uint64) bool {
	info, err := object.Info(h.Handle)
	return object.Close(h.Handle) == nil && err == nil && info.ID == id
}

func (inKernel) Unmap(bytes []byte) error {
	return object.Here.Unmap(sys.Address(bytes), uint64(len(bytes)))
}
