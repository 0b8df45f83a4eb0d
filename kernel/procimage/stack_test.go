// SPDX-License-Identifier: Apache-2.0

package procimage

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"loam/abi"
)

const top = 0x7fff_0000_0000

// build renders a whole stack into a byte slice that ends at top.
func build(t *testing.T, args, env []byte, name string, aux ...uint64) (Layout, []byte) {
	t.Helper()
	var l Layout
	if e := l.Plan(top, args, env, len(name)); e != 0 {
		t.Fatalf("Plan: %v", e)
	}
	for i := 0; i < len(aux); i += 2 {
		l.Aux(aux[i], aux[i+1])
	}
	l.Seal()
	if l.SP%16 != 0 {
		t.Fatalf("SP %#x is not a multiple of 16", l.SP)
	}
	b := bytes.Repeat([]byte{0xee}, int(top-l.SP))
	put := func(at uint64, p []byte) {
		for i, c := range p {
			if b[at-l.SP+uint64(i)] != 0xee {
				t.Fatalf("byte at %#x is written twice", at+uint64(i))
			}
			b[at-l.SP+uint64(i)] = c
		}
	}
	put(l.Args, args)
	put(l.Env, env)
	put(l.Name, append([]byte(name), 0))
	put(l.Random, make([]byte, RandomSize))
	at := l.SP
	buf := make([]uint64, 1+len(args)%7)
	for w, n := l.Start(args, env), len(buf); n == len(buf); {
		n = w.Fill(buf)
		for _, v := range buf[:n] {
			put(at, binary.LittleEndian.AppendUint64(nil, v))
			at += 8
		}
	}
	if at > l.Random {
		t.Fatalf("vectors reach %#x, over the strings at %#x", at, l.Random)
	}
	return l, b
}

// reader walks a rendered stack as a program does.
type reader struct {
	l Layout
	b []byte
	p uint64
}

func (r *reader) word() uint64 {
	v := uint64(0)
	for i := range uint64(8) {
		v |= uint64(r.b[r.p-r.l.SP+i]) << (8 * i)
	}
	r.p += 8
	return v
}

func (r *reader) str(at uint64) string {
	s := r.b[at-r.l.SP:]
	return string(s[:bytes.IndexByte(s, 0)])
}

func block(s ...string) []byte {
	var b []byte
	for _, v := range s {
		b = append(append(b, v...), 0)
	}
	return b
}

func check(t *testing.T, args, env []string, aux ...uint64) {
	t.Helper()
	l, b := build(t, block(args...), block(env...), "program", aux...)
	r := reader{l, b, l.SP}
	if got := r.word(); got != uint64(len(args)) {
		t.Fatalf("argc %d, want %d", got, len(args))
	}
	for _, list := range [][]string{args, env} {
		for _, want := range list {
			if got := r.str(r.word()); got != want {
				t.Fatalf("string %q, want %q", got, want)
			}
		}
		if r.word() != 0 {
			t.Fatal("a vector does not end in zero")
		}
	}
	for _, want := range append(aux, abi.AT_NULL, 0) {
		if got := r.word(); got != want {
			t.Fatalf("auxv word %#x, want %#x", got, want)
		}
	}
	if r.str(l.Name) != "program" {
		t.Fatal("name is damaged")
	}
}

func TestStack(t *testing.T) {
	check(t, nil, nil)
	check(t, []string{"prog"}, nil, abi.AT_PAGESZ, 4096)
	check(t, []string{"prog", "", "x y"}, []string{"A=1", "B="}, abi.AT_PAGESZ, 4096, abi.AT_RANDOM, 77)
	check(t, []string{strings.Repeat("q", 5000)}, []string{strings.Repeat("r", 9001)})
	for n := range 40 { // every alignment of the strings
		check(t, []string{strings.Repeat("a", n)}, []string{"E=1"}, abi.AT_PAGESZ, 4096)
	}
}

func TestPlanRefuses(t *testing.T) {
	if e := new(Layout).Plan(top, []byte("no end"), nil, 1); e != abi.EINVAL {
		t.Errorf("unterminated block: %v", e)
	}
	if e := new(Layout).Plan(top, block(strings.Repeat("x", MaxStrings)), nil, 1); e != abi.E2BIG {
		t.Errorf("too long: %v", e)
	}
}

func FuzzStack(f *testing.F) {
	f.Add([]byte("a\x00b\x00"), []byte("E=1\x00"))
	f.Fuzz(func(t *testing.T, args, env []byte) {
		if e := new(Layout).Plan(top, args, env, 4); e != 0 {
			return
		}
		l, _ := build(t, args, env, "name", abi.AT_PAGESZ, 4096)
		if l.SP >= top || l.Random%16 != 0 {
			t.Fatalf("bad layout %+v", l)
		}
	})
}
