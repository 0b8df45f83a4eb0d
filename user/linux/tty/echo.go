// SPDX-License-Identifier: Apache-2.0

package tty

// Echoes wait here until there is room for them, or output goes on. They are bytes, and operations behind a mark.

const (
	mark         = 0xff
	opBack       = 0x80 // goes a column back
	opBegin      = 0x81 // the line that is typed begins at this column
	opTab        = 0x82 // erases a tab: how many columns are before it follows
	mostEchoes   = 3808
	fromBegin    = 0x80 // of opTab's columns: since the line's beginning, not since another tab
	controlShift = 0o100
)

// echoRaw echoes bytes as they are, but for what is done to output.
func (l *Line) echoRaw(text ...byte) {
	for _, c := range text {
		if c == mark {
			l.echoes = append(l.echoes, mark)
		}
		l.echoes = append(l.echoes, c)
	}
}

// echo echoes a byte so that it can be seen: ^C, say.
func (l *Line) echo(c byte) {
	if c != mark && l.t.Local&echoctl != 0 && isControl(c) && c != '\t' {
		l.echoes = append(l.echoes, mark, c)
		return
	}
	l.echoRaw(c)
}

// echoTyped is echo, of a byte that belongs to the line.
func (l *Line) echoTyped(c byte) {
	if l.canon == l.head {
		l.echoes = append(l.echoes, mark, opBegin)
	}
	l.echo(c)
}

// sendEchoes writes echoes as far as there is room.
func (l *Line) sendEchoes() {
	at := 0
	for at < len(l.echoes) && l.room() > 0 {
		if p := l.echoes[at:]; p[0] == mark {
			l.operate(p[1:])
		} else {
			l.emit(p[0])
		}
		at += echoSize(l.echoes[at:])
	}
	for len(l.echoes)-at >= mostEchoes { // nobody reads: the first are lost
		at += echoSize(l.echoes[at:])
	}
	l.echoes = l.echoes[:copy(l.echoes, l.echoes[at:])]
}

// echoSize is how many bytes the first echo takes.
func echoSize(p []byte) int {
	switch {
	case p[0] != mark:
		return 1
	case p[1] == opTab:
		return 3
	}
	return 2
}

// operate does an operation, which is behind a mark.
func (l *Line) operate(op []byte) {
	switch op[0] {
	case opBack:
		l.goBack()
	case opBegin:
		l.canonColumn = l.column
	case opTab:
		before := uint(op[1] &^ fromBegin)
		if op[1]&fromBegin != 0 {
			before += l.canonColumn
		}
		for range 8 - before%8 {
			l.send('\b')
			l.goBack()
		}
	case mark:
		l.send(mark)
		l.column++
	default:
		l.send('^', op[0]^controlShift)
		l.column += 2
	}
}

// endErasing ends what ECHOPRT has begun.
func (l *Line) endErasing() {
	if l.erasing {
		l.echoRaw('/')
		l.erasing = false
	}
}

// erase erases a character, a word or the line, by the key for it.
func (l *Line) erase(key byte) {
	if l.head == l.canon {
		return
	}
	word, all := false, false
	switch {
	case l.is(key, verase):
	case l.is(key, vwerase):
		word = true
	case l.t.Local&echo == 0:
		l.head = l.canon
		return
	case l.t.Local&(echok|echoke|echoe) != echok|echoke|echoe:
		l.head = l.canon
		l.endErasing()
		l.echo(l.t.Chars[vkill])
		if l.t.Local&echok != 0 {
			l.echoRaw('\n')
		}
		return
	default:
		all = true
	}
	letters := false
	for l.head != l.canon {
		from := l.head - 1
		for l.continues(l.at(from)) && from != l.canon {
			from--
		}
		c := l.at(from)
		if l.continues(c) { // the line begins within a character
			break
		}
		if word {
			if isLetter(c) || c == '_' {
				letters = true
			} else if letters {
				break
			}
		}
		end := l.head
		l.head = from
		if l.t.Local&echo != 0 {
			l.echoErased(c, from, end, !word && !all)
		}
		if !word && !all {
			break
		}
	}
	if l.head == l.canon && l.t.Local&echo != 0 {
		l.endErasing()
	}
}

// echoErased shows that a character is gone, whose bytes are from one place to another. one: by the key for that.
func (l *Line) echoErased(c byte, from, end uint64, one bool) {
	switch control := isControl(c); {
	case l.t.Local&echoprt != 0:
		if !l.erasing {
			l.echoRaw('\\')
			l.erasing = true
		}
		l.echo(c)
		for i := from + 1; i < end; i++ {
			l.echoRaw(l.at(i))
			l.echoes = append(l.echoes, mark, opBack)
		}
	case one && l.t.Local&echoe == 0:
		l.echo(l.t.Chars[verase])
	case c == '\t':
		l.echoErasedTab()
	default:
		if control && l.t.Local&echoctl != 0 {
			l.echoRaw('\b', ' ', '\b')
		}
		if !control || l.t.Local&echoctl != 0 {
			l.echoRaw('\b', ' ', '\b')
		}
	}
}

// echoErasedTab counts the columns before a tab: since another tab, or since the line's beginning.
func (l *Line) echoErasedTab() {
	columns, since := byte(0), byte(fromBegin)
	for i := l.head; i != l.canon; {
		i--
		c := l.at(i)
		if c == '\t' {
			since = 0
			break
		}
		switch {
		case isControl(c):
			if l.t.Local&echoctl != 0 {
				columns += 2
			}
		case !l.continues(c):
			columns++
		}
	}
	l.echoes = append(l.echoes, mark, opTab, columns&7|since)
}

// continues reports whether a byte isn't the first of its character (IUTF8).
func (l *Line) continues(c byte) bool { return l.t.Input&iutf8 != 0 && c&0xc0 == 0x80 }
