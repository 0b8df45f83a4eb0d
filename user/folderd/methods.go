// SPDX-License-Identifier: Apache-2.0

package folderd

import (
	"context"
	"errors"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ninep"
	"loam/user/ninep/folder"
)

// Session is the Folder of every session: a call's badge says whose it is.
type Session struct{ Server *Server }

var _ Folder = Session{}

// at gives the directory where a call's path begins.
func (s Session) at(ctx context.Context, number uint32) (*folder.Dir, error) {
	n, err := s.Server.session(ctx)
	if err != nil {
		return nil, err
	}
	return n.at(number)
}

// file gives the file that a call is about.
func (s Session) file(ctx context.Context, number uint32) (*folder.File, error) {
	n, err := s.Server.session(ctx)
	if err != nil {
		return nil, err
	}
	o, err := n.get(number)
	return o.file, err
}

// Open is for Folder, and so are the others.
func (s Session) Open(ctx context.Context, at uint32, path string, flags int32, mode uint32) (uint32, bool, error) {
	n, err := s.Server.session(ctx)
	if err != nil {
		return 0, false, err
	}
	d, err := n.at(at)
	if err != nil {
		return 0, false, err
	}
	number, err := n.reserve()
	if err != nil {
		return 0, false, err
	}
	f, below, err := d.OpenAny(ctx, path, int(flags), mode)
	if e := n.fill(number, open{file: f, dir: below}); e != nil && err == nil {
		err = e
	}
	if err != nil {
		return 0, false, err
	}
	return number, below != nil, nil
}

// Close closes a file.
func (s Session) Close(ctx context.Context, file uint32) error {
	n, err := s.Server.session(ctx)
	if err != nil {
		return err
	}
	o, err := n.drop(file)
	if err != nil {
		return err
	}
	s.Server.dropFile(ctx, n, o.file)
	return o.close()
}

// Read reads from a file.
func (s Session) Read(ctx context.Context, file uint32, offset int64, n uint32) ([]byte, error) {
	f, err := s.file(ctx, file)
	if err != nil {
		return nil, err
	}
	p := make([]byte, min(n, MaxData))
	got, err := f.ReadAt(ctx, p, offset)
	if got > 0 {
		err = nil // the next one gets it
	}
	return p[:got], err
}

// Write writes to a file.
func (s Session) Write(ctx context.Context, file uint32, offset int64, data []byte) (uint32, error) {
	f, err := s.file(ctx, file)
	if err != nil {
		return 0, err
	}
	n, err := f.WriteAt(ctx, data[:min(len(data), MaxData)], offset)
	if n > 0 {
		err = nil // the next one gets it
	}
	return uint32(n), err
}

// Share gives the session's memory.
func (s Session) Share(ctx context.Context) (ipc.Handle, uint32, error) {
	n, err := s.Server.session(ctx)
	if err != nil {
		return ipc.Handle{}, 0, err
	}
	m, err := s.Server.share(n)
	if err != nil {
		return ipc.Handle{}, 0, err
	}
	return m.Handle, uint32(len(m.Bytes)), nil
}

// shared calls do with a file and a part of the session's memory.
func (s Session) shared(ctx context.Context, number, at, n uint32, do func(part, *folder.File) (int, error)) (uint32, error) {
	session, err := s.Server.session(ctx)
	if err != nil {
		return 0, err
	}
	o, err := session.get(number)
	if err != nil {
		return 0, err
	}
	m := s.Server.useShare(session)
	if m == nil {
		return 0, abi.EINVAL
	}
	defer s.Server.doneShare(m)
	p, err := s.Server.part(session, m, at, n)
	if err != nil {
		return 0, err
	}
	done, err := do(p, o.file)
	if done > 0 {
		err = nil // the next one gets it
	}
	return uint32(done), err
}

// ReadTo reads to the session's memory.
func (s Session) ReadTo(ctx context.Context, file uint32, offset int64, to, n uint32) (uint32, error) {
	return s.shared(ctx, file, to, n, func(p part, f *folder.File) (int, error) {
		p.settle(ctx)
		return f.ReadAt(ctx, p.bytes, offset)
	})
}

// ReadOn reads to it, and begins to read on.
func (s Session) ReadOn(ctx context.Context, file uint32, offset int64, to, n uint32, begun bool, next, more uint32) (uint32, error) {
	return s.shared(ctx, file, to, n, func(p part, f *folder.File) (got int, err error) {
		then, err := s.Server.part(p.session, p.share, next, more)
		if err != nil {
			return 0, err
		}
		if r := p.take(f, offset); r != nil && begun {
			got, err = r.end(ctx)
		} else {
			r.drop(ctx)
			p.settle(ctx)
			got, err = f.ReadAt(ctx, p.bytes, offset)
		}
		if err == nil && got == len(p.bytes) {
			then.settle(ctx)
			then.begin(ctx, f, offset+int64(got))
		}
		return got, err
	})
}

// Settle waits for what ReadOn has begun.
func (s Session) Settle(ctx context.Context, to, n uint32) error {
	session, err := s.Server.session(ctx)
	if err != nil {
		return err
	}
	m := s.Server.useShare(session)
	if m == nil {
		return abi.EINVAL
	}
	defer s.Server.doneShare(m)
	p, err := s.Server.part(session, m, to, n)
	if err == nil {
		p.settle(ctx)
	}
	return err
}

