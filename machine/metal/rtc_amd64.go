//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// readRTC returns the CMOS clock's time as Unix ns, UTC, 0 if there is none.
// MC146818 data sheet: BCD unless register B says binary, 24 hours unless not.
func readRTC() int64 {
	const regA, regB, updating, binary, hours24 = 10, 11, 0x80, 4, 2
	if cmos(regA) == 0xff { // no such device
		return 0
	}
	var now, again [6]byte
	for range 16 { // until two readings agree: no update came between
		for cmos(regA)&updating != 0 {
		}
		for i, reg := range [6]uint8{0, 2, 4, 7, 8, 9} {
			again[i] = cmos(reg)
		}
		if now == again {
			break
		}
		now = again
	}
	b := cmos(regB)
	pm := now[2]&0x80 != 0
	now[2] &= 0x7f
	if b&binary == 0 {
		for i, v := range now {
			now[i] = v>>4*10 + v&15
		}
	}
	if b&hours24 == 0 {
		now[2] %= 12
		if pm {
			now[2] += 12
		}
	}
	days := daysFrom1970(2000+int64(now[5]), int64(now[4]), int64(now[3]))
	return (((days*24+int64(now[2]))*60+int64(now[1]))*60 + int64(now[0])) * 1e9
}

func cmos(reg uint8) uint8 {
	outb(0x70, reg)
	return inb(0x71)
}
