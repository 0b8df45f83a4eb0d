// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"math"

	"loam/abi"
	"loam/user/ninep"
)

// File is an open file or directory of the host's. It has no position: that is for who
// shares it to keep. Its methods may be called from any goroutine.
type File struct {
	client *ninep.Client
	handle handle
	flags  int // of OpenFile
	dir    bool
	unit   int  // bytes that one message carries
	below  *Dir // until OpenAny has given it
}

// Close lets go of the file. EBADF: it was closed already.
func (f *File) Close() error { return f.handle.close() }

// IsDir reports whether it is a directory.
func (f *File) IsDir() bool { return f.dir }

// begin keeps the file for a read or write of n bytes at an offset. EBADF: it was opened for
// what is not wanted, not, alone.
func (f *File) begin(not int, offset int64, n int) error {
	switch {
	case f.flags&abi.O_ACCMODE == not:
		return abi.EBADF
	case f.dir:
		return abi.EISDIR
	case offset < 0 || offset > math.MaxInt64-int64(n):
		return abi.EINVAL
	}
	return f.handle.use()
}

// ReadAt reads at an offset as pread(2) does: fewer bytes than asked for at the end of the
// file and where the server gave fewer, 0 at the end. The n bytes are there also if there is
// an error.
func (f *File) ReadAt(ctx context.Context, p []byte, offset int64) (n int, err error) {
	if err := f.begin(abi.O_WRONLY, offset, len(p)); err != nil {
		return 0, err
	}
	defer f.handle.done()
	return f.readOn(ctx, p, offset, 0)
}

// readOn reads what is behind the n bytes that are there.
func (f *File) readOn(ctx context.Context, p []byte, offset int64, n int) (int, error) {
	unit := min(f.unit, f.client.Room(p))
	for n < len(p) {
		got, err := f.client.ReadAhead(ctx, f.handle.fid, uint64(offset)+uint64(n), p[n:], unit)
		n += got
		if err != nil || got%unit != 0 || got == 0 {
			return n, err
		}
	}
	return n, nil
}

// Begun is a read that the server is at. The memory is the server's until End.
type Begun struct {
	file    *File
	p       []byte
	offset  int64
	reading ninep.Reading
}

// BeginRead begins what ReadAt does, for who wants the data later: End is to be called, once. EAGAIN: the server has
// enough to do.
func (f *File) BeginRead(p []byte, offset int64) (*Begun, error) {
	if err := f.begin(abi.O_WRONLY, offset, len(p)); err != nil {
		return nil, err
	}
	reading, begun := f.client.BeginRead(f.handle.fid, uint64(offset), p, min(f.unit, f.client.Room(p)))
	if !begun {
		f.handle.done()
		return nil, abi.EAGAIN
	}
	return &Begun{f, p, offset, reading}, nil
}

// End waits for the data, and gives what ReadAt does.
func (b *Begun) End(ctx context.Context) (n int, err error) {
	defer b.file.handle.done()
	unit := min(b.file.unit, b.file.client.Room(b.p))
	n, err = b.reading.End(ctx)
	if err != nil || n%unit != 0 || n == 0 {
		return n, err
	}
	return b.file.readOn(ctx, b.p, b.offset, n)
}

// WriteAt writes at an offset as pwrite(2) does, or at the end if the file was opened with
// O_APPEND. It gives fewer bytes than there are only with an error, or when the server
// takes none.
func (f *File) WriteAt(ctx context.Context, p []byte, offset int64) (n int, err error) {
	if err := f.begin(abi.O_RDONLY, offset, len(p)); err != nil {
		return 0, err
	}
	defer f.handle.done()
	unit := min(f.unit, f.client.Room(p))
	for n < len(p) {
		piece := p[n:min(len(p), n+unit)]
		done, err := f.client.Write(ctx, f.handle.fid, uint64(offset)+uint64(n), piece)
		n += done
		if err != nil || done == 0 {
			return n, err
		}
	}
	return n, nil
}

