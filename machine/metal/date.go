//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

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
