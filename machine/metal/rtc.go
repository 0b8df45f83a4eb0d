//go:build loam && amd64

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

// daysFrom1970 counts days of the Gregorian calendar; the year starts in
// March for the computation, so that leap days come last.
func daysFrom1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// putDate writes a time in Unix seconds, not negative, as a UTC date and time.
func putDate(unix int64) {
	unix = max(unix, 0)
	days, second := unix/86400, uint64(unix%86400)
	year, month := int64(1970), int64(1)
	for daysFrom1970(year+1, 1, 1) <= days {
		year++
	}
	for month < 12 && daysFrom1970(year, month+1, 1) <= days {
		month++
	}
	putPadded(uint64(year), 4, '0')
	put('-')
	putPadded(uint64(month), 2, '0')
	put('-')
	putPadded(uint64(days-daysFrom1970(year, month, 1)+1), 2, '0')
	put(' ')
	putPadded(second/3600, 2, '0')
	put(':')
	putPadded(second/60%60, 2, '0')
	put(':')
	putPadded(second%60, 2, '0')
	puts(" UTC")
}

// LogDate writes one line, "s date", to the log; ns is Unix time.
func LogDate(s string, ns int64) {
	f := beginLog()
	stamp()
	puts(s)
	put(' ')
	putDate(ns / 1e9)
	put('\n')
	endLog(f)
}
