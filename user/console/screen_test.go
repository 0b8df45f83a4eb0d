// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"
)

// picture is a display that keeps what it shows.
type picture struct {
	cells [cells]byte
	at    int
	drawn int // cells
}

func (p *picture) cell(at int, c byte) {
	p.cells[at] = c
	p.drawn++
}

func (p *picture) cursor(at int) { p.at = at }

func (p *picture) rows() (text []string) {
	for row := range rows {
		text = append(text, strings.TrimRight(string(p.cells[row*columns:][:columns]), " "))
	}
	return text
}

// blank is a picture of nothing, and a screen on it.
func blank() (*picture, *screen) {
	p := &picture{}
	for i := range p.cells {
		p.cells[i] = ' '
	}
	return p, newScreen(p, &p.cells, 0)
}

// slow is a screen that keeps all lines that it ever had: the oracle.
type slow struct {
	lines       []string
	row, column int
	back        int
}

func newSlow() *slow { return &slow{lines: make([]string, rows)} }

func (s *slow) put(c rune) {
	switch {
	case c == '\n':
		s.column = 0
		if s.row++; s.row == len(s.lines) {
			s.lines = append(s.lines, "")
		}
	case c == '\r':
		s.column = 0
	case c == '\b':
		s.column = max(s.column-1, 0)
	case c == '\t':
		s.put(' ')
		for s.column%8 != 0 {
			s.put(' ')
		}
	case c < ' ' || c == 0x7f:
	default:
		if c > 0x7f {
			c = '?'
		}
		line := []byte(s.lines[s.row] + strings.Repeat(" ", columns))[:columns]
		line[s.column] = byte(c)
		s.lines[s.row] = string(line)
		if s.column++; s.column == columns {
			s.put('\n')
		}
	}
}

func (s *slow) scroll(pages int) {
	s.back = min(max(s.back+pages*(rows-1), 0), min(len(s.lines), kept)-rows)
}

// want compares a picture with what it should be.
func (s *slow) want(t *testing.T, p *picture) {
	t.Helper()
	top := len(s.lines) - rows
	for row, got := range p.rows() {
		if want := strings.TrimRight(s.lines[top-s.back+row], " "); got != want {
			t.Fatalf("row %d: %q, want %q", row, got, want)
		}
	}
	at := (s.row-top)*columns + s.column
	if s.back > 0 {
		at = cells
	}
	if p.at != at {
		t.Fatalf("the cursor is at %d, want %d", p.at, at)
	}
}

func TestScreen(t *testing.T) {
	p, s := blank()
	s.show([]byte("one\ntw\bo\x1b[1;31mred\x1b[0m\r\n\tx\xc3\xa4\x1bMy\x00"))
	if got := strings.Join(p.rows()[:4], "|"); got != "one|tored|        x?y|" || p.at != 2*columns+11 {
		t.Errorf("%q, %d", got, p.at)
	}
	p.drawn = 0
	if s.show([]byte("z")); p.drawn != 1 {
		t.Errorf("%d cells drawn for a character", p.drawn)
	}
}

// TestScreenAgain: a driver goes on where another was.
func TestScreenAgain(t *testing.T) {
	p, s := blank()
	for range 30 {
		s.show([]byte("line\n"))
	}
	s.show([]byte("last"))
	before := *p
	p.drawn = 0
	s = newScreen(p, &p.cells, p.at)
	if s.show(nil); p.cells != before.cells || p.at != before.at || p.drawn != 0 {
		t.Errorf("%d cells drawn anew, the cursor at %d", p.drawn, p.at)
	}
	s.show([]byte(" words"))
	if got := p.rows()[rows-1]; got != "last words" {
		t.Errorf("%q", got)
	}
	// One that was scrolled back when it died goes on in a new line.
	s = newScreen(p, &p.cells, cells)
	if s.show([]byte("new")); p.rows()[rows-2] != "last words" || p.rows()[rows-1] != "new" {
		t.Errorf("%q", p.rows())
	}
}

// FuzzScreen: whatever is written, and however it is scrolled, the display shows what
// the oracle says. A byte 0xff scrolls back, 0xfe on; what else isn't ASCII is made so.
func FuzzScreen(f *testing.F) {
	f.Add([]byte("a\nb\tc\rd\b\be\xff\xff\xfef"), 40)
	f.Add([]byte(strings.Repeat("x", 81)+"\n\xff\xff"), 30)
	f.Fuzz(func(t *testing.T, text []byte, times int) {
		if len(text) > 1000 {
			return
		}
		p, s := blank()
		o := newSlow()
		for range min(max(times, 1), 60) {
			for _, c := range text {
				switch {
				case c == 0xff, c == 0xfe:
					pages := int(c)*2 - 0x1fd
					s.scroll(pages)
					o.scroll(pages)
				case c == 0x1b:
				default:
					s.put(c & 0x7f)
					o.put(rune(c & 0x7f))
					s.back, o.back = 0, 0
				}
			}
			s.draw()
			o.want(t, p)
		}
	})
}

// FuzzScreenBytes: no bytes harm it.
func FuzzScreenBytes(f *testing.F) {
	f.Add([]byte("\x1b[\x1b[99999;1H\xc3\x1b\xff\n\xe2\x82\xac"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, s := blank()
		s.show(text)
		for i, c := range p.cells {
			if c < ' ' || c > 0x7e {
				t.Fatalf("cell %d shows %#x", i, c)
			}
		}
		if p.at < 0 || p.at >= cells {
			t.Fatalf("the cursor is at %d", p.at)
		}
	})
}

// vgaFake is a controller and its memory; without has no controller.
type vgaFake struct {
	index     byte
	registers [256]byte
	without   bool
}

func (f *vgaFake) Read(register int) byte {
	if f.without || register == vgaIndex {
		return 0xff
	}
	return f.registers[f.index]
}

func (f *vgaFake) Write(register int, v byte) {
	if register == vgaIndex {
		f.index = v
		return
	}
	f.registers[f.index] = v
}

func TestVGA(t *testing.T) {
	if openScreen(&vga{make(memory, screenSize), &vgaFake{without: true}}) != nil {
		t.Error("a screen where there is none")
	}
	v := &vga{make(memory, screenSize), &vgaFake{}}
	for i := range cells {
		v.cell(i, ' ')
	}
	copy(v.memory, "l\x07o\x07g\x07")
	v.cursor(columns)
	s := openScreen(v)
	s.show([]byte("hi\n"))
	if got := string(v.memory[2*columns:][:6]); got != "h\x07i\x07 \x07" || v.memory[0] != 'l' {
		t.Errorf("%q", got)
	}
	if at := v.get(vgaCursorHi)<<8 | v.get(vgaCursorLo); at != 2*columns {
		t.Errorf("the cursor is at %d", at)
	}
	if again := openScreen(v); again.row != 2 || again.column != 0 || again.shown != s.shown {
		t.Errorf("row %d, column %d", again.row, again.column)
	}
}
