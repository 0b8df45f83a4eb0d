// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"context"
	"errors"

	"loam/abi"
)

// ErrKept is what a method returns when it has kept its request.
var ErrKept = errors.New("ipc: the request is answered later")

// Kept is a request whose method returned without an answer: whatever it waits for, the receiver
// goes on with other requests, and no goroutine stands for it. Who can answer it, once, is
// any thread of the server; what the receiver was lent ended when it received again.
//
// It is for methods whose results are words (numbers, or none at all), and whose
// requests can't be given up: a client that cancels one waits for the answer.
type Kept uint64

// Keep keeps the request of a method's context; the method returns ErrKept.
func Keep(ctx context.Context) Kept {
	if c, ok := ctx.(*requestContext); ok {
		return Kept(c.state.Load() &^ own)
	}
	return Kept(ctx.Value(callerKey{}).(*requestContext).state.Load() &^ own)
}

// Done answers it with the method's results, at most 7.
func (k Kept) Done(results ...uint64) {
	m := Message{Token: uint64(k)}
	m.Words[0] = formWords
	copy(m.Words[1:], results)
	call(abi.CallEndpointReply, &m) // a caller who is no more needs no answer
}

// Fail answers it with an error, which is not nil, as Request.Fail does.
func (k Kept) Fail(err error) {
	r := Request{token: uint64(k)}
	r.fail(describe(err, false))
	r.reply()
}