// ReadEntries reads entries of a directory, those behind the one with the offset, using
// buf, and calls each for them, "." and ".." among them, until it gives false. It gives the
// offset to go on with, and false at the directory's end. buf must have room for the
// largest entry, 279 bytes (EINVAL).
func (f *File) ReadEntries(ctx context.Context, offset uint64, buf []byte, each func(ninep.Entry) bool) (next uint64, more bool, err error) {
	const largest = 13 + 8 + 1 + 2 + ninep.MaxName
	switch {
	case !f.dir:
		return offset, false, abi.ENOTDIR
	case len(buf) < largest:
		return offset, false, abi.EINVAL
	}
	if err := f.handle.use(); err != nil {
		return offset, false, err
	}
	defer f.handle.done()
	n, err := f.client.ReadDir(ctx, f.handle.fid, offset, buf)
	if err != nil || n == 0 {
		return offset, false, err
	}
	entries := f.client.Entries(buf[:n])
	for {
		e, ok, err := entries.Next()
		if err != nil || !ok {
			return offset, err == nil, err
		}
		if !each(e) {
			return offset, true, nil
		}
		offset = e.Offset
	}
}

// Stat gives the file's attributes. Some of QEMU's versions look for the file by its name:
// ENOENT when it has none any more.
func (f *File) Stat(ctx context.Context) (a ninep.Attr, err error) {
	if err := f.handle.use(); err != nil {
		return a, err
	}
	defer f.handle.done()
	err = f.client.GetAttr(ctx, f.handle.fid, ninep.AttrBasic, &a)
	return a, err
}

// SetAttr changes the file's attributes. QEMU 7.2 looks for the file by its name: ENOENT when
// it has none any more, and when the host has put another file in its place it is that one
// that changes.
func (f *File) SetAttr(ctx context.Context, a *ninep.SetAttr) error {
	if err := f.handle.use(); err != nil {
		return err
	}
	defer f.handle.done()
	return f.client.SetAttr(ctx, f.handle.fid, a)
}

// Truncate changes the file's size in bytes. EINVAL: it can't be one, or the file wasn't
// opened for writing.
func (f *File) Truncate(ctx context.Context, size int64) error {
	if size < 0 || f.dir || f.flags&abi.O_ACCMODE == abi.O_RDONLY {
		return abi.EINVAL
	}
	return f.SetAttr(ctx, &ninep.SetAttr{Valid: ninep.SetSize, Size: uint64(size)})
}

// Sync has the host put the file on its medium, or only its data and what is needed to
// read it. In a read-only folder there is nothing to do.
func (f *File) Sync(ctx context.Context, dataOnly bool) error {
	if err := f.handle.use(); err != nil {
		return err
	}
	defer f.handle.done()
	if f.client.ReadOnly() {
		return nil
	}
	return f.client.Fsync(ctx, f.handle.fid, dataOnly)
}

// Lock asks for a record lock, or gives one up. EAGAIN somebody else has it, also if l.Wait:
// ask again then; ENOLCK the server has none to give. QEMU grants everything and keeps
// nothing: locks between the programs of this side are for this side to keep.
func (f *File) Lock(ctx context.Context, l *ninep.Lock) error {
	if err := f.handle.use(); err != nil {
		return err
	}
	defer f.handle.done()
	status, err := f.client.Lock(ctx, f.handle.fid, l)
	switch {
	case err != nil:
		return err
	case status == ninep.LockGranted:
		return nil
	case status == ninep.LockFailed:
		return abi.ENOLCK
	}
	return abi.EAGAIN
}

// GetLock tells what lock is in l's way; its Type is ninep.Unlock if there is none.
func (f *File) GetLock(ctx context.Context, l *ninep.Lock) (ninep.Lock, error) {
	if err := f.handle.use(); err != nil {
		return ninep.Lock{}, err
	}
	defer f.handle.done()
	return f.client.GetLock(ctx, f.handle.fid, l)
}
