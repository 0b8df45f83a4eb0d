// SPDX-License-Identifier: Apache-2.0

package riscv64

import (
	"testing"

	"loam/machine/paging"
)

// TestLeafs checks the encodings against table 4.5 of the specification.
func TestLeafs(t *testing.T) {
	for _, c := range []struct {
		prot paging.Prot
		want uint64
	}{
		{paging.Read, 0x43},
		{paging.Read | paging.User, 0x53},
		{paging.ReadWrite | paging.User, 0xd7},
		{paging.ReadExec | paging.User, 0x5b},
		{paging.ReadExec | paging.Global, 0x6b},
		{paging.ReadWrite | paging.Device, 0xc7},
		{paging.Exec, 0x4b},
	} {
		if got := Sv39.Leaf[c.prot]; got != c.want {
			t.Errorf("%b: %#x, want %#x", c.prot, got, c.want)
		}
	}
	for prot, e := range Sv39.Leaf {
		if prot&int(paging.Write|paging.Exec) == int(paging.Write|paging.Exec) {
			if e != 0 {
				t.Errorf("%b: writable and executable: %#x", prot, e)
			}
			continue
		}
		if e&PTEValid != 0 && e&PTEWrite != 0 && e&PTERead == 0 {
			t.Errorf("%b: writable without readable is reserved", prot)
		}
		if present := prot&int(paging.Access) != 0; (e&PTEValid != 0) != present || e == 0 {
			t.Errorf("%b: %#x", prot, e)
		}
		if e>>PTESoft != 0 {
			t.Errorf("%b: %#x has bits that are not its own", prot, e)
		}
	}
}

func TestHalves(t *testing.T) {
	for _, va := range []uint64{0, UserEnd, 0x3f_ffff_ffff, 0xffff_ffc0_0000_0000, 1<<64 - 1} {
		if !Sv39.Canonical(va) {
			t.Errorf("%#x is canonical", va)
		}
	}
	for _, va := range []uint64{0x40_0000_0000, 0xffff_ffbf_ffff_ffff, 1 << 63} {
		if Sv39.Canonical(va) {
			t.Errorf("%#x is not canonical", va)
		}
	}
}
