// SPDX-License-Identifier: Apache-2.0

package boot

import (
	"context"
	"io"

	"loam/abi"
	"loam/abi/channel"
	"loam/abi/channel/stream"
	"loam/host/exit"
	"loam/host/run"
	"loam/host/vm"
)

// channelEnd is this end of the host channel. It carries requests of loam ps, and how
// the machine ended: what programs write is on the console.
type channelEnd struct {
	asker *run.Asker
	hello chan struct{} // closed when the kernel listens
	done  chan struct{} // closed when nothing comes any more
	exit  []byte        // the payload of Exit, nil: none; to be read after done
}

// attend begins to handle what comes.
func (o *Options) attend(p *vm.Process) *channelEnd {
	c := &channelEnd{asker: run.NewAsker(p.In), hello: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		o.pump(stream.NewReader(p.Out, channel.ToHost), c)
		// After a fault nothing is believed. A guest that writes on must not be
		// blocked by that.
		_, _ = io.Copy(io.Discard, p.Out)
	}()
	return c
}

// maxNotices bounds what the machine may say on loam's own messages.
const maxNotices = 100

// ask is a run.Ask. What is sent before the kernel listens would be lost in part.
func (c *channelEnd) ask(ctx context.Context, request []byte) ([]byte, error) {
	select {
	case <-c.hello:
		return c.asker.Ask(ctx, request)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (o *Options) pump(r *stream.Reader, c *channelEnd) {
	if f, err := r.Next(); err != nil || f.Type != channel.Hello {
		return
	}
	close(c.hello)
	for notices := 0; ; {
		f, err := r.Next()
		if err != nil {
			return
		}
		switch f.Type {
		case channel.Hello:
			return
		case channel.Answer:
			if c.asker.Answer(f.Payload) != nil {
				return
			}
		case channel.Notice:
			if notices++; notices <= maxNotices {
				o.note("%s", vm.Printable(string(f.Payload)))
			}
		case channel.Exit:
			c.exit = append([]byte{}, f.Payload...)
			return
		}
	}
}

// status is the error of a machine that has ended itself, nil if it was to.
func (c *channelEnd) status() error {
	<-c.done
	if c.exit == nil {
		return nil
	}
	kind, value, reason, fault := channel.ParseExit(c.exit)
	status := abi.ExitStatus{Kind: abi.ExitKind(kind), Value: value}
	why := vm.Printable(string(reason))
	switch {
	case fault != 0:
		return exit.Errorf(exit.Loam, "host channel: %v", fault)
	case status == abi.ExitStatus{}:
		return nil
	case kind == channel.NotStarted && value == uint32(abi.ENOMEM):
		return &exit.Error{Code: exit.Loam, Text: "init could not be started: " + why, Hint: "-m gives the machine more memory"}
	case why == "":
		why = "init has ended: " + status.String()
	}
	return exit.Errorf(exit.Loam, "%s", why)
}
