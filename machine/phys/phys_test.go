// SPDX-License-Identifier: Apache-2.0

package phys

import (
	"bytes"
	"runtime"
	"testing"
)

// pattern fills b so that every byte differs from its neighbours.
func pattern(b []byte, seed byte) {
	for i := range b {
		b[i] = byte(i*7) ^ byte(i>>8) ^ seed | 1
	}
}

func TestZeroOnlyThePage(t *testing.T) {
	b := Arena(3 * PageSize)
	defer runtime.KeepAlive(b)
	m := FromBytes(b)
	pattern(b, 3)
	want := bytes.Clone(b)
	clear(want[PageSize : 2*PageSize])
	m.Zero(PageSize)
	if !bytes.Equal(b, want) {
		t.Fatal("Zero cleared something other than its page")
	}
}

func TestCopyOnlyThePage(t *testing.T) {
	b := Arena(4 * PageSize)
	defer runtime.KeepAlive(b)
	m := FromBytes(b)
	pattern(b, 5)
	want := bytes.Clone(b)
	copy(want[2*PageSize:3*PageSize], want[:PageSize])
	m.Copy(2*PageSize, 0)
	if !bytes.Equal(b, want) {
		t.Fatal("Copy wrote something other than its page")
	}
}

func TestFillOnlyThePage(t *testing.T) {
	b := Arena(3 * PageSize)
	defer runtime.KeepAlive(b)
	m := FromBytes(b)
	for _, n := range []int{0, 1, 4095, 4096} {
		pattern(b, 7)
		want, from := bytes.Clone(b), bytes.Repeat([]byte{0xa5}, n)
		clear(want[PageSize : 2*PageSize])
		copy(want[PageSize:], from)
		m.Fill(PageSize, from)
		if !bytes.Equal(b, want) {
			t.Fatalf("Fill with %d bytes gave something else", n)
		}
	}
}

func TestViewsAgree(t *testing.T) {
	b := Arena(2 * PageSize)
	defer runtime.KeepAlive(b)
	m := FromBytes(b)
	m.Table(PageSize)[1] = 0x0807060504030201
	if got := m.Bytes(PageSize+8, 8); !bytes.Equal(got, []byte{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Fatalf("Bytes sees % x", got)
	}
	if *m.Word(PageSize + 8) != 0x0807060504030201 || m.Page(PageSize)[15] != 8 {
		t.Fatal("Word or Page sees something else")
	}
	if At(m.Virtual(0)) != m {
		t.Fatal("Virtual(0) is not the base")
	}
}

func BenchmarkZero(b *testing.B) {
	p := Arena(PageSize)
	m := FromBytes(p)
	b.SetBytes(PageSize)
	for b.Loop() {
		m.Zero(0)
	}
	runtime.KeepAlive(p)
}
