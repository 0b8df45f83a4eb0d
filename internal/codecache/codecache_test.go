// SPDX-License-Identifier: Apache-2.0

package codecache

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEviction fills a small cache: it stays small and keeps what is used.
func TestEviction(t *testing.T) {
	c, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const size, most = 1000, 5 * (1000 + 32)
	id := func(n byte) [32]byte { return [32]byte{n} }
	old := time.Now().Add(-24 * time.Hour)
	litter := filepath.Join(c.dir, tempName+"1")
	if err := os.WriteFile(litter, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Chtimes(litter, old, old)
	for n := byte(0); n < 20; n++ {
		if err := c.Put(id(n), bytes.Repeat([]byte{n}, size), most); err != nil {
			t.Fatal(err)
		}
		at := old.Add(time.Duration(n) * time.Minute)
		for _, p := range entries(t, c.dir) {
			if strings.HasPrefix(filepath.Base(p), hexByte(n)) {
				_ = os.Chtimes(p, at, at)
			}
		}
		if _, ok := c.Get(id(0)); !ok { // used each time, so never the oldest
			t.Fatalf("entry 0 is gone after entry %d", n)
		}
	}
	if got := len(entries(t, c.dir)); got != 5 {
		t.Errorf("%d entries are left, want 5", got)
	}
	if _, ok := c.Get(id(1)); ok {
		t.Error("the oldest entry is still there")
	}
	if _, err := os.Stat(litter); err == nil {
		t.Error("litter is still there")
	}
	if err := c.Put(id(99), make([]byte, most), most); err == nil {
		t.Error("an entry bigger than the cache was stored")
	}
}

func hexByte(n byte) string {
	return string([]byte{"0123456789abcdef"[n>>4], "0123456789abcdef"[n&15]})
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, strings.Repeat("?", 64)))
	if err != nil {
		t.Fatal(err)
	}
	return list
}
