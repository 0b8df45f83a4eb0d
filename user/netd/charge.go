// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"loam/abi"
	"loam/user/sockets"
)

// direction is what a socket may hold in a direction.
type direction struct {
	size  int64
	moved int64 // bytes since it was as large as it is
	fixed bool  // the client has said how large it is
}

// charge has a socket be charged otherwise, if the account has that, and rest besides; charges is held.
func (k *socket) charge(more, rest int64) bool {
	a := &k.session.network.memory
	if k.charged == 0 { // it is closed
		return false
	}
	if more > 0 && !a.take(more, rest) {
		return false
	}
	if more < 0 {
		a.give(-more)
	}
	k.charged += more
	return true
}

// uncharge ends what a closed socket is charged, as soon as the stack has nothing of it any more.
func (k *socket) uncharge() {
	k.charges.Lock()
	n := k.charged
	k.charged = 0
	if k.backlog == 0 { // what has come and wasn't read is gone, what is to be sent isn't
		k.session.network.memory.give(k.coming.size)
		n -= k.coming.size
	}
	k.charges.Unlock()
	k.session.network.memory.closes(k, n)
}

// wider doubles a buffer's reservation. What is for new sockets, half of all, isn't touched.
func (k *socket) wider(b *direction) bool {
	if b.fixed || b.size >= mostBuffer || !k.charge(b.size, k.session.network.memory.most/2) {
		return false
	}
	b.size, b.moved = 2*b.size, 0
	return true
}

// growSending has more be sent at once by who fills what there is.
func (k *socket) growSending() bool {
	k.charges.Lock()
	defer k.charges.Unlock()
	if !k.wider(&k.sending) {
		return false
	}
	k.end.SocketOptions().SetSendBufferSize(k.sending.size, true)
	return true
}

// growComing has more come at once to who has read twice as much as there is room for.
func (k *socket) growComing(n int64) {
	k.charges.Lock()
	defer k.charges.Unlock()
	if k.coming.moved += n; k.coming.moved > 2*k.coming.size && k.wider(&k.coming) {
		k.end.SocketOptions().SetReceiveBufferSize(k.coming.size, true)
	}
}

// setBuffer sets a buffer's size as a client wants it, or to what can be had.
func (k *socket) setBuffer(b *direction, size int64, set func(int64, bool)) {
	k.charges.Lock()
	defer k.charges.Unlock()
	size = min(max(size, leastBuffer), mostBuffer)
	if !k.charge(size-b.size, 0) {
		return
	}
	b.size, b.fixed = size, true
	set(size, true)
}

// listen has it take connections. Those that wait have small buffers, for which it is charged.
func (k *socket) listen(backlog uint32) error {
	defer k.look()
	k.charges.Lock()
	defer k.charges.Unlock()
	n, size := k.session.network.memory.backlog(backlog)
	before := int64(k.backlog) * (perSocket + leastBuffer)
	if !k.charge(size-before, 0) {
		return abi.ENOBUFS
	}
	k.backlog = uint32(n)
	k.end.SocketOptions().SetReceiveBufferSize(leastBuffer, false)
	return errnoOf(k.end.Listen(int(min(n, sockets.MaxBacklog))))
}
