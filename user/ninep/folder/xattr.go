// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"

	"loam/abi"
	"loam/user/ninep"
)

// maxXattr is the size in bytes of the largest extended attribute, and of the list of
// their names (XATTR_SIZE_MAX, XATTR_LIST_MAX).
const maxXattr = 64 << 10

// GetXattr gives an extended attribute of a file, links followed. ENODATA it has none;
// ENOTSUP the server has none at all.
func (d *Dir) GetXattr(ctx context.Context, path, attr string) (value []byte, err error) {
	if attr == "" {
		return nil, abi.ERANGE
	}
	return d.xattr(ctx, path, attr)
}

// ListXattr gives the names of a file's extended attributes, each ended by a NUL.
func (d *Dir) ListXattr(ctx context.Context, path string) ([]byte, error) {
	return d.xattr(ctx, path, "")
}

func (d *Dir) xattr(ctx context.Context, path, attr string) (value []byte, err error) {
	err = d.at(ctx, path, true, func(n node) error {
		fid, size, err := d.client.XattrWalk(ctx, n.fid, attr)
		if err != nil {
			return err
		}
		defer d.release(node{fid: fid})
		if size > maxXattr {
			return abi.E2BIG
		}
		value, err = d.readXattr(ctx, fid, make([]byte, size))
		return err
	})
	return value, err
}

func (d *Dir) readXattr(ctx context.Context, fid ninep.Fid, p []byte) ([]byte, error) {
	for n := 0; n < len(p); {
		got, err := d.client.Read(ctx, fid, uint64(n), p[n:])
		if err != nil {
			return nil, err
		}
		if got == 0 {
			return p[:n], nil
		}
		n += got
	}
	return p, nil
}

// SetXattr changes an extended attribute of a file, links followed; flags are those of
// setxattr(2). With QEMU an attribute can't be empty: that removes it.
func (d *Dir) SetXattr(ctx context.Context, path, attr string, value []byte, flags uint32) error {
	if len(value) > maxXattr {
		return abi.E2BIG
	}
	return d.change(ctx, path, true, func(n node) error { return d.writeXattr(ctx, n, attr, value, flags) })
}

// RemoveXattr removes an extended attribute of a file, links followed.
func (d *Dir) RemoveXattr(ctx context.Context, path, attr string) error {
	return d.SetXattr(ctx, path, attr, nil, ninep.XattrReplace)
}

// writeXattr writes through a second Fid: the attribute is set when that is given back,
// and the answer to that is the one that counts.
func (d *Dir) writeXattr(ctx context.Context, n node, attr string, value []byte, flags uint32) error {
	fid, _, err := d.client.Walk(ctx, n.fid, nil, nil)
	if err != nil {
		return err
	}
	err = d.client.XattrCreate(ctx, fid, attr, uint64(len(value)), flags)
	for done := 0; err == nil && done < len(value); {
		var n int
		n, err = d.client.Write(ctx, fid, uint64(done), value[done:])
		if done += n; err == nil && n == 0 {
			err = abi.EIO
		}
	}
	if e := d.client.Clunk(fid); err == nil {
		err = e
	}
	return err
}
