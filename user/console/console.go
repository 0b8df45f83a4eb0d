// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"sync"

	"loam/user/ipc"
	"loam/user/object"
)

//go:generate go run loam/tools/ipcgen Console

// Console is what the driver serves.
type Console interface {
	// Write shows text, and tells how much of it.
	Write(ctx context.Context, text []byte) (shown uint32, err error)
	// Read waits until something has been typed, and gives up to most bytes of it,
	// once. Of several readers each gets a part.
	Read(ctx context.Context, most uint32) (text []byte, err error)
}

// maxRead bounds the answer to a Read.
const maxRead = 4096

// driver is a Console.
type driver struct {
	mu       sync.Mutex
	outputs  []output // guarded by mu, and so is what follows
	screen   *screen  // that of outputs, if there is one
	sources  []source
	*input   // guards itself
	note     object.Notification
	machine  object.Machine // to take the log; 0: it isn't shown
	logPiece [1024]byte
}

// output is a device that shows text.
type output interface{ show(text []byte) }

// source is a device at which people type.
type source struct {
	interrupt object.Interrupt
	// receive gives what has been typed, how many pages the screen is to be scrolled back
	// (or on, below 0), and whether there may be more.
	receive func() (text []byte, pages int, more bool)
}

// Write is for Console.
func (d *driver) Write(_ context.Context, text []byte) (uint32, error) {
	d.show(text)
	return uint32(len(text)), nil
}

func (d *driver) show(text []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.outputs {
		o.show(text)
	}
}

// Read is for Console.
func (d *driver) Read(ctx context.Context, most uint32) ([]byte, error) {
	return d.take(ctx, int(min(most, maxRead)))
}

// arrived takes what a device has. Its interrupt is acknowledged first: what comes behind
// the last look raises it again.
func (d *driver) arrived(s *source) {
	_ = s.interrupt.Ack()
	for more := true; more; {
		var text []byte
		var pages int
		d.mu.Lock()
		text, pages, more = s.receive()
		if pages != 0 && d.screen != nil {
			d.screen.scroll(pages)
		}
		d.mu.Unlock()
		d.put(text)
	}
}

// bitLog is the bit of the driver's notification for the log; those below are of the
// sources.
const bitLog = 1 << 8

// showLog shows what the kernel's log has had.
func (d *driver) showLog() {
	for d.machine != 0 {
		n, err := d.machine.TakeLog(d.logPiece[:], d.note, bitLog)
		if n <= 0 || err != nil {
			return
		}
		d.show(d.logPiece[:n])
	}
}

// happened handles what the bits say.
func (d *driver) happened(bits uint64) {
	for i := range d.sources {
		if bits>>i&1 != 0 {
			d.arrived(&d.sources[i])
		}
	}
	if bits&bitLog != 0 {
		d.showLog()
	}
}

// Run is the program. It has been given an endpoint to receive from, and then what each of
// its arguments needs (openDevice).
func Run(args []string) error {
	d := &driver{input: newInput()}
	var err error
	if d.note, err = object.NewNotification(); err != nil {
		return err
	}
	if err := d.open(args); err != nil {
		return err
	}
	s := ipc.Server{
		Endpoint: ipc.Endpoint(object.Given(0)), Service: ConsoleService(d), Async: []string{"Read"},
		Notification: d.note, OnBits: d.happened,
	}
	d.happened(bitLog<<1 - 1) // what came before anybody looked
	return s.Serve(context.Background())
}
