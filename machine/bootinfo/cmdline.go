// SPDX-License-Identifier: Apache-2.0

package bootinfo

// The command line is words apart by white space, each `key=value` or `key`
// alone, whose value is then empty. There is no quoting. A key given twice has
// its last value, so that a line can be appended to.

// Word returns the first word of a command line at or behind offset off,
// split at its first '=', and the offset behind it. The key is empty, and the
// word with it, at the end of the line. Words whose key is empty are skipped.
func Word(line []byte, off int) (key, value []byte, next int) {
	if off < 0 {
		off = 0
	}
	for off < len(line) {
		for off < len(line) && isSpace(line[off]) {
			off++
		}
		start, eq := off, -1
		for off < len(line) && !isSpace(line[off]) {
			if line[off] == '=' && eq < 0 {
				eq = off
			}
			off++
		}
		switch {
		case eq < 0:
			if start < off {
				return line[start:off:off], nil, off
			}
		case eq > start:
			return line[start:eq:eq], line[eq+1 : off : off], off
		}
	}
	return nil, nil, len(line)
}

// Lookup returns the last value of a key of the command line, and whether it
// is there.
func Lookup(line []byte, key string) (value []byte, ok bool) {
	for off := 0; ; {
		k, v, next := Word(line, off)
		if len(k) == 0 {
			return value, ok
		}
		if string(k) == key {
			value, ok = v, true
		}
		off = next
	}
}

// Flag tells whether a key is on: there with no value or the value 1. A key
// that is not there, or is 0, is off.
func Flag(line []byte, key string) (on bool, code Code) {
	v, ok := Lookup(line, key)
	switch {
	case !ok:
		return false, OK
	case len(v) == 0 || string(v) == "1":
		return true, OK
	case string(v) == "0":
		return false, OK
	}
	return false, BadValue
}

// Uint returns a key's value as a number: decimal, or hexadecimal after 0x.
func Uint(line []byte, key string) (uint64, Code) {
	v, ok := Lookup(line, key)
	if !ok {
		return 0, Missing
	}
	return parseUint(v)
}

// Size returns a key's value as a number of bytes: a number as in Uint with
// at most one of the suffixes K, M and G (powers of 1024) behind it.
func Size(line []byte, key string) (bytes uint64, code Code) {
	v, ok := Lookup(line, key)
	if !ok {
		return 0, Missing
	}
	shift := 0
	if n := len(v); n > 0 {
		switch v[n-1] {
		case 'K', 'k':
			shift = 10
		case 'M', 'm':
			shift = 20
		case 'G', 'g':
			shift = 30
		}
		if shift != 0 {
			v = v[:n-1]
		}
	}
	bytes, code = parseUint(v)
	if code == OK && bytes > ^uint64(0)>>shift {
		return 0, BadValue
	}
	return bytes << shift, code
}

// Hex decodes a key's value, pairs of hexadecimal digits, into dst, which it
// must fill exactly. If the code is not OK, dst is not changed.
func Hex(line []byte, key string, dst []byte) Code {
	v, ok := Lookup(line, key)
	if !ok {
		return Missing
	}
	if len(v) != 2*len(dst) {
		return BadValue
	}
	for _, c := range v {
		if hexDigit(c) > 15 {
			return BadValue
		}
	}
	for i := range dst {
		dst[i] = hexDigit(v[2*i])<<4 | hexDigit(v[2*i+1])
	}
	return OK
}

// Unknown returns the first key at or behind offset off that is none of known,
// and the offset behind its word. The key is empty at the end of the line.
func Unknown(line []byte, off int, known []string) (key []byte, next int) {
	for {
		k, _, next := Word(line, off)
		if len(k) == 0 || !contains(known, k) {
			return k, next
		}
		off = next
	}
}

func contains(known []string, key []byte) bool {
	for _, k := range known {
		if k == string(key) {
			return true
		}
	}
	return false
}

func parseUint(v []byte) (n uint64, code Code) {
	base := uint64(10)
	if len(v) > 2 && v[0] == '0' && (v[1] == 'x' || v[1] == 'X') {
		base, v = 16, v[2:]
	}
	if len(v) == 0 {
		return 0, BadValue
	}
	for _, c := range v {
		d := uint64(hexDigit(c))
		if d >= base || n > (^uint64(0)-d)/base {
			return 0, BadValue
		}
		n = n*base + d
	}
	return n, OK
}

// hexDigit is the value of a digit, 255 if it is none.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
