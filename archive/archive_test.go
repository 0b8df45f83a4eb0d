// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

type entry struct {
	name string
	data []byte
}

func build(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, e := range entries {
		if err := w.AddBytes(e.name, e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var want []entry
		for i := range rnd.IntN(6) {
			data := make([]byte, rnd.IntN(3*PageSize))
			for j := range data {
				data[j] = byte(rnd.Uint32())
			}
			want = append(want, entry{strings.Repeat("n", rnd.IntN(40)) + fmt.Sprint(i), data})
		}
		b := build(t, want...)
		if len(b)%PageSize != 0 {
			t.Fatalf("archive has %d bytes, not whole pages", len(b))
		}
		if code := Check(b); code != OK {
			t.Fatal(code)
		}
		off := 0
		for i, e := range want {
			f, next, code := Next(b, off)
			if code != OK || string(f.Name) != e.name || !bytes.Equal(f.Data, e.data) || !f.Aligned() {
				t.Fatalf("entry %d: %v, name %q, %d bytes at %#x", i, code, f.Name, len(f.Data), f.Offset)
			}
			if got, ok := Find(b, e.name); !ok || !bytes.Equal(got, e.data) {
				t.Fatalf("Find(%q) = %d bytes, %v", e.name, len(got), ok)
			}
			off = next
		}
		if _, _, code := Next(b, off); code != End {
			t.Fatalf("after the last entry: %v", code)
		}
		if _, code := Lookup(b, "absent"); code != Missing {
			t.Fatalf("Lookup of an absent name: %v", code)
		}
	}
}

// TestTruncated cuts an archive at every length: never sound, never a crash.
func TestTruncated(t *testing.T) {
	b := build(t, entry{"program", []byte("text")}, entry{"args", []byte("a\x00b\x00")})
	off := 0
	for {
		_, next, code := Next(b, off)
		if code != OK {
			break
		}
		off = next
	}
	end := off + headerSize + len(trailer) + 1
	for n := range b {
		code := Check(b[:n])
		if n < end && code != Truncated {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(b), code)
		}
		if n >= end+3 && code != OK {
			t.Fatalf("cut to %d bytes, behind the trailer: %v", n, code)
		}
	}
}

