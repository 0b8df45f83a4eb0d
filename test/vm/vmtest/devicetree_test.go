// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"reflect"
	"strings"
	"testing"
)

// TestTreeBytes compares with what sections 5.2 to 5.5 of the specification want.
func TestTreeBytes(t *testing.T) {
	root := &Tree{}
	root.Set("ab", []byte("xyzzy"))
	root.Node("node").Set("ab", nil)
	structs := "\x00\x00\x00\x01" + "\x00\x00\x00\x00" + // begin
		"\x00\x00\x00\x03\x00\x00\x00\x05\x00\x00\x00\x00xyzzy\x00\x00\x00" +
		"\x00\x00\x00\x01" + "node\x00\x00\x00\x00" +
		"\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x02" + "\x00\x00\x00\x02" + "\x00\x00\x00\x09"
	header := "\xd0\x0d\xfe\xed" + "\x00\x00\x00\x7b" + "\x00\x00\x00\x38" + "\x00\x00\x00\x78" + "\x00\x00\x00\x28" +
		"\x00\x00\x00\x11" + "\x00\x00\x00\x10" + "\x00\x00\x00\x00" + "\x00\x00\x00\x03" + "\x00\x00\x00\x40"
	want := header + strings.Repeat("\x00", 16) + structs + "ab\x00"
	if got := root.Bytes(); string(got) != want {
		t.Errorf("%x\nwant\n%x", got, want)
	}
}

func TestTree(t *testing.T) {
	root := &Tree{}
	root.SetCells("#address-cells", 2)
	root.SetCells("#size-cells", 2)
	root.Node("memory@80000000").SetText("device_type", "memory")
	root.Node("memory@80000000").SetCells("reg", 0, 0x80000000, 0, 0x1000)
	root.Node("soc/serial@1000").SetText("compatible", "x", "ns16550a")
	root.Node("soc").Set("ranges", nil)
	root.Node("chosen").Set("bootargs", []byte("a=b"))
	b := root.Bytes()
	again, err := ReadTree(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Bytes(); !reflect.DeepEqual(got, b) {
		t.Errorf("%q became %q", b, got)
	}
	if got := again.Node("soc/serial@1000").Value("compatible"); string(got) != "x\x00ns16550a\x00" {
		t.Errorf("compatible is %q", got)
	}
	n := again.Remove(func(name string) bool { return name == "compatible" || strings.HasPrefix(name, "memory@") })
	if n != 2 || again.Node("soc/serial@1000").Value("compatible") != nil || len(again.Node("memory@80000000").Props) != 0 {
		t.Errorf("%d taken away: %q", n, again.Bytes())
	}
	for _, bad := range [][]byte{nil, b[:8], root.Bytes()[4:]} {
		if _, err := ReadTree(bad); err == nil {
			t.Errorf("%q is a devicetree", bad)
		}
	}
}
