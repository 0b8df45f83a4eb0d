// SPDX-License-Identifier: Apache-2.0

package archive

// Code says what is wrong with an archive. It is an error whose text is one
// line; it is a number so that the kernel can pass it on without allocating.
type Code uint8

// The findings of Next and Check.
const (
	OK         Code = iota // the entry is sound
	End                    // no more entries: the trailer was read
	Truncated              // the archive ends inside an entry or before the trailer
	BadMagic               // an entry does not start with the newc magic
	BadNumber              // a field of a header is not hexadecimal
	BadName                // an empty or overlong name, or one that is not NUL-terminated
	NotAligned             // data of a file does not start on a page boundary
	Duplicate              // two entries have the same name
	Missing                // there is no file of that name
)

var codeText = [...]string{
	OK:         "archive: no error",
	End:        "archive: end of archive",
	Truncated:  "archive: truncated",
	BadMagic:   "archive: not a cpio newc archive",
	BadNumber:  "archive: a header field is not a number",
	BadName:    "archive: bad file name",
	NotAligned: "archive: file data is not page-aligned",
	Duplicate:  "archive: two files of the same name",
	Missing:    "archive: no such file",
}

// Error gives the finding as one line.
func (c Code) Error() string {
	if int(c) < len(codeText) {
		return codeText[c]
	}
	return "archive: unknown error"
}

// File is an entry of an archive. Its slices share memory with the archive.
type File struct {
	Name   []byte // without the padding
	Data   []byte
	Offset int // of Data from the start of the archive, in bytes
}

// Aligned reports whether the data starts on a page boundary of the archive.
func (f File) Aligned() bool { return f.Offset%PageSize == 0 }

// Next reads the entry at off (0 for the first) and returns it with the
// offset of the one behind it. The code is OK, End at the end of the archive,
// or a fault of the archive; in the latter two the file is empty and next is
// off. Alignment is not checked here: see File.Aligned.
//
// next is always greater than off when the code is OK, so a loop over an
// archive of n bytes ends after fewer than n/110 turns.
func Next(b []byte, off int) (f File, next int, code Code) {
	if off < 0 || off > len(b) || len(b)-off < headerSize {
		return File{}, off, Truncated
	}
	h := b[off : off+headerSize]
	if string(h[:len(magic)]) != magic {
		return File{}, off, BadMagic
	}
	nameSize, ok1 := hex(h, fieldNameSize)
	fileSize, ok2 := hex(h, fieldFileSize)
	if !ok1 || !ok2 {
		return File{}, off, BadNumber
	}
	// Both sizes are below 4 GiB and len(b) is an int, so uint64 sums don't wrap.
	nameOff := uint64(off) + headerSize
	dataOff := align4(nameOff + nameSize)
	dataEnd := dataOff + fileSize
	if dataEnd > uint64(len(b)) {
		return File{}, off, Truncated
	}
	name, ok := trimName(b[nameOff : nameOff+nameSize])
	if !ok {
		return File{}, off, BadName
	}
	if string(name) == trailer {
		return File{}, off, End
	}
	f = File{Name: name, Data: b[dataOff:dataEnd:dataEnd], Offset: int(dataOff)}
	return f, int(min(align4(dataEnd), uint64(len(b)))), OK
}

// Lookup returns the file of that name. The code is OK, Missing, or the fault
// of the archive that kept the search from going on. The data of a file that
// is found may be mapped: NotAligned is returned if it isn't page-aligned.
func Lookup(b []byte, name string) (File, Code) {
	for off := 0; ; {
		f, next, code := Next(b, off)
		if code == End {
			return File{}, Missing
		}
		if code != OK {
			return File{}, code
		}
		if string(f.Name) == name {
			if !f.Aligned() {
				return File{}, NotAligned
			}
			return f, OK
		}
		off = next
	}
}

// Find returns the data of the file of that name, and whether it is there,
// page-aligned and reachable through sound entries.
func Find(b []byte, name string) (data []byte, ok bool) {
	f, code := Lookup(b, name)
	return f.Data, code == OK
}

// Check walks a whole archive and returns OK if each entry is sound, aligned
// and has a name of its own, or else the first fault. It takes time square in
// the number of entries.
func Check(b []byte) Code {
	for off := 0; ; {
		f, next, code := Next(b, off)
		if code == End {
			return OK
		}
		if code != OK {
			return code
		}
		first, code := Lookup(b, string(f.Name))
		if code != OK {
			return code
		}
		if first.Offset != f.Offset {
			return Duplicate
		}
		off = next
	}
}

// trimName cuts the padding off a name field and reports whether it held a
// name: not empty, not too long, with nothing but NULs behind it.
func trimName(field []byte) ([]byte, bool) {
	n := 0
	for n < len(field) && field[n] != 0 {
		n++
	}
	if n == 0 || n == len(field) || n > MaxName {
		return nil, false
	}
	if !zero(field[n:]) {
		return nil, false
	}
	return field[:n:n], true
}

// zero reports whether b holds nothing but zeros. The padding of a name has up
// to a page, so it is compared with itself eight bytes on: both are aligned
// alike, which a comparison by words wants, wherever a file begins.
func zero(b []byte) bool {
	const word = 8
	for _, c := range b[:min(word, len(b))] {
		if c != 0 {
			return false
		}
	}
	return len(b) <= word || string(b[word:]) == string(b[:len(b)-word])
}

// hex reads the field of a header at off.
func hex(h []byte, off int) (v uint64, ok bool) {
	for _, c := range h[off : off+fieldDigits] {
		var d byte
		switch {
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(d)
	}
	return v, true
}

func align4(n uint64) uint64 { return (n + 3) &^ 3 }
