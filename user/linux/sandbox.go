// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"context"
	"errors"
	"syscall"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
)

// adopter is the sandbox.Sandbox of a server.
type adopter struct {
	server *Server
	calls  ipc.Endpoint // where forwarded calls come
	cwd    string       // of the processes
	front  foreground
}

// Adopt is for sandbox.Sandbox.
func (b *adopter) Adopt(_ context.Context, process, space ipc.Handle, name string) error {
	p := object.Process(process.Handle)
	_ = object.Close(space.Handle) // for files that are mapped, which there are none of yet
	badge, err := b.take(p, name)
	if err != nil {
		_ = p.Close()
		return err
	}
	b.front.add(p)
	go func() {
		for {
			if _, err := p.Wait(object.Forever); !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		b.front.remove(p)
		_ = p.Close()
		b.server.Ended(badge)
	}()
	return nil
}

// take has a process's calls come here.
func (b *adopter) take(p object.Process, name string) (badge uint64, err error) {
	info, err := p.Info()
	if err != nil {
		return 0, err
	}
	badge = b.server.Adopt(int32(info.PID), name, "/boot/"+name, b.cwd)
	minted, err := b.calls.Mint(badge)
	if err == nil {
		err = p.Forward(abi.Handle(minted))
		_ = minted.Close()
	}
	if err != nil {
		b.server.Ended(badge)
	}
	return badge, err
}
