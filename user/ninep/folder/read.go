// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"

	"loam/abi"
	"loam/user/ninep"
)

const (
	// maxEntries is how much of one directory ReadDir keeps: a host that never comes to an
	// end must not take all memory.
	maxEntries = 1 << 20
	readBuffer = 64 << 10
)

// ReadDir gives all entries of a directory but "." and "..", in the server's order. ENOMEM:
// they are more than a million. The entries' types are the server's; 0 says nothing.
func (d *Dir) ReadDir(ctx context.Context, path string) ([]ninep.Entry, error) {
	f, err := d.OpenFile(ctx, path, abi.O_RDONLY|abi.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return f.entries(ctx)
}

func (f *File) entries(ctx context.Context) (all []ninep.Entry, err error) {
	buf := make([]byte, readBuffer)
	keep := func(e ninep.Entry) bool {
		if e.Name != "." && e.Name != ".." {
			all = append(all, e)
		}
		return len(all) <= maxEntries
	}
	for offset, more := uint64(0), true; more; {
		if offset, more, err = f.ReadEntries(ctx, offset, buf, keep); err != nil {
			return nil, err
		}
		if len(all) > maxEntries {
			return nil, abi.ENOMEM
		}
	}
	return all, nil
}
