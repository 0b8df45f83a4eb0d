// SPDX-License-Identifier: Apache-2.0

package ninep

import (
	"context"
	"sync/atomic"
)

// Transport carries requests to one server and brings its replies. A virtio-9p device
// makes a chain of descriptors of each Exchange, the request readable and the reply
// writable for the device; a stream needs a table of tags.
type Transport interface {
	// MaxMessage gives the size of the largest message in bytes, data included.
	MaxMessage() uint32

	// Memory gives n bytes for the client's own requests and replies. It is called once.
	// A device driver takes them from memory that its device reaches. The data of reads
	// and writes lies in the callers' memory instead; where the device doesn't reach that,
	// the transport copies.
	Memory(n int) ([]byte, error)

	// Start sends a request. It may wait for room, but not for a reply. From then on
	// request and reply belong to the server, until the transport calls x.Done, once. If
	// Start gives an error it doesn't call Done. A transport that has failed calls Done for
	// every exchange that it still has, once the server can't reach their memory any more.
	//
	// A client has up to twice Config.Requests exchanges under way: each can have a flush.
	Start(x *Exchange) error

	// Forget tells that the server has confirmed a flush of x. If no reply to it came
	// before that one, none will come: the transport calls x.Done(0, nil) when the server
	// can't reach x's memory any more. A virtio device gives each chain back by itself, so
	// its driver does nothing here.
	Forget(x *Exchange)
}

// Driver is a Transport whose device is driven by who waits for it: no thread stands by for what
// nobody waits for, and who waits hears of it first.
type Driver interface {
	Transport

	// Drive returns when x is over, or, with false, when the context is done before. It drives the device
	// meanwhile; one does so at a time, and the others wait for their exchange or their turn.
	Drive(ctx context.Context, x *Exchange) bool
}

// Sizer is a Transport for which it counts where the data is.
type Sizer interface {
	Transport

	// Room tells how many bytes of p one message can carry.
	Room(p []byte) int
}

// Exchange is a request and the room for its reply. Each is in two pieces, one behind the
// other: the message's fields, which lie in the transport's Memory, and the data of a read
// or write, which lies in the caller's. A message without data has an empty second piece.
type Exchange struct {
	Tag     uint16    // also in the request; unique among those under way
	Request [2][]byte // the server reads it
	Reply   [2][]byte // the server writes it, the first piece first

	under atomic.Bool // between Start and Done
	n     int
	err   error
	done  chan struct{} // room for one
	then  func()        // called in place of that, if it isn't nil
}

// Over has a value, once, when the exchange is over. It is for who waits: a Driver.
func (x *Exchange) Over() <-chan struct{} { return x.done }

// Done ends an exchange: the reply has n bytes, or the transport has failed. Zero bytes
// mean that there is no reply, since the request was flushed. A call too many does
// nothing.
func (x *Exchange) Done(n int, err error) {
	if !x.under.CompareAndSwap(true, false) {
		return
	}
	x.n, x.err = n, err
	if x.then != nil {
		x.then()
		return
	}
	x.done <- struct{}{}
}
