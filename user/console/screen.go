// SPDX-License-Identifier: Apache-2.0

package console

// A screen of text.
const (
	columns = 80
	rows    = 25
	cells   = columns * rows
	kept    = 500 // lines, with those on the screen
)

// display is what a screen is shown on.
type display interface {
	cell(at int, c byte) // shows a character, at a place from 0 to cells-1
	cursor(at int)       // shows the cursor there; at cells nowhere
}

// screen is text on a display, and what has scrolled off it. Of each character that
// is not there a copy is shown: to look at a device's memory takes long.
type screen struct {
	d     display
	lines [kept][columns]byte // line n at n modulo kept
	top   int                 // the line in the first row, when nothing is scrolled back
	oldest,
	row, column int // of the cursor
	back    int // lines that the display is scrolled back
	escape  escape
	shown   [cells]byte
	pointed int // where the cursor is shown
}

// escape is where in an escape sequence (ECMA-48) the text is: all are left out.
type escape uint8

const (
	plain   escape = iota
	escaped        // behind ESC
	control        // behind ESC [
)

// newScreen begins with what is on the display, and the cursor at a place of it, from 0
// to cells: there it is in no row, and in a new one now.
func newScreen(d display, shown *[cells]byte, at int) *screen {
	s := &screen{d: d, shown: *shown, pointed: at}
	for row := range rows {
		copy(s.lines[row][:], shown[row*columns:])
	}
	if s.row, s.column = at/columns, at%columns; s.row >= rows {
		s.row, s.column = rows-1, 0
		s.newLine()
	}
	return s
}

// show shows text.
func (s *screen) show(text []byte) {
	for _, c := range text {
		s.put(c)
	}
	s.back = 0
	s.draw()
}

// put takes a character. Of what isn't ASCII each character is a question mark.
func (s *screen) put(c byte) {
	switch {
	case s.escape != plain:
		s.inEscape(c)
	case c == 0x1b:
		s.escape = escaped
	case c == '\n':
		s.newLine()
	case c == '\r':
		s.column = 0
	case c == '\b':
		s.column = max(s.column-1, 0)
	case c == '\t':
		for s.print(' '); s.column%8 != 0; {
			s.print(' ')
		}
	case c >= 0xc0:
		s.print('?')
	case c >= ' ' && c < 0x7f:
		s.print(c)
	}
}

func (s *screen) inEscape(c byte) {
	switch {
	case s.escape == escaped && c == '[':
		s.escape = control
	case s.escape == control && c >= ' ' && c < '@': // its parameters
	default:
		s.escape = plain
	}
}

func (s *screen) print(c byte) {
	s.line(s.row)[s.column] = c
	if s.column++; s.column == columns {
		s.newLine()
	}
}

func (s *screen) newLine() {
	s.column = 0
	if s.row++; s.row < rows {
		return
	}
	s.row = rows - 1
	s.top++
	s.oldest = max(s.oldest, s.top+rows-kept)
	clearLine(s.line(s.row))
}

func clearLine(line *[columns]byte) {
	for i := range line {
		line[i] = ' '
	}
}

// line is the one that row shows when nothing is scrolled back.
func (s *screen) line(row int) *[columns]byte { return &s.lines[(s.top+row)%kept] }

// scroll scrolls the display back by pages, or on, below 0.
func (s *screen) scroll(pages int) {
	const page = rows - 1
	s.back = min(max(s.back+pages*page, 0), s.top-s.oldest)
	s.draw()
}

// draw shows what has changed.
func (s *screen) draw() {
	for row := range rows {
		line := &s.lines[(s.top-s.back+row)%kept]
		for column, c := range line {
			if at := row*columns + column; s.shown[at] != c {
				s.shown[at] = c
				s.d.cell(at, c)
			}
		}
	}
	at := s.row*columns + s.column
	if s.back > 0 {
		at = cells
	}
	if at != s.pointed {
		s.pointed = at
		s.d.cursor(at)
	}
}
