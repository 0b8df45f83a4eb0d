// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"loam/abi/channel"
)

// Info is what a picture says of the machine beside the map.
type Info struct {
	Program   string // its name; any text
	Machine   string
	MemoryMiB int
	CPUs      int
	Ring      uint64 // physical address of the host channel's ring; 0: there is none
}

// picture is an SVG file in the making.
type picture struct {
	bytes.Buffer
	m     *Map
	ring  uint64 // frame at which the host channel's ring begins, 0: none
	sum   *Sum
	extra int // orders that the smallest cells are coarser than they could be
	wide  int // from which width on a cell has a tooltip, in pixels
	y     int // how far down it has come
	used  map[string]bool
}

func (p *picture) put(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// SVG draws the map: one file, below 1 MiB, that needs nothing else.
func (m *Map) SVG(info Info) []byte {
	p := &picture{m: m, ring: info.Ring >> pageShift, sum: m.Sum(), wide: 8, used: map[string]bool{}}
	sections := m.sections()
	for p.tooMuch(sections) {
	}
	body := p.body(info, sections)
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">`+"\n",
		pageWidth, p.y, pageWidth, p.y)
	fmt.Fprintf(&out, "<title id=\"t\">Physical memory of %s</title>\n<desc id=\"d\">%s</desc>\n", escape(info.Program), escape(p.describe(info)))
	out.WriteString(p.style())
	fmt.Fprintf(&out, `<rect class="page" width="%d" height="%d"/>`+"\n", pageWidth, p.y)
	out.Write(body)
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// tooMuch makes the drawing coarser if it would become too large a file; false if
// it need not.
func (p *picture) tooMuch(sections []section) bool {
	titled, small := 0, 0
	for i := range sections {
		p.squares(&sections[i], func(c cell) {
			if c.w >= p.wide {
				titled++
			} else {
				small++
			}
		})
	}
	switch {
	case small > mostCells && p.extra < 12:
		p.extra++
	case titled > mostTitled && p.wide < side:
		p.wide *= 2
	default:
		return false
	}
	return true
}

// squares walks the cells of a section's squares, without those of blocks that fill
// whole squares.
func (p *picture) squares(s *section, draw func(cell)) {
	for _, r := range s.rows {
		for i := range uint64(perRow) {
			c := cell{frame: r.frame + i<<s.tile, order: s.tile, w: side, h: side}
			if b := p.filling(s, c.frame); b < 0 {
				p.m.walk(c, s.leaf(p.extra), [2]uint64{s.first, s.end}, draw)
			}
		}
	}
}

// leaf is the order of the smallest cells: of two pixels, or a frame.
func (s *section) leaf(extra int) int { return max(s.tile-12+extra, 0) }

// filling returns the index of the block that fills the square at a frame, or -1.
func (p *picture) filling(s *section, frame uint64) int {
	i := p.m.at(frame)
	if i == len(p.m.Blocks) || frame < s.first || p.m.Blocks[i].Frame > frame || p.m.Blocks[i].End() < frame+1<<s.tile {
		return -1
	}
	return i
}

func (p *picture) body(info Info, sections []section) []byte {
	p.head(info)
	p.key()
	for i := range sections {
		p.section(&sections[i])
	}
	p.tables()
	p.y += margin
	body := bytes.Clone(p.Bytes())
	p.Reset()
	return body
}

// moment says when the map was made.
func (m *Map) moment() string {
	at := fmt.Sprintf(", %.3f s after power-on", m.Time.Seconds())
	switch m.Moment {
	case channel.MapAtStart:
		return "before its first instruction" + at
	case channel.MapAtTime:
		return "while it ran" + at
	}
	return "when it had ended, before its memory was given back" + at
}

func (p *picture) describe(info Info) string {
	var b strings.Builder
	s := p.sum
	fmt.Fprintf(&b, "%s, %d MiB, %s. %s of %s are free, the largest free block has %s.", info.Machine, info.MemoryMiB,
		processors(info.CPUs), size(s.Free), size(s.Total), size(s.Largest))
	for _, o := range s.Owned {
		fmt.Fprintf(&b, " %s: %s.", o.Name, size(o.Frames))
	}
	return b.String()
}

func processors(n int) string {
	if n == 1 {
		return "1 CPU"
	}
	return fmt.Sprintf("%d CPUs", n)
}

// head writes the title and the figures.
func (p *picture) head(info Info) {
	s := p.sum
	p.put(`<text class="h" x="%d" y="42">Physical memory of %s</text>`+"\n", margin, escape(shorten(info.Program, 60)))
	p.put(`<text class="s" x="%d" y="64">%s, %d MiB, %s · %s</text>`+"\n", margin, escape(info.Machine), info.MemoryMiB,
		processors(info.CPUs), p.m.moment())
	for i, f := range [...][2]string{
		{size(s.Free) + " free", "of " + size(s.Total) + " that the allocator has: " + percent(s.Free, s.Total)},
		{size(s.Largest), "largest free block: " + percent(s.Largest, s.Free) + " of what is free"},
		{percent(s.Small, s.Free), "external fragmentation: free, but in blocks below 2 MiB"},
		{size(p.m.Reserve), "kept from programs, for the kernel"},
	} {
		x := margin + [...]int{0, 276, 560, 918}[i]
		p.put(`<text class="b" x="%d" y="100">%s</text><text class="s" x="%d" y="119">%s</text>`+"\n", x, escape(f[0]), x, escape(f[1]))
	}
	p.y = 136
	p.bar()
}

// bar shows the shares of all memory in one line.
func (p *picture) bar() {
	whole := p.sum.Total + p.sum.Outside
	const width = pageWidth - 2*margin
	x := float64(margin)
	part := func(class, what string, frames uint64) {
		w := width * share(frames, whole)
		if w < 0.05 {
			return
		}
		p.put(`<rect class="%s" x="%.1f" y="%d" width="%.1f" height="16"><title>%s: %s, %s</title></rect>`+"\n",
			p.class(class), x, p.y, w, escape(what), size(frames), escape(percent(frames, whole)))
		x += w
	}
	for _, o := range p.sum.Owned {
		part(ownerClass(o.Owner), o.Name, o.Frames)
	}
	part("c", "free, in caches of CPUs", p.sum.Cached)
	for order, n := range p.sum.Blocks {
		part(freeClass(order), "free blocks of "+size(1<<order), n<<order)
	}
	p.y += 16
}

// key says what the colours are and how the squares are read.
func (p *picture) key() {
	p.y += 14
	x := margin
	chip := func(class, text string) {
		w := 26 + len(text)*7
		if x+w > pageWidth-margin {
			x = margin
			p.y += 22
		}
		p.put(`<rect class="%s" x="%d" y="%d" width="13" height="13"/><text x="%d" y="%d">%s</text>`+"\n",
			p.class(class), x, p.y, x+18, p.y+11, escape(text))
		x += w
	}
	for _, o := range p.sum.Owned {
		text := o.Name + " " + size(o.Frames)
		if !o.Inside {
			text += " (outside of the regions)"
		}
		chip(ownerClass(o.Owner), text)
	}
	if p.sum.Cached > 0 {
		chip("c", "free, in caches of CPUs "+size(p.sum.Cached))
	}
	chip("n", "no memory, or the firmware's")
	if w := 7*13 + 250; x+w > pageWidth-margin {
		x = margin
		p.y += 22
	}
	for order := 0; order < Orders; order += 3 {
		p.put(`<rect class="%s" x="%d" y="%d" width="13" height="13"/>`, p.class(freeClass(order)), x, p.y)
		x += 13
	}
	p.put(`<text x="%d" y="%d">free blocks of 4 KiB to 1 GiB</text>`+"\n", x+5, p.y+11)
	p.y += 30
	p.reading()
}

// reading is the small picture of the order inside a square.
func (p *picture) reading() {
	const s = 64
	x, y := margin, p.y
	p.put(`<rect class="q" x="%d" y="%d" width="%d" height="%d"/>`, x, y, s, s)
	p.put(`<path class="l" d="M%d %dh%dM%d %dv%dM%d %dv%dM%d %dh%d"/>`, x, y+s/2, s, x+s/2, y, s,
		x+3*s/4, y, s/2, x+s/2, y+s/4, s/2)
	for _, n := range [...]struct {
		text string
		x, y int
	}{{"1", s / 4, s/4 + 4}, {"3", s / 4, 3*s/4 + 4}, {"4", 3 * s / 4, 3*s/4 + 4}} {
		p.put(`<text class="i" x="%d" y="%d">%s</text>`, x+n.x, y+n.y, n.text)
	}
	for i, n := range []string{"2a", "2b", "2c", "2d"} {
		p.put(`<text class="u" x="%d" y="%d">%s</text>`, x+5*s/8+i%2*s/4, y+s/8+3+i/2*s/4, n)
	}
	p.put("\n")
	for i, line := range []string{
		"Addresses rise as one reads: squares in rows, the quarters of a square from 1 to 4, the quarters of a quarter again so.",
		"A block of the buddy system is one such square, or two side by side: the larger it is drawn, the larger it is. Two halves of the same",
		"square, or of two squares side by side, are buddies. Point at a block to see what it is.",
	} {
		p.put(`<text class="s" x="%d" y="%d">%s</text>`+"\n", x+s+16, y+18+19*i, line)
	}
	p.y += s + 6
}

// section draws a zone.
func (p *picture) section(s *section) {
	p.y += 30
	var total, free uint64
	for i := p.m.at(s.first); i < len(p.m.Blocks) && p.m.Blocks[i].Frame < s.end; i++ {
		if b := &p.m.Blocks[i]; b.Kind != channel.MapOutside {
			total += b.Frames
			if b.Free() {
				free += b.Frames
			}
		}
	}
	p.put(`<path class="l" d="M%d %dh%d"/>`, margin, p.y-20, pageWidth-2*margin)
	p.put(`<text class="g" x="%d" y="%d">%s</text>`, margin, p.y, s.name)
	p.put(`<text class="s" x="%d" y="%d">%s, %s of it free · one square is %s, one row %s</text>`+"\n",
		left+48, p.y, size(total), size(free), size(1<<s.tile), size(perRow<<s.tile))
	p.y += 12
	for i := 0; i < len(s.rows); {
		p.hole(max(s.rows[i].frame, s.first), perRow<<s.tile)
		n := p.filledRows(s, i)
		if n > 0 {
			b := p.filling(s, s.rows[i].frame)
			p.wholes(cell{x: left, y: p.y, w: perRow*pitch - gap, h: n*pitch - gap, block: b})
		}
		for k := range max(n, 1) {
			r := &s.rows[i+k]
			p.put(`<text class="a" x="%d" y="%d">%s</text><text class="j" x="%d" y="%d">%s</text>`+"\n",
				left-10, p.y+14, address(r.frame), left-10, p.y+29, size(r.frame))
			if n == 0 {
				p.row(s, r.frame)
			}
			p.y += pitch
		}
		i += max(n, 1)
	}
}

// hole says, before the row with a frame, that a row or more have no memory.
func (p *picture) hole(frame, least uint64) {
	i := p.m.at(frame)
	if i == 0 || p.m.Blocks[i].Frame < p.m.Blocks[i-1].End()+least {
		return
	}
	from, to := p.m.Blocks[i-1].End(), p.m.Blocks[i].Frame
	p.put(`<rect class="n" x="%d" y="%d" width="%d" height="18"/><text class="k" x="%d" y="%d">%s to %s: %s without memory</text>`+"\n",
		left, p.y, perRow*pitch-gap, left+(perRow*pitch-gap)/2, p.y+13, address(from), address(to), size(to-from))
	p.y += 18 + gap
}

// filledRows counts the rows from the ith on that one block fills together, if it
// fills more than one.
func (p *picture) filledRows(s *section, i int) int {
	b := p.filling(s, s.rows[i].frame)
	if b < 0 {
		return 0
	}
	n, size := 0, uint64(perRow)<<s.tile
	for i+n < len(s.rows) && s.rows[i+n].frame+size <= p.m.Blocks[b].End() {
		n++
	}
	return n
}

// row draws the squares of a row.
func (p *picture) row(s *section, frame uint64) {
	for i := 0; i < perRow; {
		at := frame + uint64(i)<<s.tile
		x := left + i*pitch
		b := p.filling(s, at)
		if b < 0 {
			p.square(s, at, x)
			i++
			continue
		}
		n := 1
		for i+n < perRow && p.filling(s, at+uint64(n)<<s.tile) == b {
			n++
		}
		p.wholes(cell{x: x, y: p.y, w: n*pitch - gap, h: side, block: b})
		i += n
	}
}

// wholes draws a block that fills whole squares.
func (p *picture) wholes(c cell) { p.titled(&c) }

// square draws what is in a square.
func (p *picture) square(s *section, frame uint64, x int) {
	if frame+1<<s.tile <= s.first || frame >= s.end {
		p.put(`<rect class="e" x="%d" y="%d" width="%d" height="%d"/>`, x, p.y, side, side)
		p.put(`<text class="k" x="%d" y="%d">above</text>`+"\n", x+side/2, p.y+side/2+4)
		return
	}
	p.put(`<g transform="translate(%d %d)"><title>%s</title><rect class="n" width="%d" height="%d"/>`,
		x, p.y, escape(p.m.content(max(frame, s.first), min(frame+1<<s.tile, s.end))), side, side)
	var order []string
	small := map[string]*bytes.Buffer{}
	limit := [2]uint64{s.first, s.end}
	if frame < s.first {
		p.before(s, frame)
	}
	p.m.walk(cell{frame: frame, order: s.tile, w: side, h: side}, s.leaf(p.extra), limit, func(c cell) {
		if c.w >= p.wide {
			p.titled(&c)
			return
		}
		class := p.m.class(c.block)
		b := small[class]
		if b == nil {
			b = new(bytes.Buffer)
			small[class] = b
			order = append(order, class)
		}
		fmt.Fprintf(b, "M%d %dh%dv%dh-%dz", c.x, c.y, c.w, c.h, c.w)
	})
	for _, class := range order {
		p.put(`<path class="%s" d="%s"/>`, p.class(class), small[class].Bytes())
	}
	p.put("</g>\n")
}

// content says what some frames have, the largest part first.
func (m *Map) content(first, end uint64) string {
	var parts Sum
	var frames [maxOwners]uint64
	for i := m.at(first); i < len(m.Blocks) && m.Blocks[i].Frame < end; i++ {
		b := &m.Blocks[i] // one that is free has owner 0
		frames[b.Owner] += min(b.End(), end) - max(b.Frame, first)
	}
	for o, n := range frames {
		if n > 0 {
			parts.insert(OwnerSum{Name: m.Owners[o], Frames: n})
		}
	}
	text := address(first) + " to " + address(end) + ":"
	for _, o := range parts.Owned {
		if o.Name == "" {
			o.Name = "free"
		}
		text += " " + o.Name + " " + size(o.Frames) + ","
	}
	return text[:len(text)-1]
}

// before covers the part of a section's first square that the section before has
// shown.
func (p *picture) before(s *section, frame uint64) {
	cover := func(c cell) {
		p.put(`<rect class="e" x="%d" y="%d" width="%d" height="%d"><title>below %s: see above</title></rect>`, c.x, c.y, c.w, c.h, address(s.first))
	}
	c := cell{frame: frame, order: s.tile, w: side, h: side}
	for c.order > 0 && c.frame+1<<c.order > s.first && c.frame < s.first {
		a, b := c.halves()
		if b.frame <= s.first {
			cover(a)
			c = b
		} else {
			c = a
		}
	}
}

// titled draws a cell that says what it is, with its name in it if there is room.
func (p *picture) titled(c *cell) {
	b := &p.m.Blocks[c.block]
	note := p.describeBlock(b)
	if c.partial {
		note = "mostly " + note
	}
	// Blocks have an edge; frames taken one by one are one area.
	edge := `%d.5" y="%d.5`
	w, h := c.w-1, c.h-1
	if b.Kind == channel.MapSingles || b.Kind == channel.MapOutside {
		edge, w, h = `%d" y="%d`, c.w, c.h
	}
	p.put(`<rect class="%s" x="`+edge+`" width="%d" height="%d"><title>%s</title></rect>`,
		p.class(p.m.class(c.block)), c.x, c.y, w, h, escape(note))
	text := ""
	switch {
	case c.partial || c.h < 16:
	case b.Free() && c.w >= 60:
		text = size(b.Frames)
	case (b.Kind == channel.MapSingles || b.Kind == channel.MapOutside) && c.h < side: // an area, of many cells
	case !b.Free() && c.w >= 12+7*len(p.name(b)):
		text = p.name(b)
	}
	if text != "" {
		class := "k"
		if !b.Free() && p.m.ownerColor(b.Owner).dark() {
			class = "k w"
		} else if !b.Free() {
			class = "k d"
		}
		p.put(`<text class="%s" x="%d" y="%d">%s</text>`, class, c.x+c.w/2, c.y+c.h/2+4, escape(text))
	}
	p.put("\n")
}

// dark says whether white text is read better on a colour than black.
func (c color) dark() bool {
	return 299*int(c[0])+587*int(c[1])+114*int(c[2]) < 128*1000
}

// name is that of a block's owner, or of the block itself if it is known.
func (p *picture) name(b *Block) string {
	if p.ring != 0 && b.Kind == channel.MapRun && b.Frame == p.ring && b.Frames == channel.RingSize>>pageShift {
		return "ring"
	}
	return p.m.Owners[b.Owner]
}

// describeBlock says what a block is.
func (p *picture) describeBlock(b *Block) string {
	where := fmt.Sprintf("%s, %s to %s", size(b.Frames), address(b.Frame), address(b.End()))
	shared := ""
	if b.Shared {
		shared = ", shared"
	}
	name := p.name(b)
	if name == "ring" {
		name = "ring of the host channel"
	}
	switch b.Kind {
	case channel.MapFree:
		return fmt.Sprintf("free block of order %d: %s", b.order(), where)
	case channel.MapCached:
		return "free, in a CPU's cache: " + where
	case channel.MapRun:
		return fmt.Sprintf("%s, taken together%s: %s", name, shared, where)
	case channel.MapOutside:
		return fmt.Sprintf("%s, outside of the regions: %s", name, where)
	}
	return fmt.Sprintf("%s, single frames%s: %s", name, shared, where)
}

// class is that of the style of a block.
func (m *Map) class(i int) string {
	b := &m.Blocks[i]
	switch b.Kind {
	case channel.MapFree:
		return freeClass(b.order())
	case channel.MapCached:
		return "c"
	}
	return ownerClass(b.Owner)
}

func freeClass(order int) string    { return fmt.Sprintf("f%d", order) }
func ownerClass(owner Owner) string { return fmt.Sprintf("o%d", owner) }

// class notes that a class is used and returns it.
func (p *picture) class(name string) string {
	p.used[name] = true
	return name
}

// shorten cuts a text to n characters.
func shorten(text string, n int) string {
	r := []rune(text)
	if len(r) > n {
		r = append(r[:n-1], '…')
	}
	return string(r)
}

// escape makes any text fit for XML, inside of elements and of attributes.
func escape(text string) string { return entities.Replace(printable(text)) }

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// printable replaces what is no character to be seen.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
