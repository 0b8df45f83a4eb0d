// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"context"
	"errors"
	"syscall"

	"loam/abi"
	"loam/internal/manifest"
	"loam/user/ipc"
	"loam/user/linux/sandbox"
	"loam/user/object"
)

// adopted has a personality server take in the process of a service, which is held, and lets it
// run. It waits for the server, which init may have to start for it, and so has a
// goroutine of its own. A process that isn't taken is killed.
func (d *system) adopted(s *service, c object.Child, server object.Handle) {
	client := sandbox.NewSandboxClient(ipc.Endpoint(server))
	err := error(syscall.ECONNRESET)
	for errors.Is(err, syscall.ECONNRESET) { // the server has died: the next one is asked
		err = client.Adopt(context.Background(),
			ipc.Copy(abi.Handle(c.Process), abi.RightManage|abi.RightWait|abi.RightRead),
			ipc.Copy(abi.Handle(c.Space), abi.RightMap), s.File)
	}
	if err == nil {
		err = c.Thread.Resume()
	}
	if s.Name == manifest.ProgramName {
		d.begun.Store(true)
	}
	_ = object.Close(object.Handle(c.Space))
	_ = c.Thread.Close()
	if err != nil {
		s.refused.Store(&stepError{"under " + s.Under, err})
		_ = c.Process.Kill()
	}
}
