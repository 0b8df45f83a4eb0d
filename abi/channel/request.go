// SPDX-License-Identifier: Apache-2.0

package channel

// A Request is at most MaxRequest bytes, at least one, for a program in the guest,
// and is answered by at most MaxAnswer bytes in one Answer or several. What they say
// is for the two that talk. Each begins with a word: the request's number, which
// its answer repeats, and in an Answer the bit moreAnswer if another one follows.
// The guest holds one request; one that comes before that has been taken is
// dropped, so the host asks again, or waits.

const moreAnswer = 1 << 31

// PutRequestHead writes what comes before the bytes of a Request, or, with more, of
// an Answer that isn't the last of its request. The number is below 1<<31.
func PutRequestHead(b *[RequestHead]byte, number uint32, more bool) {
	if more {
		number |= moreAnswer
	}
	put32(b[:], number)
}

// ParseRequest takes the payload of a Request or an Answer apart. The bytes alias p.
func ParseRequest(p []byte) (number uint32, more bool, data []byte, f Fault) {
	if len(p) < RequestHead {
		return 0, false, nil, BadLength
	}
	number = get32(p)
	return number &^ moreAnswer, number&moreAnswer != 0, p[RequestHead:], 0
}
