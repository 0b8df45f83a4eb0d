// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseRates(t *testing.T) {
	r, err := parseRates([]byte("[ 0.28] PCI: no\nfolder_read 268435456 141979546\r\nfolder_tree 1000 2000000000\nreboot: x\n"))
	if err != nil || len(r) != 2 || r["folder_tree"] != 500 || int(r["folder_read"])>>20 != 1803 {
		t.Error(r, err)
	}
	if _, err := parseRates([]byte("rates: no such file\nx 1 0\n")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error("no figures:", err)
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
