// SPDX-License-Identifier: Apache-2.0

package vfs

// Event is what an operation has done to a file, for who watches it or its directory: inotify(7)'s.
type Event struct {
	Bits   uint32
	Cookie uint32 // the same for both names of a renamed file
	Dir    Node   // nil: nobody but who watches the file itself is told
	Name   string // there
	Node   Node   // nil: nobody but who watches the directory
	Moved  Node   // of InMovedTo: what has the name now, which was OldName in OldDir

	OldDir  Node
	OldName string
}

// Bits of Event.
const (
	InAccess     = 0x1
	InModify     = 0x2
	InAttrib     = 0x4
	InCloseWrite = 0x8
	InCloseRead  = 0x10
	InOpen       = 0x20
	InMovedFrom  = 0x40
	InMovedTo    = 0x80
	InCreate     = 0x100
	InDelete     = 0x200
	InDeleteSelf = 0x400
	InMoveSelf   = 0x800
	InIsDir      = 0x4000_0000
)

// Events is who is told; Tell is nil while nobody watches anything.
type Events struct {
	Tell   func(Event)
	cookie uint32
}

// Goner is a file that knows whether it is no more: it has no name, and nobody has it open. Others are
// no more when they lose a name.
type Goner interface{ Gone() bool }

// note says where the walk to a file has ended.
func (k *walker) note() {
	k.v.Dir, k.v.Leaf = nil, ""
	if k.kind == lastName {
		k.v.Dir, k.v.Leaf = k.at.Node, k.name
	}
}

// watched reports whether anybody watches.
func (v *View) watched() bool { return v.Events != nil && v.Events.Tell != nil }

// tell tells of the last name of a walk.
func (k *walker) tell(bits uint32, dir bool) {
	if !k.v.watched() {
		return
	}
	if dir {
		bits |= InIsDir
	}
	k.v.Events.Tell(Event{Bits: bits, Dir: k.at.Node, Name: k.name})
}

// unlinked tells of a name that was taken away from n.
func (k *walker) unlinked(n Node) {
	if !k.v.watched() {
		return
	}
	dir := IsDir(n)
	if !dir {
		k.v.Events.Tell(Event{Bits: InAttrib, Node: n})
	}
	k.tell(InDelete, dir)
	k.v.TellGone(n)
}

// TellGone tells that n is no more, if it isn't.
func (v *View) TellGone(n Node) {
	if g, ok := n.(Goner); v.watched() && (!ok || g.Gone()) {
		v.Events.Tell(Event{Bits: InDeleteSelf, Node: n})
	}
}

// moved tells of a name that became another, in the place of a file, if any.
func moved(a, b *walker, n, over Node) {
	v := a.v
	if !v.watched() {
		return
	}
	v.Events.cookie++
	bits := uint32(0)
	if IsDir(n) {
		bits = InIsDir
	}
	v.Events.Tell(Event{Bits: InMovedFrom | bits, Cookie: v.Events.cookie, Dir: a.at.Node, Name: a.name})
	v.Events.Tell(Event{Bits: InMovedTo | bits, Cookie: v.Events.cookie, Dir: b.at.Node, Name: b.name,
		Moved: n, OldDir: a.at.Node, OldName: a.name})
	if over != nil {
		v.Events.Tell(Event{Bits: InAttrib, Node: over})
	}
	v.Events.Tell(Event{Bits: InMoveSelf, Node: n})
	if over != nil {
		v.TellGone(over)
	}
}
