// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"errors"

	"loam/abi"
	"loam/user/ninep"
)

// Flags of open(2) that package abi doesn't name.
const (
	oDSYNC = 0x1000
	oSYNC  = 0x10_1000

	// passed are those that the server is told of; the others are done with here, or have
	// no meaning for a file of the host's.
	passed = abi.O_ACCMODE | abi.O_TRUNC | abi.O_APPEND | oSYNC | oDSYNC

	// withDir asks for the Dir of what is opened, if it is a directory.
	withDir = 1 << 30

	// maxTries is how often somebody else can be quicker at a name before we give up.
	maxTries = 40
)

// Open opens a file for reading.
func (d *Dir) Open(ctx context.Context, path string) (*File, error) {
	return d.OpenFile(ctx, path, abi.O_RDONLY, 0)
}

// Create makes a file, or empties it, and opens it for reading and writing.
func (d *Dir) Create(ctx context.Context, path string) (*File, error) {
	return d.OpenFile(ctx, path, abi.O_RDWR|abi.O_CREAT|abi.O_TRUNC, 0o666)
}

// OpenFile opens a file by the flags of open(2); mode is that of a new one. Only regular
// files and directories are opened: ENXIO for a socket, a pipe or a device of the host's.
// EROFS: the folder is read-only, and the flags ask for more than reading, or for a file
// that isn't there. O_PATH is not supported (EINVAL); flags that mean nothing for a file
// of the host's are ignored.
func (d *Dir) OpenFile(ctx context.Context, path string, flags int, mode uint32) (*File, error) {
	return d.openFile(ctx, path, flags&^withDir, mode)
}

// OpenAny is OpenFile, and gives what was opened as a Dir too if it is a directory. Both are
// to be closed then.
func (d *Dir) OpenAny(ctx context.Context, path string, flags int, mode uint32) (*File, *Dir, error) {
	f, err := d.openFile(ctx, path, flags|withDir, mode)
	if err != nil {
		return nil, nil, err
	}
	below := f.below
	f.below = nil
	return f, below, nil
}

func (d *Dir) openFile(ctx context.Context, path string, flags int, mode uint32) (*File, error) {
	if flags&abi.O_ACCMODE == abi.O_ACCMODE || flags&abi.O_PATH != 0 ||
		flags&abi.O_CREAT != 0 && flags&abi.O_DIRECTORY != 0 {
		return nil, abi.EINVAL
	}
	if err := d.handle.use(); err != nil {
		return nil, err
	}
	defer d.handle.done()
	w, err := d.walk(path)
	if err != nil {
		return nil, err
	}
	if flags&abi.O_CREAT != 0 {
		return d.openOrCreate(ctx, w, flags, mode)
	}
	n, err := w.whole(ctx, flags&abi.O_NOFOLLOW == 0)
	if err != nil {
		return nil, err
	}
	return d.open(ctx, n, flags)
}

// openOrCreate opens what a path leads to, or makes it there. The server makes it only if
// nothing has the name (O_EXCL), so that no link that somebody puts there is followed by it.
func (d *Dir) openOrCreate(ctx context.Context, w *walk, flags int, mode uint32) (*File, error) {
	for range maxTries {
		dir, last, err := w.parent(ctx)
		if err != nil {
			return nil, err
		}
		f, err := d.openIn(ctx, w, name{dir, last, w.slash}, flags, mode)
		if f != nil || err != nil {
			return f, err
		}
	}
	return nil, abi.ELOOP
}

