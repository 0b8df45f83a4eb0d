// SPDX-License-Identifier: Apache-2.0

package bootinfo

import (
	"bytes"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	line := []byte("  mode=boot v =x tsc=1000\tmode=run empty= url=a=b ")
	for _, c := range []struct {
		key, value string
		ok         bool
	}{
		{"mode", "run", true}, {"v", "", true}, {"tsc", "1000", true}, {"empty", "", true},
		{"url", "a=b", true}, {"x", "", false}, {"", "", false}, {"mod", "", false}, {"modes", "", false},
	} {
		v, ok := Lookup(line, c.key)
		if string(v) != c.value || ok != c.ok {
			t.Errorf("%s: %q, %v", c.key, v, ok)
		}
	}
	if _, ok := Lookup(nil, "mode"); ok {
		t.Error("found in an empty line")
	}
}

func TestTypedValues(t *testing.T) {
	line := []byte("a=42 b=0x1F c=512M d=18446744073709551615 e=18446744073709551616 f= g=1x " +
		"h=0x i=16777216G j=17179869184G k=K seed=00ff10 on off=0 yes=1 no=2 neg=-1")
	for _, c := range []struct {
		key        string
		n, bytes   uint64
		code, size Code
	}{
		{"a", 42, 42, OK, OK},
		{"b", 31, 31, OK, OK},
		{"c", 0, 512 << 20, BadValue, OK},
		{"d", ^uint64(0), ^uint64(0), OK, OK},
		{"e", 0, 0, BadValue, BadValue},
		{"f", 0, 0, BadValue, BadValue},
		{"g", 0, 0, BadValue, BadValue},
		{"h", 0, 0, BadValue, BadValue},
		{"i", 0, 16777216 << 30, BadValue, OK},
		{"j", 0, 0, BadValue, BadValue},
		{"k", 0, 0, BadValue, BadValue},
		{"neg", 0, 0, BadValue, BadValue},
		{"absent", 0, 0, Missing, Missing},
	} {
		n, code := Uint(line, c.key)
		if code != c.code || code == OK && n != c.n {
			t.Errorf("Uint %s: %d, %v", c.key, n, code)
		}
		n, code = Size(line, c.key)
		if code != c.size || code == OK && n != c.bytes {
			t.Errorf("Size %s: %d, %v", c.key, n, code)
		}
	}
	for key, want := range map[string]bool{"on": true, "off": false, "yes": true, "absent": false} {
		if on, code := Flag(line, key); on != want || code != OK {
			t.Errorf("Flag %s: %v, %v", key, on, code)
		}
	}
	if _, code := Flag(line, "no"); code != BadValue {
		t.Errorf("Flag no: %v", code)
	}
	var seed [3]byte
	if code := Hex(line, "seed", seed[:]); code != OK || seed != [3]byte{0, 0xff, 0x10} {
		t.Errorf("Hex: %v, %x", code, seed)
	}
	if Hex(line, "seed", seed[:2]) != BadValue || Hex(line, "on", seed[:]) != BadValue ||
		Hex([]byte("s=00gg00"), "s", seed[:]) != BadValue || Hex(line, "s", seed[:]) != Missing {
		t.Error("Hex took a bad value")
	}
}

func TestUnknown(t *testing.T) {
	line := []byte("mode=run bogus=1 v what mode=x")
	var got []string
	for off := 0; ; {
		key, next := Unknown(line, off, []string{"mode", "v"})
		if len(key) == 0 {
			break
		}
		got, off = append(got, string(key)), next
	}
	if s := strings.Join(got, " "); s != "bogus what" {
		t.Errorf("unknown keys %q", s)
	}
}

func FuzzWord(f *testing.F) {
	f.Add([]byte("mode=run v =x tsc=1000"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var want []string
		for _, w := range strings.FieldsFunc(string(line), func(r rune) bool { return strings.ContainsRune(" \t\n\r", r) }) {
			if k, v, eq := strings.Cut(w, "="); k != "" {
				want = append(want, k+"="+v)
				_ = eq
			}
		}
		off := 0
		for _, w := range want {
			k, v, next := Word(line, off)
			if got := string(bytes.Join([][]byte{k, v}, []byte("="))); got != w {
				t.Fatalf("word %q, want %q", got, w)
			}
			off = next
		}
		if k, _, _ := Word(line, off); len(k) != 0 {
			t.Fatalf("extra word %q", k)
		}
	})
}
