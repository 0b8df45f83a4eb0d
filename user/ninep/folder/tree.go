// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"errors"

	"loam/abi"
	"loam/user/ninep"
)

// Mkdir makes a directory.
func (d *Dir) Mkdir(ctx context.Context, path string, mode uint32) error {
	return d.in(ctx, path, abi.EEXIST, func(n name) error {
		_, err := d.client.Mkdir(ctx, n.dir.fid, n.name, mode&0o7777, noGroup)
		return err
	})
}

// Symlink makes a symbolic link. The target may be any text, but this package follows it
// only inside of the folder.
func (d *Dir) Symlink(ctx context.Context, target, path string) error {
	return d.in(ctx, path, abi.EEXIST, func(n name) error {
		if err := d.absent(ctx, n); err != nil {
			return err
		}
		_, err := d.client.Symlink(ctx, n.dir.fid, n.name, target, noGroup)
		return err
	})
}

// absent gives the error of a new name that has a slash behind it, but will be no
// directory's.
func (d *Dir) absent(ctx context.Context, n name) error {
	if !n.slash {
		return nil
	}
	at, err := d.look(ctx, n)
	if err != nil {
		return err
	}
	d.release(at)
	return abi.EEXIST
}

// Link gives a file of the folder another name in it. A symbolic link is not followed.
func (d *Dir) Link(ctx context.Context, old, path string) error { return d.LinkTo(ctx, old, d, path) }

// LinkTo is Link with a path from another Dir. EXDEV: that is another server's.
func (d *Dir) LinkTo(ctx context.Context, old string, to *Dir, path string) error {
	if !d.client.Shares(to.client) {
		return abi.EXDEV
	}
	return d.change(ctx, old, false, func(file node) error {
		return to.in(ctx, path, abi.EEXIST, func(n name) error {
			if err := d.absent(ctx, n); err != nil {
				return err
			}
			return d.client.Link(ctx, n.dir.fid, file.fid, n.name)
		})
	})
}

// Rename gives what has the one path the other. It replaces what is there, if that is of
// the same kind and no directory with something in it.
func (d *Dir) Rename(ctx context.Context, old, path string) error {
	return d.RenameTo(ctx, old, d, path)
}

// RenameTo is Rename with a path from another Dir. EXDEV: that is another server's.
func (d *Dir) RenameTo(ctx context.Context, old string, to *Dir, path string) error {
	if !d.client.Shares(to.client) {
		return abi.EXDEV
	}
	return d.in(ctx, old, 0, func(from name) error {
		return to.in(ctx, path, 0, func(to name) error { return d.rename(ctx, from, to) })
	})
}

func (d *Dir) rename(ctx context.Context, from, to name) error {
	if from.dot() || to.dot() {
		return abi.EBUSY
	}
	if from.slash || to.slash {
		at, err := d.look(ctx, from)
		if err != nil {
			return err
		}
		d.release(at)
		if !at.qid.IsDir() {
			return abi.ENOTDIR
		}
	}
	return d.client.Rename(ctx, from.dir.fid, from.name, to.dir.fid, to.name)
}

// Unlink removes a name that is not a directory's. A link goes itself.
func (d *Dir) Unlink(ctx context.Context, path string) error {
	return d.in(ctx, path, abi.EISDIR, func(n name) error {
		if !n.slash {
			return d.client.Unlink(ctx, n.dir.fid, n.name, 0)
		}
		at, err := d.look(ctx, n)
		if err != nil {
			return err
		}
		d.release(at)
		if at.qid.IsDir() {
			return abi.EISDIR
		}
		return abi.ENOTDIR
	})
}

// Rmdir removes an empty directory.
func (d *Dir) Rmdir(ctx context.Context, path string) error {
	return d.in(ctx, path, 0, func(n name) error {
		if n.name == ".." {
			return abi.ENOTEMPTY
		}
		return d.client.Unlink(ctx, n.dir.fid, n.name, ninep.FlagRemoveDir)
	})
}

// Remove removes a file or an empty directory.
func (d *Dir) Remove(ctx context.Context, path string) error {
	err := d.Unlink(ctx, path)
	if errors.Is(err, abi.EISDIR) {
		return d.Rmdir(ctx, path)
	}
	return err
}

// Readlink gives the target of a symbolic link. EINVAL: it is none.
func (d *Dir) Readlink(ctx context.Context, path string) (target string, err error) {
	err = d.at(ctx, path, false, func(n node) (err error) {
		if !n.qid.IsSymlink() {
			return abi.EINVAL
		}
		target, err = d.client.Readlink(ctx, n.fid)
		return err
	})
	return target, err
}

// Stat gives the attributes of a file, links followed.
func (d *Dir) Stat(ctx context.Context, path string) (a ninep.Attr, err error) {
	err = d.at(ctx, path, true, func(n node) error {
		return d.client.GetAttr(ctx, n.fid, ninep.AttrBasic, &a)
	})
	return a, err
}

// Lstat gives the attributes of a file, which may be a link itself.
func (d *Dir) Lstat(ctx context.Context, path string) (a ninep.Attr, err error) {
	err = d.at(ctx, path, false, func(n node) error {
		return d.client.GetAttr(ctx, n.fid, ninep.AttrBasic, &a)
	})
	return a, err
}

// SetAttr changes attributes of a file, links followed: mode, owner, size, times.
func (d *Dir) SetAttr(ctx context.Context, path string, a *ninep.SetAttr) error {
	return d.change(ctx, path, true, func(n node) error { return d.set(ctx, n, a) })
}

func (d *Dir) set(ctx context.Context, n node, a *ninep.SetAttr) error {
	if a.Valid&ninep.SetSize != 0 && n.qid.IsDir() {
		return abi.EISDIR
	}
	return d.client.SetAttr(ctx, n.fid, a)
}

// LsetAttr is SetAttr for what may be a link. ENOTSUP it is one and has no such
// attribute: only its owner and times can be changed.
func (d *Dir) LsetAttr(ctx context.Context, path string, a *ninep.SetAttr) error {
	return d.change(ctx, path, false, func(n node) error {
		if n.qid.IsSymlink() && a.Valid&(ninep.SetMode|ninep.SetSize) != 0 {
			return abi.ENOTSUP
		}
		return d.set(ctx, n, a)
	})
}

// Truncate changes a file's size in bytes. EINVAL it can't be one.
func (d *Dir) Truncate(ctx context.Context, path string, size int64) error {
	if size < 0 {
		return abi.EINVAL
	}
	return d.SetAttr(ctx, path, &ninep.SetAttr{Valid: ninep.SetSize, Size: uint64(size)})
}

// StatFS gives what the server says of the folder's file system.
func (d *Dir) StatFS(ctx context.Context) (f ninep.StatFS, err error) {
	if err := d.handle.use(); err != nil {
		return f, err
	}
	defer d.handle.done()
	return d.client.StatFS(ctx, d.handle.fid)
}

// OpenDir gives a directory as one that paths can begin at and don't leave: not even by
// "..", which leads no higher than to it.
func (d *Dir) OpenDir(ctx context.Context, path string) (*Dir, error) {
	if err := d.handle.use(); err != nil {
		return nil, err
	}
	defer d.handle.done()
	w, err := d.walk(path)
	if err != nil {
		return nil, err
	}
	n, err := w.whole(ctx, true)
	if err != nil {
		return nil, err
	}
	if !n.qid.IsDir() {
		d.release(n)
		return nil, abi.ENOTDIR
	}
	return &Dir{client: d.client, handle: &handle{client: d.client, fid: n.fid}}, nil
}
