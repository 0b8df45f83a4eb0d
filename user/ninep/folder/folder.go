// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"sync"

	"loam/abi"
	"loam/user/ninep"
)

// Options say how a folder is used.
type Options struct {
	User string // for the server; QEMU's doesn't look
	Tree string // which of the server's trees; QEMU has one and doesn't look
}

// noGroup leaves new files the group that the host gives them. (QEMU would try to change
// it to any other.)
const noGroup = 0xffff_ffff

// Dir is a directory of the host's, and all that is below it: paths begin there and don't
// leave it. Its methods may be called from any goroutine.
type Dir struct {
	client *ninep.Client
	handle *handle
}

// Attach gives a server's folder. It is read-only if the client is.
func Attach(ctx context.Context, c *ninep.Client, o Options) (*Dir, error) {
	fid, qid, err := c.Attach(ctx, o.User, o.Tree)
	if err != nil {
		return nil, err
	}
	if !qid.IsDir() {
		_ = c.Clunk(fid)
		return nil, abi.ENOTDIR
	}
	return &Dir{client: c, handle: &handle{client: c, fid: fid}}, nil
}

// ReadOnly reports whether nothing in the folder can be changed through it.
func (d *Dir) ReadOnly() bool { return d.client.ReadOnly() }

// Reading gives the same directory, through which nothing can be changed. It is closed by
// itself.
func (d *Dir) Reading(ctx context.Context) (*Dir, error) {
	below, err := d.OpenDir(ctx, ".")
	if err != nil {
		return nil, err
	}
	below.client = d.client.Reading()
	return below, nil
}

// Close lets go of the directory. What was opened through it stays open. EBADF: it was
// closed already.
func (d *Dir) Close() error { return d.handle.close() }

func (d *Dir) release(n node) { d.client.Release(n.fid) }

// handle is a file of the server's that several goroutines use. It is given back when it
// has been closed and the last of them is done.
type handle struct {
	client *ninep.Client
	fid    ninep.Fid

	mu     sync.Mutex // guards what follows; no request is made under it
	users  int
	closed bool
}

// use keeps the file until done is called. EBADF: it is closed.
func (h *handle) use() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return abi.EBADF
	}
	h.users++
	return nil
}

func (h *handle) done() {
	h.mu.Lock()
	h.users--
	last := h.closed && h.users == 0
	h.mu.Unlock()
	if last {
		_ = h.client.Clunk(h.fid)
	}
}

func (h *handle) close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return abi.EBADF
	}
	h.closed = true
	last := h.users == 0
	h.mu.Unlock()
	if last {
		return h.client.Clunk(h.fid)
	}
	return nil
}

// at calls do with what a path leads to.
func (d *Dir) at(ctx context.Context, path string, follow bool, do func(node) error) error {
	if err := d.handle.use(); err != nil {
		return err
	}
	defer d.handle.done()
	w, err := d.walk(path)
	if err != nil {
		return err
	}
	n, err := w.whole(ctx, follow)
	if err != nil {
		return err
	}
	defer d.release(n)
	return do(n)
}

// change is at, for what changes a file.
func (d *Dir) change(ctx context.Context, path string, follow bool, do func(node) error) error {
	if d.ReadOnly() {
		return abi.EROFS
	}
	return d.at(ctx, path, follow, do)
}

// name is a path's last name, in the directory that it is in.
type name struct {
	dir   node
	name  string
	slash bool // the path ends with one
}

// dot reports whether it is "." or "..", which no request takes.
func (n name) dot() bool { return n.name == "." || n.name == ".." }

// in calls do with a path's last name, to change it. dot is the error if that is "." or
// ".."; with 0 do has to look.
func (d *Dir) in(ctx context.Context, path string, dot abi.Errno, do func(name) error) error {
	if d.ReadOnly() {
		return abi.EROFS
	}
	if err := d.handle.use(); err != nil {
		return err
	}
	defer d.handle.done()
	w, err := d.walk(path)
	if err != nil {
		return err
	}
	dir, last, err := w.parent(ctx)
	if err != nil {
		return err
	}
	defer d.release(dir)
	n := name{dir, last, w.slash}
	if dot != 0 && n.dot() {
		return dot
	}
	return do(n)
}

// look gives what a name stands for, without following it.
func (d *Dir) look(ctx context.Context, n name) (node, error) {
	var qids [ninep.MaxWalk]ninep.QID
	fid, _, err := d.client.Walk(ctx, n.dir.fid, []string{n.name}, &qids)
	return node{fid, qids[0]}, err
}
