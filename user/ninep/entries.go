// SPDX-License-Identifier: Apache-2.0

package ninep

import "strings"

// Entry is an entry of a directory.
type Entry struct {
	QID    QID    // QEMU gives the Path and nothing else
	Offset uint64 // what ReadDir takes to go on behind this one
	Type   uint8  // as d_type of getdents(2): EntryDir and so on
	Name   string // "." and ".." among them, if the server gives them
}

// Values of Entry.Type, those that matter most. A file system that doesn't know, and a
// server that doesn't say, has EntryUnknown.
const (
	EntryUnknown = 0
	EntryDir     = 4
	EntryRegular = 8
	EntrySymlink = 10
)

// Entries reads what ReadDir gave, entry by entry. It allocates the names and nothing else.
type Entries struct {
	c *Client
	r reader
}

// Entries gives a reader of the entries in p. A p that doesn't consist of entries ends
// the connection.
func (c *Client) Entries(p []byte) Entries { return Entries{c: c, r: reader{b: p}} }

// Next gives the next entry, and false when there is none.
func (e *Entries) Next() (Entry, bool, error) {
	if len(e.r.b) == 0 {
		return Entry{}, false, nil
	}
	d := Entry{QID: e.r.qid(), Offset: e.r.u64(), Type: e.r.u8(), Name: e.r.str()}
	if e.r.bad || d.Name == "" || strings.ContainsAny(d.Name, "/\x00") {
		e.r.b = nil
		return Entry{}, false, e.c.broken(Treaddir, "an impossible entry")
	}
	return d, true, nil
}