// WriteFrom writes from it.
func (s Session) WriteFrom(ctx context.Context, file uint32, offset int64, from, n uint32) (uint32, error) {
	return s.shared(ctx, file, from, n, func(p part, f *folder.File) (int, error) { return f.WriteAt(ctx, p.bytes, offset) })
}

// Sync puts a file on the medium.
func (s Session) Sync(ctx context.Context, file uint32, dataOnly bool) error {
	f, err := s.file(ctx, file)
	if err != nil {
		return err
	}
	return f.Sync(ctx, dataOnly)
}

// List lists a directory. An entry takes less room in the answer than in the server's.
func (s Session) List(ctx context.Context, file uint32, offset uint64) ([]Entry, error) {
	f, err := s.file(ctx, file)
	if err != nil {
		return nil, err
	}
	var all []Entry
	_, _, err = f.ReadEntries(ctx, offset, make([]byte, maxEntries), func(e ninep.Entry) bool {
		all = append(all, Entry{Offset: e.Offset, Inode: e.QID.Path, Type: e.Type, Name: e.Name})
		return true
	})
	return all, err
}

// Stat gives attributes.
func (s Session) Stat(ctx context.Context, at uint32, path string, follow bool) (ninep.Attr, error) {
	if path == "" && at != Root {
		f, err := s.file(ctx, at)
		if err != nil {
			return ninep.Attr{}, err
		}
		return f.Stat(ctx)
	}
	d, err := s.at(ctx, at)
	switch {
	case err != nil:
		return ninep.Attr{}, err
	case follow:
		return d.Stat(ctx, path)
	}
	return d.Lstat(ctx, path)
}

// Walk walks.
func (s Session) Walk(ctx context.Context, at uint32, path string) (w Walked, err error) {
	d, err := s.at(ctx, at)
	if err != nil {
		return w, err
	}
	n, a, stopped, err := d.Reach(ctx, path)
	var e abi.Errno
	_ = errors.As(stopped, &e)
	return Walked{uint32(n), a, uint32(e)}, err
}

// Change changes attributes.
func (s Session) Change(ctx context.Context, at uint32, path string, follow bool, a ninep.SetAttr) error {
	if path == "" && at != Root {
		f, err := s.file(ctx, at)
		if err != nil {
			return err
		}
		return change(ctx, f, a)
	}
	d, err := s.at(ctx, at)
	switch {
	case err != nil:
		return err
	case follow:
		return d.SetAttr(ctx, path, &a)
	}
	return d.LsetAttr(ctx, path, &a)
}

// change changes attributes of an open file. Its size needs one that is open for writing.
func change(ctx context.Context, f *folder.File, a ninep.SetAttr) error {
	if a.Valid&ninep.SetSize != 0 {
		if err := f.Truncate(ctx, int64(a.Size)); err != nil {
			return err
		}
		if a.Valid &^= ninep.SetSize; a.Valid == 0 {
			return nil
		}
	}
	return f.SetAttr(ctx, &a)
}

// Space tells of the host's file system.
func (s Session) Space(ctx context.Context) (ninep.StatFS, error) {
	n, err := s.Server.session(ctx)
	if err != nil {
		return ninep.StatFS{}, err
	}
	return n.root.StatFS(ctx)
}

// Mkdir makes a directory.
func (s Session) Mkdir(ctx context.Context, at uint32, path string, mode uint32) error {
	d, err := s.at(ctx, at)
	if err != nil {
		return err
	}
	return d.Mkdir(ctx, path, mode)
}

// Symlink makes a symbolic link.
func (s Session) Symlink(ctx context.Context, target string, at uint32, path string) error {
	d, err := s.at(ctx, at)
	if err != nil {
		return err
	}
	return d.Symlink(ctx, target, path)
}

// Readlink reads one.
func (s Session) Readlink(ctx context.Context, at uint32, path string) (string, error) {
	d, err := s.at(ctx, at)
	if err != nil {
		return "", err
	}
	return d.Readlink(ctx, path)
}

// Unlink removes a file.
func (s Session) Unlink(ctx context.Context, at uint32, path string) error {
	d, err := s.at(ctx, at)
	if err != nil {
		return err
	}
	return d.Unlink(ctx, path)
}

// Rmdir removes a directory.
func (s Session) Rmdir(ctx context.Context, at uint32, path string) error {
	d, err := s.at(ctx, at)
	if err != nil {
		return err
	}
	return d.Rmdir(ctx, path)
}

// two gives the directories where two paths begin.
func (s Session) two(ctx context.Context, a, b uint32) (*folder.Dir, *folder.Dir, error) {
	n, err := s.Server.session(ctx)
	if err != nil {
		return nil, nil, err
	}
	from, err := n.at(a)
	if err != nil {
		return nil, nil, err
	}
	to, err := n.at(b)
	return from, to, err
}

// Rename gives a file another path.
func (s Session) Rename(ctx context.Context, at uint32, path string, to uint32, new string) error {
	from, d, err := s.two(ctx, at, to)
	if err != nil {
		return err
	}
	return from.RenameTo(ctx, path, d, new)
}

// Link gives a file one more path.
func (s Session) Link(ctx context.Context, at uint32, path string, to uint32, new string) error {
	from, d, err := s.two(ctx, at, to)
	if err != nil {
		return err
	}
	return from.LinkTo(ctx, path, d, new)
}
