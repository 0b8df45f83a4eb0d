// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// Keys of riscv_hwprobe(2), those of Linux 6.12 (uapi/asm/hwprobe.h,
// Documentation/arch/riscv/hwprobe.rst).
const (
	RISCV_HWPROBE_KEY_MVENDORID              = 0
	RISCV_HWPROBE_KEY_MARCHID                = 1
	RISCV_HWPROBE_KEY_MIMPID                 = 2
	RISCV_HWPROBE_KEY_BASE_BEHAVIOR          = 3 // a set
	RISCV_HWPROBE_KEY_IMA_EXT_0              = 4 // a set
	RISCV_HWPROBE_KEY_CPUPERF_0              = 5 // a set, of values of the ninth key
	RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE      = 6 // bytes
	RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS   = 7 // the first that isn't the user's
	RISCV_HWPROBE_KEY_TIME_CSR_FREQ          = 8 // Hz
	RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF = 9

	RISCV_HWPROBE_MAX_KEY = 9
)

// RISCV_HWPROBE_BASE_BEHAVIOR_IMA is the one base behaviour: rv64ima.
const RISCV_HWPROBE_BASE_BEHAVIOR_IMA = 0x1

// Extensions of RISCV_HWPROBE_KEY_IMA_EXT_0 that Loam knows of.
const (
	RISCV_HWPROBE_IMA_FD          = 0x1
	RISCV_HWPROBE_IMA_C           = 0x2
	RISCV_HWPROBE_IMA_V           = 0x4
	RISCV_HWPROBE_EXT_ZBA         = 0x8
	RISCV_HWPROBE_EXT_ZBB         = 0x10
	RISCV_HWPROBE_EXT_ZBS         = 0x20
	RISCV_HWPROBE_EXT_ZICBOZ      = 0x40
	RISCV_HWPROBE_EXT_ZBC         = 0x80
	RISCV_HWPROBE_EXT_ZICOND      = 0x8_0000_0000
	RISCV_HWPROBE_EXT_ZIHINTPAUSE = 0x10_0000_0000
	RISCV_HWPROBE_EXT_ZVE32X      = 0x20_0000_0000
	RISCV_HWPROBE_EXT_ZVE32F      = 0x40_0000_0000
	RISCV_HWPROBE_EXT_ZVE64X      = 0x80_0000_0000
	RISCV_HWPROBE_EXT_ZVE64F      = 0x100_0000_0000
	RISCV_HWPROBE_EXT_ZVE64D      = 0x200_0000_0000
	RISCV_HWPROBE_EXT_ZCA         = 0x800_0000_0000
	RISCV_HWPROBE_EXT_ZCD         = 0x2000_0000_0000
)

// Speeds of misaligned accesses, RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF.
const (
	RISCV_HWPROBE_MISALIGNED_UNKNOWN     = 0x0
	RISCV_HWPROBE_MISALIGNED_EMULATED    = 0x1
	RISCV_HWPROBE_MISALIGNED_SLOW        = 0x2
	RISCV_HWPROBE_MISALIGNED_FAST        = 0x3
	RISCV_HWPROBE_MISALIGNED_UNSUPPORTED = 0x4
)

// RISCV_HWPROBE_WHICH_CPUS is the one flag of riscv_hwprobe(2): which CPUs have
// these values?
const RISCV_HWPROBE_WHICH_CPUS = 0x1

// SYS_RISCV_FLUSH_ICACHE_LOCAL is the one flag of riscv_flush_icache(2): only the
// calling thread will execute what was written (uapi/asm/cacheflush.h).
const SYS_RISCV_FLUSH_ICACHE_LOCAL = 0x1

// HwprobeSize is the size of struct riscv_hwprobe in bytes.
const HwprobeSize = 16

// Hwprobe is one question and its answer.
type Hwprobe struct {
	Key   int64 // -1 in the answer when the key is unknown
	Value uint64
}

// Put writes p's layout to the first HwprobeSize bytes of b.
func (p Hwprobe) Put(b []byte) {
	_ = b[HwprobeSize-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(p.Key))
	binary.LittleEndian.PutUint64(b[8:], p.Value)
}

// GetHwprobe reads a pair from the first HwprobeSize bytes of b.
func GetHwprobe(b []byte) Hwprobe {
	_ = b[HwprobeSize-1]
	return Hwprobe{Key: int64(binary.LittleEndian.Uint64(b[0:])), Value: binary.LittleEndian.Uint64(b[8:])}
}
