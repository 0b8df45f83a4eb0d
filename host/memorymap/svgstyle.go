// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"fmt"
	"slices"
	"strings"
)

const fonts = `text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif }
.h { font-size: 22px; font-weight: 600 }
.b { font-size: 19px; font-weight: 600 }
.g { font-size: 15px; font-weight: 600 }
.s { font-size: 12.5px }
.a { font: 11.5px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; text-anchor: end }
.j { font-size: 10px; text-anchor: end }
.i, .k { font-size: 11px; text-anchor: middle; pointer-events: none }
.u { font-size: 9px; text-anchor: middle }
.r { text-anchor: end }
.q, .l { fill: none }
`

// style writes the style sheet: both themes, and the classes in use.
func (p *picture) style() string {
	var b strings.Builder
	b.WriteString("<style>\n" + fonts)
	p.rules(&b, &light)
	for _, o := range p.sum.Owned {
		if p.used[ownerClass(o.Owner)] && !strings.Contains(b.String(), "."+ownerClass(o.Owner)+" {") {
			fmt.Fprintf(&b, ".%s { fill: %s }\n", ownerClass(o.Owner), p.m.ownerColor(o.Owner))
		}
	}
	b.WriteString(".k.w { fill: #ffffff }\n.k.d { fill: #1f2328 }\n@media (prefers-color-scheme: dark) {\n")
	p.rules(&b, &dark)
	b.WriteString("}\n</style>\n")
	// Two patterns, since a pattern's own parts take no class in some viewers.
	fmt.Fprintf(&b, `<defs><pattern id="x" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">`+
		`<rect class="m" width="6" height="6"/><rect class="t" width="1" height="6"/></pattern></defs>`+"\n")
	return b.String()
}

// rules writes what differs between the themes.
func (p *picture) rules(b *strings.Builder, t *theme) {
	fmt.Fprintf(b, ".page { fill: %s }\n:root { color-scheme: light dark }\n", t.page)
	fmt.Fprintf(b, "text { fill: %s }\n.s, .j, .k, .u { fill: %s }\n", t.text, t.faint)
	fmt.Fprintf(b, ".q, .l { stroke: %s }\n.m { fill: %s }\n.t { fill: %s }\n.n { fill: url(#x) }\n", t.line, t.hole, t.hatch)
	fmt.Fprintf(b, ".e { fill: %s; stroke: %s; stroke-dasharray: 2 4 }\n.c { fill: %s }\n", t.page, t.line, t.cached)
	var orders []int
	for order := range Orders {
		if p.used[freeClass(order)] {
			orders = append(orders, order)
		}
	}
	for _, order := range slices.Backward(orders) {
		fmt.Fprintf(b, ".%s { fill: %s }\n", freeClass(order), t.free(order))
	}
}

// tables writes all figures, owners on the left, free blocks on the right.
func (p *picture) tables() {
	s := p.sum
	p.y += 34
	top := p.y
	p.put(`<path class="l" d="M%d %dh%d"/>`, margin, p.y-22, pageWidth-2*margin)
	line := func(x int, class string, cells ...string) {
		p.put(`<rect class="%s" x="%d" y="%d" width="13" height="13"/><text x="%d" y="%d">%s</text>`,
			p.class(class), x, p.y-11, x+20, p.y, escape(cells[0]))
		for i, c := range cells[1:] {
			p.put(`<text class="r" x="%d" y="%d">%s</text>`, x+240+84*i, p.y, escape(c))
		}
		p.put("\n")
		p.y += 20
	}
	heading := func(x int, cells ...string) {
		p.put(`<text class="g" x="%d" y="%d">%s</text>`, x, p.y, cells[0])
		for i, c := range cells[1:] {
			p.put(`<text class="s r" x="%d" y="%d">%s</text>`, x+240+84*i, p.y, c)
		}
		p.put("\n")
		p.y += 22
	}
	heading(margin, "Owners", "size", "share", "frames", "shared")
	for _, o := range s.Owned {
		name := o.Name
		if !o.Inside {
			name += " (in no region)"
		}
		line(margin, ownerClass(o.Owner), name, size(o.Frames), percent(o.Frames, s.Total+s.Outside), count(o.Frames), dash(o.Shared, count))
	}
	bottom := p.y
	p.y = top
	const right = 640
	heading(right, "Free blocks", "blocks", "size", "of the free")
	if s.Cached > 0 {
		line(right, "c", "4 KiB, in caches of CPUs", count(s.Cached), size(s.Cached), percent(s.Cached, s.Free))
	}
	for order, n := range s.Blocks {
		if n > 0 {
			line(right, freeClass(order), fmt.Sprintf("%s, order %d", size(1<<order), order), count(n), size(n<<order), percent(n<<order, s.Free))
		}
	}
	p.y = max(p.y, bottom)
}

// dash says a number, and nothing of 0.
func dash(n uint64, say func(uint64) string) string {
	if n == 0 {
		return "–"
	}
	return say(n)
}
