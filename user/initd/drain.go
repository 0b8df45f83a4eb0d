// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/linux/sandbox"
	"loam/user/object"
	"loam/user/streams"
)

// drained reports whether all services that are to drain before the machine ends have done so. The
// first time it asks them to. They may take as long as they like, and die meanwhile: then the next
// instance is asked. One that doesn't come back is not waited for.
func (d *system) drained() bool {
	if d.draining == nil {
		d.draining = &atomic.Int32{}
		for _, s := range d.services {
			if s.Drain && s.life.Phase != Ended {
				d.drain(s)
			}
		}
	}
	return d.draining.Load() == 0
}

// drain asks a service to.
func (d *system) drain(s *service) {
	h, err := object.Duplicate(d.endpoints[s.Provides()[0]].handle, abi.RightWrite)
	if err != nil {
		d.say("service " + s.Name + ": it can't be asked to drain: " + err.Error())
		return
	}
	d.draining.Add(1)
	ask := streams.NewDriverClient(ipc.Endpoint(h)).Drain
	if s.System && s.Args[0] == "linux" {
		ask = sandbox.NewSandboxClient(ipc.Endpoint(h)).Finish
	}
	go func() {
		for {
			err := ask(context.Background())
			if !errors.Is(err, syscall.ECONNRESET) {
				break
			}
		}
		d.draining.Add(-1)
		_ = d.note.Signal(bitDrained)
	}()
}
