// SPDX-License-Identifier: Apache-2.0

package tables

import (
	"reflect"
	"runtime"
	"testing"
	"time"

	"loam/machine/phys"
)

type plain struct {
	_ uint8
	_ [3]struct{ _, _ int64 }
	_ float32
}

type generic[T any] struct {
	_ T
	_ int32
}

// What the collector would have to follow is refused, whatever it is in.
func TestPointers(t *testing.T) {
	for name, c := range map[string]struct{ got, want bool }{
		"number":            {pointers[uint64](), false},
		"nothing":           {pointers[struct{}](), false},
		"array":             {pointers[[1000]uint16](), false},
		"structure":         {pointers[plain](), false},
		"generic":           {pointers[generic[plain]](), false},
		"address":           {pointers[uintptr](), false},
		"no pointers":       {pointers[[0]*int](), false},
		"pointer":           {pointers[*int](), true},
		"slice":             {pointers[[]byte](), true},
		"string":            {pointers[string](), true},
		"function":          {pointers[func()](), true},
		"interface":         {pointers[any](), true},
		"map":               {pointers[map[int]int](), true},
		"channel":           {pointers[chan int](), true},
		"array of pointers": {pointers[[3]*int](), true},
		"last field": {pointers[struct {
			a [100]uint64
			b *int
		}](), true},
		"generic, of pointers": {pointers[generic[time.Time]](), true}, // it has a *Location
	} {
		if c.got != c.want {
			t.Errorf("%s: pointers is %v, want %v", name, c.got, c.want)
		}
	}
}

// arena is a Source over memory of a host.
func arena(t *testing.T, size int) (*Source, []byte) {
	b := phys.Arena(size)
	base := phys.FromBytes(b).Virtual(0)
	at := base
	t.Cleanup(func() { runtime.KeepAlive(b) })
	return &Source{Range: func(n uint64) uintptr {
		p := at
		at += uintptr(n+Align-1) &^ (Align - 1)
		if at > base+uintptr(size) {
			t.Fatal("the test's arena is too small")
		}
		return p
	}}, b
}

func TestMake(t *testing.T) {
	from, b := arena(t, 4096)
	one, two := Make[plain](from, 3), Make[uint32](from, 5)
	if len(one) != 3 || cap(one) != 3 || len(two) != 5 || cap(two) != 5 {
		t.Fatalf("lengths %d and %d, room for %d and %d", len(one), len(two), cap(one), cap(two))
	}
	two[4] = 0x01020304
	second := (3*int(reflect.TypeFor[plain]().Size()) + Align - 1) &^ (Align - 1)
	if b[second+16] != 4 || b[second+19] != 1 {
		t.Error("the second table does not follow the first, or lies elsewhere")
	}
	if s := Make[plain](from, 0); len(s) != 0 {
		t.Error("a table without elements has some")
	}
	if s := Make[struct{}](from, 7); len(s) != 7 {
		t.Error("elements of no size are lost")
	}
	if s := Make[plain](nil, 4); len(s) != 4 || s[3] != (plain{}) {
		t.Error("the Go heap gives something else")
	}
}

func TestRefused(t *testing.T) {
	from := &Source{Range: func(uint64) uintptr { t.Error("a range was taken"); return 0 }}
	for name, f := range map[string]func(){
		"pointers":              func() { Make[*int](from, 1) },
		"pointers, on the heap": func() { Make[*int](nil, 1) },
		"negative":              func() { Make[byte](from, -1) },
		"overflow":              func() { Make[[1 << 20]byte](from, 1<<44) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
