// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folderd

import (
	"maps"
	"testing"
	"time"
)

func TestArguments(t *testing.T) {
	o, err := parse([]string{"tag=a b", "ro", "limit=3s", "grant=2", "grant=3:ro", "grant=4:ro:a:b", "grant=5:c", "grant=6:"})
	want := map[uint64]Grant{2: {".", false}, 3: {".", true}, 4: {"a:b", true}, 5: {"c", false}, 6: {".", false}}
	if o.tag != "a b" || !o.readOnly || o.limit != 3*time.Second || !maps.Equal(o.grants, want) || err != nil {
		t.Errorf("%+v %v", o, err)
	}
	if o, err := parse([]string{"grant=1"}); o.readOnly || o.limit != defaultLimit || o.tag != "" || err != nil {
		t.Errorf("%+v %v", o, err)
	}
	for _, args := range [][]string{nil, {"ro"}, {"grant=0"}, {"grant=x"}, {"grant=-1"}, {"grant"}, {"grant=1", "limit=1ms"},
		{"grant=1", "limit=long"}, {"grant=1", "write"}, {"grant=1", "ro=yes"}, {"grant=1", "ro:sub"}} {
		if o, err := parse(args); err == nil {
			t.Errorf("%q: %+v", args, o)
		}
	}
}

// TestFit: options fit memory of any size that does at all.
func TestFit(t *testing.T) {
	for size := uint64(256 << 10); size <= 4<<20; size += 4 << 10 {
		o := fit(size)
		if uint64(o.Bytes()) > size || o.Buffers < 1 || o.Data < 8<<10 {
			t.Fatalf("%d bytes: %+v take %d", size, o, o.Bytes())
		}
	}
	if o := fit(1 << 20); o.Data != buffer || o.Buffers != 6 {
		t.Errorf("the most: %+v", o)
	}
}
