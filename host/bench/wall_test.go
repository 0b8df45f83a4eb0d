// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"loam/archive"
)

func TestUntilHello(t *testing.T) {
	start := time.Now()
	took, err := untilHello(context.Background(), []string{"sh", "-c", "echo hel; printf 'hello, wo'; sleep 0.1; echo rld; exec sleep 100"})
	if err != nil || took < 100*time.Millisecond || time.Since(start) > 50*time.Second {
		t.Errorf("%v after %v: %v", took, time.Since(start), err)
	}
	if _, err := untilHello(context.Background(), []string{"sh", "-c", "echo no such thing"}); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Error(err)
	}
	if _, err := untilHello(context.Background(), []string{"/nonexistent/program"}); err == nil {
		t.Error("a program that isn't there was timed")
	}
}

func TestMedian(t *testing.T) {
	w := &way{took: []time.Duration{5, 1, 9}}
	if w.median() != 5 || ratio(w, &way{took: []time.Duration{10}}) != 0.5 {
		t.Error(w.median())
	}
	a, b := &way{took: []time.Duration{5, 6, 9}}, &way{took: []time.Duration{10, 10, 10}}
	if low, high := spread(a, b); low != 0.5 || high != 0.9 || ratio(a, b) != 0.6 {
		t.Error(low, high, ratio(a, b))
	}
}

func TestKernelFigures(t *testing.T) {
	f, err := KernelFigures([]byte("left 0 objects\ntrap 291 (256 and more)\n\nlongest 5 ns\n"))
	x, _ := f.Get("trap")
	y, _ := f.Get("longest")
	if err != nil || len(f) != 3 || x.Value != 291 || y != (Figure{"longest", 5, "ns"}) {
		t.Error(f, err)
	}
}

func TestPairsRatio(t *testing.T) {
	if r, err := pairsRatio([]byte("pairs_1 5 calls/s\npairs_ratio 1.95\n")); r != 1.95 || err != nil {
		t.Error(r, err)
	}
	if r, err := pairsRatio([]byte("pairs_1 5 calls/s\n")); err == nil {
		t.Error(r)
	}
}

func TestWallGroups(t *testing.T) {
	err := Wall(context.Background(), WallOptions{Only: []string{"hello", "goodbye"}})
	if err == nil || !strings.Contains(err.Error(), "goodbye") || !strings.Contains(err.Error(), "two_cpus") {
		t.Error(err)
	}
}

func TestInitramfs(t *testing.T) {
	b := initramfs([]byte("elf!!"))
	var names []string
	for off := 0; ; {
		f, next, code := archive.Next(b, off)
		if code == archive.End {
			break
		}
		if code != archive.OK {
			t.Fatal(code)
		}
		names = append(names, string(f.Name))
		if string(f.Name) == "init" && !bytes.Equal(f.Data, []byte("elf!!")) {
			t.Errorf("%q", f.Data)
		}
		off = next
	}
	if got := strings.Join(names, " "); got != "dev dev/console init" {
		t.Error(got)
	}
}