// openIn opens a name in a directory, or makes it there. It lets go of the directory. With
// neither file nor error the walk is to go on: the name is a link, or has just changed.
func (d *Dir) openIn(ctx context.Context, w *walk, n name, flags int, mode uint32) (*File, error) {
	if n.slash || n.dot() {
		d.release(n.dir)
		if n.dot() && flags&abi.O_EXCL != 0 {
			return nil, abi.EEXIST
		}
		return nil, abi.EISDIR
	}
	at, err := d.look(ctx, n)
	switch {
	case errors.Is(err, abi.ENOENT):
		f, err := d.create(ctx, n, flags, mode)
		if errors.Is(err, abi.EEXIST) && flags&abi.O_EXCL == 0 {
			w.todo = []string{n.name}
			return nil, nil
		}
		return f, err
	case err != nil:
		d.release(n.dir)
		return nil, err
	}
	d.release(n.dir)
	switch {
	case flags&abi.O_EXCL != 0:
		err = abi.EEXIST
	case !at.qid.IsSymlink():
		return d.open(ctx, at, flags)
	case flags&abi.O_NOFOLLOW != 0:
		err = abi.ELOOP
	default:
		w.slash, err = w.follow(ctx, at, w.have)
	}
	d.release(at)
	return nil, err
}

// create makes a file in a directory, whose node it uses up.
func (d *Dir) create(ctx context.Context, n name, flags int, mode uint32) (*File, error) {
	if d.ReadOnly() {
		d.release(n.dir)
		return nil, abi.EROFS
	}
	how := uint32(flags&passed&^abi.O_TRUNC | abi.O_CREAT | abi.O_EXCL | abi.O_NOFOLLOW)
	qid, unit, err := d.client.Create(ctx, n.dir.fid, n.name, how, mode&0o7777, noGroup)
	if err != nil {
		d.release(n.dir)
		return nil, err
	}
	return d.file(node{n.dir.fid, qid}, flags, unit), nil
}

// open opens a node, which it uses up.
func (d *Dir) open(ctx context.Context, n node, flags int) (*File, error) {
	if err := d.openable(ctx, n, flags); err != nil {
		d.release(n)
		return nil, err
	}
	how := uint32(flags&passed | abi.O_NOFOLLOW)
	var below *Dir
	if n.qid.IsDir() {
		how |= abi.O_DIRECTORY
		if flags&withDir != 0 {
			var err error
			if below, err = d.again(ctx, n); err != nil {
				d.release(n)
				return nil, err
			}
		}
	}
	_, unit, err := d.client.Open(ctx, n.fid, how)
	if err != nil {
		if below != nil {
			_ = below.Close()
		}
		d.release(n)
		return nil, err
	}
	f := d.file(n, flags, unit)
	f.below = below
	return f, nil
}

// again gives a directory that was walked to as a Dir of its own.
func (d *Dir) again(ctx context.Context, n node) (*Dir, error) {
	var qids [ninep.MaxWalk]ninep.QID
	fid, _, err := d.client.Walk(ctx, n.fid, nil, &qids)
	if err != nil {
		return nil, err
	}
	return &Dir{client: d.client, handle: &handle{client: d.client, fid: fid}}, nil
}

// openable gives the error of opening a node by flags, as far as this side knows it. A
// server's open of a pipe could wait for somebody at its other end, and one of a device
// could do anything, so their kind is asked for first. (QEMU refuses them itself since
// CVE-2023-2861.)
func (d *Dir) openable(ctx context.Context, n node, flags int) error {
	const change = abi.O_ACCMODE | abi.O_TRUNC
	switch {
	case n.qid.IsDir():
		if flags&(change|abi.O_CREAT) != 0 {
			return abi.EISDIR
		}
		return nil
	case flags&abi.O_DIRECTORY != 0:
		return abi.ENOTDIR
	case n.qid.IsSymlink():
		return abi.ELOOP
	case d.ReadOnly() && flags&change != 0:
		return abi.EROFS
	}
	var a ninep.Attr
	if err := d.client.GetAttr(ctx, n.fid, ninep.AttrMode, &a); err != nil {
		return err
	}
	if a.Mode&ninep.ModeType != ninep.ModeRegular {
		return abi.ENXIO
	}
	return nil
}

func (d *Dir) file(n node, flags int, unit uint32) *File {
	f := &File{client: d.client, flags: flags, dir: n.qid.IsDir(), unit: d.client.MaxData()}
	f.handle = handle{client: d.client, fid: n.fid}
	if unit != 0 && uint64(unit) < uint64(f.unit) {
		f.unit = int(unit)
	}
	return f
}
