// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"context"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
)

// adopter is the sandbox.Sandbox of a server.
type adopter struct {
	server *Server
	calls  ipc.Endpoint // where forwarded calls come
	cwd    string       // of the processes
	table  bool         // calls are told in a table at the end
}

// Finish is for sandbox.Sandbox.
func (b *adopter) Finish(context.Context) error {
	if b.table {
		b.server.Table()
	}
	return nil
}

// Adopt is for sandbox.Sandbox. Of the process's end the kernel tells (Server.News).
func (b *adopter) Adopt(_ context.Context, process, space ipc.Handle, name string) error {
	p := object.Process(process.Handle)
	_ = object.Close(space.Handle)
	err := b.take(p, name)
	_ = p.Close()
	return err
}

// take has a process's calls come here.
func (b *adopter) take(p object.Process, name string) error {
	info, err := p.Info()
	if err != nil {
		return err
	}
	badge := b.server.Adopt(int32(info.PID), name, "/boot/"+name, b.cwd)
	minted, err := b.calls.Mint(badge)
	if err == nil {
		err = p.Forward(abi.Handle(minted))
		_ = minted.Close()
	}
	if err != nil {
		b.server.Ended(badge)
	}
	return err
}
