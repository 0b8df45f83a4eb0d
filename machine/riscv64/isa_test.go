// SPDX-License-Identifier: Apache-2.0

package riscv64

import "testing"

func TestParseISA(t *testing.T) {
	for _, c := range []struct {
		s    string
		want ISA
		ok   bool
	}{
		{"rv64imafdch_zicsr_zifencei_zihintpause_zba_zbb_zbc_zbs_sstc", General | ExtH | Zihintpause | Zba | Zbb | Zbc | Zbs | Sstc, true},
		{"rv64imafdcv", General | ExtV, true},
		{"RV64GC", General, true},
		{"rv64i2p0m2p0a2p0_zba1p0", ExtM | ExtA | Zba, true},
		{"rv64imac_sv48_svinval_svpbmtx_svnapot1", ExtM | ExtA | ExtC | Svinval | Svnapot, true},
		{"RV64IMA_Zicboz_ZICBOM1p0_zicond_zihintpause2_Svpbmt", ExtM | ExtA | Zicboz | Zicbom | Zicond | Zihintpause | Svpbmt, true},
		{"rv64i_zihintpausex_zb_zvl128b_sv_zihintpause0x", Zihintpause, true},
		{"rv64imazba", ExtM | ExtA | Zba, true},
		{"rv64ima_c_v", ExtM | ExtA | ExtC | ExtV, true},
		{"rv64i", 0, true},
		{"rv64i_", 0, true},
		{"rv64i__zbb_", Zbb, true},
		{"rv32imac", 0, false},
		{"rv64e", 0, false},
		{"rv64", 0, false},
		{"", 0, false},
		{"x86_64", 0, false},
	} {
		if got, ok := ParseISA([]byte(c.s)); got != c.want || ok != c.ok {
			t.Errorf("%q: %b, %v, want %b, %v", c.s, got, ok, c.want, c.ok)
		}
	}
	if Named([]byte("sstc")) != Sstc || Named([]byte("d")) != ExtD || Named([]byte("svade")) != 0 || Named(nil) != 0 {
		t.Error("names alone")
	}
}

// The words of QEMU's hart, of one without floating point, and of one with vectors,
// as Linux gives them.
func TestHWCAP(t *testing.T) {
	for isa, want := range map[ISA]uint64{
		General | Sstc | ExtH:      0x112d,
		ExtM | ExtA | ExtC:         0x1105,
		General | ExtV | Zba | Zbb: 0x20112d,
		0:                          0x100,
	} {
		if got := isa.HWCAP(); got != want {
			t.Errorf("%b: %#x, want %#x", isa, got, want)
		}
	}
}

func FuzzParseISA(f *testing.F) {
	f.Add([]byte("rv64imafdch_zicsr_zifencei_zba_sstc"))
	f.Fuzz(func(t *testing.T, s []byte) { ParseISA(s) })
}
