// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// ticking is a clock that goes on a second at each look.
func ticking() func() time.Time {
	t := time.Unix(0, 0)
	return func() time.Time {
		t = t.Add(time.Second)
		return t
	}
}

func TestReadRates(t *testing.T) {
	r, err := readRates(strings.NewReader("[ 0.28] PCI: no\nread begins\r\nx 3\r\nread 500\r\ntree begins\ntree 7\nreboot: x\n"), ticking())
	if err != nil || len(r) != 2 || r["read"] != 500 || r["tree"] != 7 {
		t.Error(r, err)
	}
	for _, out := range []string{"rates: no such file\nx 1\n", "a begins\na 1\nread begins\nrates: no such file\n"} {
		if _, err := readRates(strings.NewReader(out), ticking()); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Error("no figures:", err)
		}
	}
	all := []rates{{"a": 3}, {"a": 1}, {"a": 2}}
	if m := medianRate(all, "a"); m != 2 {
		t.Error("the median is", m)
	}
}

// TestInitramfsMore: what is added has its name, its content, and whether it is a folder.
func TestInitramfsMore(t *testing.T) {
	b := initramfs([]byte("INIT"), initFile{name: "modules"}, initFile{"modules/00-x", []byte("MODULE")})
	for _, want := range []string{"init\x00", "INIT", "modules\x00", "modules/00-x\x00", "MODULE", "TRAILER!!!\x00"} {
		at := bytes.Index(b, []byte(want))
		if at < 0 {
			t.Errorf("%q is missing", want)
		}
		b = b[max(at, 0):]
	}
}

func TestTold(t *testing.T) {
	const console = "[ 1.5] x 1 ns\r\nwasi_a 12.5 ns\r\nother 1 ns\r\nwasi_b 3 ms\r\nreboot: x\r\n"
	f, err := told([]byte(console), []string{"wasi_a", "wasi_b"})
	if x, _ := f.Get("wasi_b"); err != nil || len(f) != 2 || x != (Figure{"wasi_b", 3, "ms"}) {
		t.Error(f, err)
	}
	if _, err := told([]byte(console), []string{"wasi_a", "wasi_c"}); err == nil || !strings.Contains(err.Error(), "wasi_c is missing") {
		t.Error(err)
	}
}
