//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/abi/channel"
	"loam/machine/spin"
)

// The ring of the host channel (abi/channel): memory shared with the host. The host
// offers it by the command line; deterministic machines have none.

var (
	ring uint64 // its address in the direct map; 0: none

	outFilled uint8 // slots filled for the host, modulo 256

	inFilled uint8                   // slots that the host says it has filled
	inTaken  uint8                   // slots given back
	inSize   [channel.InSlots]uint16 // bytes in each filled slot
	inRead   uint16                  // of them read, in the slot at inTaken

	roomWanted bool // the host waits for Room
)

// ringWrite sends the beginning of p, at most ringPiece bytes of it, as a frame
// whose payload is in the ring, and returns its length: 0 if the host leaves no
// room.
func ringWrite(t channel.Type, p []byte) int {
	n := min(len(p), ringPiece)
	if !ringRoom(channel.Slots(n)) {
		return 0
	}
	for done := 0; done < n; {
		at, size := channel.OutSlot(outFilled)
		k := copy(bytesAt(ring+uint64(at), uint64(size)), p[done:n])
		outFilled += uint8(channel.Slots(k))
		done += k
	}
	sendHeader(t|channel.InRing, n)
	return n
}

const (
	// ringPiece is the most that a frame has in the ring, in bytes: less than
	// the ring, so that the host takes out one piece while the next comes.
	ringPiece = 8 * channel.SlotSize
	// ringPatience is how often ringRoom looks for room before it gives up:
	// for about as long as the host needs to take a piece out.
	ringPatience = 200
)

// ringRoom reports whether the host has taken out enough for n more slots to
// be filled, and waits a little for that.
func ringRoom(n int) bool {
	for range ringPatience {
		if channel.Free(outFilled, uint8(loadShared32(ring+channel.OutTaken)), channel.OutSlots) >= n {
			return true
		}
		spin.Pause()
	}
	return false
}

// ringReceived notes a payload of n bytes from the host. A host that fills
// more slots than there are breaks the protocol: what it sent is lost.
func ringReceived(n int) {
	if channel.Free(inFilled, inTaken, channel.InSlots) < channel.Slots(n) {
		return
	}
	for n > 0 {
		size := min(n, channel.SlotSize)
		inSize[inFilled%channel.InSlots] = uint16(size)
		inFilled++
		n -= size
	}
}

// ringRead moves input out of the ring into p.
func ringRead(p []byte) int {
	done := 0
	for done < len(p) && inTaken != inFilled {
		size := inSize[inTaken%channel.InSlots]
		at, _ := channel.InSlot(inTaken)
		slot := bytesAt(ring+uint64(at), uint64(size))
		n := copy(p[done:], slot[inRead:])
		done += n
		if inRead += uint16(n); inRead == size {
			inRead = 0
			inTaken++
			storeShared32(ring+channel.InTaken, uint32(inTaken))
		}
	}
	answerRoom()
	return done
}

// answerRoom tells a host that waits when half of the ring is free.
func answerRoom() {
	if roomWanted && channel.Free(inFilled, inTaken, channel.InSlots) >= channel.InSlots/2 {
		roomWanted = false
		sendHeader(channel.Room, 0)
	}
}
