// SPDX-License-Identifier: Apache-2.0

package channel

import (
	"math/rand/v2"
	"testing"
)

// TestMapWord packs and unpacks words with every bit of each part.
func TestMapWord(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		k, o, n, shared := MapKind(rng.Uint32()), uint8(rng.Uint32()), rng.Uint64()>>24, rng.Uint32()&1 != 0
		var b [MapWordSize]byte
		PutMapWord(b[:], NewMapWord(k, o, n, shared))
		w := GetMapWord(b[:])
		if w.Kind() != k || w.Owner() != o || w.Frames() != n || w.Shared() != shared || w.Reserved() != 0 {
			t.Fatalf("%d %d %#x %v became %#x", k, o, n, shared, w)
		}
	}
	if w := NewMapWord(MapFree, 0, 1<<40|5, false); w.Frames() != 5 || w.Kind() != MapFree || w.Owner() != 0 {
		t.Fatalf("%#x", w)
	}
}

func TestMapPieces(t *testing.T) {
	var begin [MapBeginSize]byte
	PutMapBegin(&begin, MapAtTime, 1<<60+7, 1<<33+9)
	if m, ns, reserve, ok := ParseMapBegin(begin[:]); !ok || m != MapAtTime || ns != 1<<60+7 || reserve != 1<<33+9 {
		t.Fatalf("% x", begin)
	}
	var end [MapEndSize]byte
	PutMapEnd(&end, 1<<50+3)
	if words, ok := ParseMapEnd(end[:]); !ok || words != 1<<50+3 {
		t.Fatalf("% x", end)
	}
	for _, bad := range [][]byte{nil, {1}, begin[:17], append(begin[:], 0), end[:], {1, 3, 17: 0}} {
		if _, _, _, ok := ParseMapBegin(bad); ok {
			t.Errorf("% x is a beginning", bad)
		}
	}
	for _, bad := range [][]byte{nil, {4}, end[:8], append(end[:], 0), begin[:]} {
		if _, ok := ParseMapEnd(bad); ok {
			t.Errorf("% x is an end", bad)
		}
	}
}
