// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"

	"loam/abi"
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
	mu   sync.Mutex
	uart *UART // guarded by mu
	*input
}

// Write is for Console.
func (d *driver) Write(_ context.Context, text []byte) (uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint32(d.uart.Send(text)), nil
}

// Read is for Console.
func (d *driver) Read(ctx context.Context, most uint32) ([]byte, error) {
	return d.take(ctx, int(min(most, maxRead)))
}

// arrived takes what the device has. Its interrupt is acknowledged first: a byte that
// comes behind the last look raises it again.
func (d *driver) arrived(interrupt object.Interrupt) {
	_ = interrupt.Ack()
	for more := true; more; {
		var text []byte
		d.mu.Lock()
		text, more = d.uart.Receive(nil)
		d.mu.Unlock()
		d.put(text)
	}
}

// Run is the program. It has been given an endpoint to receive from, the device's
// interrupt, and its ports or its registers; of ports the first one's number is the
// last argument.
func Run() error {
	registers, err := openRegisters(object.Given(2))
	if err != nil {
		return err
	}
	interrupt := object.Interrupt(object.Given(1))
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	d := &driver{uart: NewUART(registers), input: newInput()}
	const bit = 1
	if err := interrupt.Bind(n, bit); err != nil {
		return err
	}
	s := ipc.Server{
		Endpoint: ipc.Endpoint(object.Given(0)), Service: ConsoleService(d), Async: []string{"Read"},
		Notification: n, OnBits: func(uint64) { d.arrived(interrupt) },
	}
	d.arrived(interrupt) // what came before anybody looked
	return s.Serve(context.Background())
}

// openRegisters makes use of what the driver was given.
func openRegisters(h object.Handle) (Registers, error) {
	info, err := object.Info(h)
	if err != nil {
		return nil, err
	}
	switch info.Kind {
	case abi.KindPorts:
		first, err := strconv.ParseUint(os.Args[len(os.Args)-1], 0, 16)
		return ports{object.Ports(h), uint16(first)}, err
	case abi.KindMemory:
		addr, err := object.Here.Map(object.Memory(h), 0, 0, abi.PageSize, abi.PROT_READ|abi.PROT_WRITE)
		if err != nil {
			return nil, err
		}
		return memory(object.Bytes(addr, abi.PageSize)), nil
	}
	return nil, errors.New("neither ports nor memory were given")
}

// ports are registers behind I/O ports.
type ports struct {
	object.Ports
	first uint16
}

// Read is for Registers. What can't be read reads as a device that isn't there.
func (p ports) Read(register int) byte {
	v, err := p.In(p.first+uint16(register), 1)
	if err != nil {
		return 0xff
	}
	return byte(v)
}

// Write is for Registers.
func (p ports) Write(register int, v byte) { _ = p.Out(p.first+uint16(register), 1, uint32(v)) }

// memory is registers in memory, a byte each.
type memory []byte

// Read is for Registers. It is not inlined: each is to be an access of its own.
//
//go:noinline
func (m memory) Read(register int) byte { return m[register] }

// Write is for Registers.
//
//go:noinline
func (m memory) Write(register int, v byte) { m[register] = v }
