//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/abi/channel"

// Requests of the host's, for a program here (abi/channel). One is held until it is
// taken; what comes meanwhile is dropped. The channel lock guards all of it.

var (
	request     [channel.RequestHead + channel.MaxRequest]byte
	requestSize uint32 // bytes of it that have come
	requestHeld bool   // all of it has, and nobody has taken it
	requestSkip bool   // one comes that is dropped
	requestNew  bool   // EventRequest is still to be told
	requestLast uint32 // the number of the one taken last
)

// receiveRequest takes a byte of a Request's payload, or its header's last one.
func receiveRequest(e channel.Event, b byte) {
	switch {
	case e&channel.Begin != 0:
		requestSkip = requestHeld
		if !requestHeld {
			requestSize = 0
		}
	case !requestSkip && int(requestSize) < len(request):
		request[requestSize] = b
		requestSize++
		if e&channel.End != 0 {
			requestHeld, requestNew = true, true
		}
	}
}

// HostRequested reports whether a request has come in another way than by an
// interrupt, and so without EventRequest: in HostRead. It says so once.
func HostRequested() bool {
	channelLock.Lock()
	was := requestNew
	requestNew = false
	channelLock.Unlock()
	return was
}

// HostRequest copies the request that waits to p, which has room for
// channel.MaxRequest bytes, and gives its length: 0 if there is none. The request
// stays until TakeRequest.
func HostRequest(p []byte) int {
	channelLock.Lock()
	n := 0
	if requestHeld {
		n = copy(p, request[channel.RequestHead:requestSize])
	}
	channelLock.Unlock()
	return n
}

// TakeRequest takes the request that HostRequest has given: HostAnswer is about it
// from now on, and the next one may come.
func TakeRequest() {
	channelLock.Lock()
	requestLast, _, _, _ = channel.ParseRequest(request[:])
	requestHeld = false
	channelLock.Unlock()
}

// HostAnswer sends a piece of the answer to the request that was taken last: p
// behind its first channel.RequestHead bytes, which are the function's own. more says that
// another piece follows.
func HostAnswer(p []byte, more bool) {
	channel.PutRequestHead((*[channel.RequestHead]byte)(p), requestLast, more)
	HostWrite(channel.Answer, p)
}
