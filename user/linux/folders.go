// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"loam/abi"
	"loam/user/folderd"
	"loam/user/ipc"
	"loam/user/linux/hostfs"
	"loam/user/object"
)

// givenFolders is the handle of the first folder, behind the endpoint that is served.
const givenFolders = 1

// mountFolders mounts the folders of the host. Their services are asked when a program first uses them.
func mountFolders(s *Server, mounts []mountOption) error {
	// A folder that another is mounted in comes first.
	slices.SortStableFunc(mounts, func(a, b mountOption) int { return cmp.Compare(len(a.path), len(b.path)) })
	for _, m := range mounts {
		service := ipc.Endpoint(object.Given(givenFolders + m.folder))
		fs := &hostfs.FS{Dev: devFolders + uint64(m.folder), Dial: func(ctx context.Context) (*hostfs.Session, error) {
			return attachFolder(ctx, service)
		}, Now: s.kernel.Now, News: s.news.Load}
		if e := s.Mount(m.path, fs.Root(), fmt.Sprintf("folder%d", m.folder), "9p", m.readOnly); e != 0 {
			return fmt.Errorf("mount %s: %w", m.path, e)
		}
	}
	return nil
}

// attachFolder begins a session of a folder service.
func attachFolder(ctx context.Context, service ipc.Endpoint) (*hostfs.Session, error) {
	h, info, err := folderd.NewFoldersClient(service).Attach(ctx, ipc.Copy(abi.HandleProcess, abi.RightWait))
	if err != nil {
		return nil, err
	}
	folder := folderd.NewFolderClient(ipc.Endpoint(h.Handle))
	c := &hostfs.Session{Folder: folder, Data: info.MaxData}
	if memory, size, err := folder.Share(ctx); err == nil { // without it data goes by messages
		c.Share = mapShare(object.Memory(memory.Handle), uint64(size))
	}
	return c, nil
}

// mapShare maps memory that is shared with a service; nil if it can't be.
func mapShare(m object.Memory, size uint64) []byte {
	defer m.Close()
	const readWrite = abi.PROT_READ | abi.PROT_WRITE
	addr, err := object.Here.Map(m, 0, 0, size, readWrite)
	if err != nil {
		return nil
	}
	return object.Bytes(addr, size)
}