func TestFaults(t *testing.T) {
	good := build(t, entry{"ab", []byte("data")}, entry{"cd", nil})
	edit := func(off int, s string) []byte {
		b := bytes.Clone(good)
		copy(b[off:], s)
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want Code
	}{
		{"empty", nil, Truncated},
		{"zeros", make([]byte, 4096), BadMagic},
		{"crc format", edit(0, "070702"), BadMagic},
		{"bad digit", edit(fieldFileSize, "0000000g"), BadNumber},
		{"huge file", edit(fieldFileSize, "ffffffff"), Truncated},
		{"huge name", edit(fieldNameSize, "ffffffff"), Truncated},
		{"no name", edit(fieldNameSize, "00000000"), BadName},
		{"unterminated name", edit(fieldNameSize, "00000002"), BadName},
		{"name beyond NUL", edit(headerSize+5, "x"), BadName},
		{"unaligned", edit(fieldNameSize, "00000004"), NotAligned},
		{"sound", good, OK},
	} {
		if got := Check(c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	twice := build(t, entry{"ab", []byte("x")}, entry{"cd", nil})
	_, next, _ := Next(twice, 0)
	copy(twice[next+headerSize:], "ab")
	if got := Check(twice); got != Duplicate {
		t.Errorf("duplicate: %v", got)
	}
}

func TestWriterRefuses(t *testing.T) {
	w := NewWriter(io.Discard)
	if err := w.AddBytes("a", nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "a", "x\x00y", trailer, strings.Repeat("n", MaxName+1)} {
		if w.AddBytes(name, nil) == nil {
			t.Errorf("name %q accepted", name)
		}
	}
	if w.Add("huge", 1<<32, strings.NewReader("")) == nil {
		t.Error("file of 4 GiB accepted")
	}
	if err := w.Add("short", 10, strings.NewReader("abc")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short source: %v", err)
	}
	if w.Close() == nil {
		t.Error("Close after a fault returned nil")
	}
}

func TestReaderAllocatesNothing(t *testing.T) {
	b := build(t, entry{"program", []byte("text")}, entry{"args", nil})
	var d Directory
	places, name := make([]Place, MostFiles(len(b))), []byte("args")
	if n := testing.AllocsPerRun(100, func() { Find(b, "args"); Check(b); d.Read(b, places); d.Lookup(name) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// sameAsLookup holds a directory against Lookup, for names that are there and one
// that isn't.
func sameAsLookup(t *testing.T, b []byte, places int) {
	t.Helper()
	var d Directory
	d.Read(b, make([]Place, places))
	names := []string{"absent", "", trailer}
	for off := 0; ; {
		f, next, code := Next(b, off)
		if code != OK {
			break
		}
		names, off = append(names, string(f.Name)), next
	}
	for _, name := range names {
		want, wantCode := Lookup(b, name)
		got, code := d.Lookup([]byte(name))
		if code != wantCode || string(got.Name) != string(want.Name) || got.Offset != want.Offset || !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("%q: %v at %#x, want %v at %#x", name, code, got.Offset, wantCode, want.Offset)
		}
	}
}

func TestDirectory(t *testing.T) {
	good := build(t, entry{"ab", []byte("data")}, entry{"empty", nil}, entry{"cd", make([]byte, PageSize)}, entry{"abc", []byte("x")})
	sameAsLookup(t, good, MostFiles(len(good)))
	sameAsLookup(t, good, 4)
	for off := 0; off < len(good); off += 50 {
		bad := bytes.Clone(good)
		bad[off] ^= 0x41
		sameAsLookup(t, bad, MostFiles(len(bad)))
		sameAsLookup(t, good[:off], MostFiles(off)+1)
	}
	twice := build(t, entry{"ab", []byte("x")}, entry{"cd", nil})
	_, next, _ := Next(twice, 0)
	copy(twice[next+headerSize:], "ab")
	sameAsLookup(t, twice, MostFiles(len(twice)))

	var d Directory
	d.Read(good, make([]Place, 1))
	if _, code := d.Lookup([]byte("ab")); code != OK {
		t.Error(code)
	}
	if _, code := d.Lookup([]byte("cd")); code != NotAligned {
		t.Errorf("a file that there was no place for: %v", code)
	}
}

// TestAgainstCpio has the system's cpio list an archive, where there is one.
func TestAgainstCpio(t *testing.T) {
	path, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("no cpio here")
	}
	cmd := exec.Command(path, "-t", "--quiet")
	cmd.Stdin = bytes.NewReader(build(t, entry{"program", []byte("text")}, entry{"args", nil}))
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "program\nargs\n" {
		t.Errorf("cpio -t: %v\n%s", err, out)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(build(f, entry{"program", []byte("text")}, entry{"args", nil}))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		off := 0
		for {
			file, next, code := Next(b, off)
			if code != OK {
				if next != off {
					t.Fatalf("%v, but the offset moved", code)
				}
				break
			}
			if next <= off || next > len(b) || len(file.Name) == 0 {
				t.Fatalf("entry at %d of %d: next %d, name %q", off, len(b), next, file.Name)
			}
			off = next
		}
		if len(b) < 1<<16 {
			Check(b)
			sameAsLookup(t, b, len(b)/headerSize)
		}
	})
}

func TestZero(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, PageSize - 1, PageSize, PageSize + 1, 3*PageSize + 5} {
		b := make([]byte, n)
		if !zero(b) {
			t.Errorf("%d zeros", n)
		}
		for _, at := range []int{0, n / 2, PageSize - 1, PageSize, n - 1} {
			if at >= 0 && at < n {
				b[at] = 1
				if zero(b) {
					t.Errorf("a byte at %d of %d is overlooked", at, n)
				}
				b[at] = 0
			}
		}
	}
}
