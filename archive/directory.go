// SPDX-License-Identifier: Apache-2.0

package archive

// Place is where a file lies in an archive, in bytes from its start.
type Place struct {
	name, data         uint64
	nameSize, dataSize uint32
}

// Directory finds the files of an archive without reading its headers again: the
// kernel looks for one at each start of a program. Read makes one. It keeps the
// archive, which must not change.
type Directory struct {
	archive []byte
	places  []Place
	end     Code // what came after the last of them: End, or a fault
}

// MostFiles is how many places a Directory of an archive of so many bytes needs at
// most: of two files whose data are aligned, only one has its data on a page.
func MostFiles(bytes int) int { return bytes / PageSize }

// Read makes d the directory of an archive. It fills places and keeps them; MostFiles
// are enough. Where the archive has a fault, or more files than places, the files
// before that are found.
func (d *Directory) Read(b []byte, places []Place) {
	n, off := 0, 0
	for {
		f, next, code := Next(b, off)
		if code == OK && n == len(places) {
			code = NotAligned // or there would be enough
		}
		if code != OK {
			*d = Directory{b, places[:n], code}
			return
		}
		places[n] = Place{uint64(off) + headerSize, uint64(f.Offset), uint32(len(f.Name)), uint32(len(f.Data))}
		n++
		off = next
	}
}

// Lookup is the function Lookup for the directory's archive.
func (d *Directory) Lookup(name []byte) (File, Code) {
	for i := range d.places {
		if p := &d.places[i]; int(p.nameSize) == len(name) && string(d.archive[p.name:][:len(name)]) == string(name) {
			return d.file(p)
		}
	}
	if d.end == End {
		return File{}, Missing
	}
	return File{}, d.end
}

func (d *Directory) file(p *Place) (File, Code) {
	name, end := d.archive[p.name:], p.data+uint64(p.dataSize)
	f := File{Name: name[:p.nameSize:p.nameSize], Data: d.archive[p.data:end:end], Offset: int(p.data)}
	if !f.Aligned() {
		return File{}, NotAligned
	}
	return f, OK
}
