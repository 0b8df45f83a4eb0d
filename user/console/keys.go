// SPDX-License-Identifier: Apache-2.0

package console

// Scan code set 1, in a US layout: a key has a code from 1 to 0x58, and the same with
// bit 7 when it is released. Some keys have the code of another with 0xe0 before it, and
// Pause has 0xe1 with two codes behind.

// What the keys 0x01 to 0x39 type.
const (
	plainKeys = "\x00\x1b1234567890-=\b\tqwertyuiop[]\n\x00asdfghjkl;'`\x00\\zxcvbnm,./\x00*\x00 "
	shiftKeys = "\x00\x1b!@#$%^&*()_+\b\tQWERTYUIOP{}\n\x00ASDFGHJKL:\"~\x00|ZXCVBNM<>?\x00*\x00 "
)

// The others.
const (
	codeReleased   = 0x80
	codeLeftShift  = 0x2a
	codeRightShift = 0x36
	codeControl    = 0x1d // the right one with 0xe0
	codeAlt        = 0x38
	codeCapsLock   = 0x3a
	codeNumLock    = 0x45
	codePad        = 0x47 // of the number pad; the keys beside it have the same with 0xe0
	codePageUp     = 0x49
	codePageDown   = 0x51
	codeSlash      = 0x35 // of the number pad, with 0xe0
	codeEnter      = 0x1c // likewise
	codePrefix     = 0xe0
	codePause      = 0xe1
)

// What the number pad types from codePad on, with Num Lock and without, and the keys
// beside it: what a terminal of the kind of VT220 sends.
var (
	padDigits = "789-456+1230."
	padMoves  = [...]string{"\x1b[H", "\x1b[A", "\x1b[5~", "-", "\x1b[D", "", "\x1b[C", "+", "\x1b[F", "\x1b[B", "\x1b[6~", "\x1b[2~", "\x1b[3~"}
)

// decoder makes characters of scan codes.
type decoder struct {
	prefixed  bool
	skip      int // codes of Pause still to come
	left      bool
	right     bool // shift keys that are down
	control   int8 // bits: which are down
	caps, num lock
}

// lock is a key that changes something each time it is pressed. While it is down its
// code may come again and again.
type lock struct{ on, down bool }

func (l *lock) press(down bool) {
	if down && !l.down {
		l.on = !l.on
	}
	l.down = down
}

// take takes a code, and gives what has been typed: text, or pages by which the screen is
// to be scrolled back (or on, below 0).
func (d *decoder) take(code byte) (text string, pages int) {
	prefixed := d.prefixed
	d.prefixed = false
	switch {
	case d.skip > 0:
		d.skip--
		return "", 0
	case code == codePrefix:
		d.prefixed = true
		return "", 0
	case code == codePause:
		d.skip = 2
		return "", 0
	}
	down := code&codeReleased == 0
	code &^= codeReleased
	if d.modifier(code, prefixed, down) || !down {
		return "", 0
	}
	return d.key(code, prefixed)
}

// modifier notes a key that changes what others type; false: it is none. Before some keys
// a keyboard sends 0xe0 and a shift's code, which is no shift.
func (d *decoder) modifier(code byte, prefixed, down bool) bool {
	switch code {
	case codeLeftShift:
		d.left = d.left && prefixed || down && !prefixed
	case codeRightShift:
		d.right = d.right && prefixed || down && !prefixed
	case codeControl:
		bit := int8(1)
		if prefixed {
			bit = 2
		}
		if d.control &^= bit; down {
			d.control |= bit
		}
	case codeAlt:
	case codeCapsLock:
		d.caps.press(down)
	case codeNumLock:
		d.num.press(down)
	default:
		return false
	}
	return true
}

// key gives what a key types that is down now.
func (d *decoder) key(code byte, prefixed bool) (text string, pages int) {
	shift := d.left || d.right
	switch {
	case prefixed && code != codeSlash && code != codeEnter && code < codePad:
		return "", 0 // of a keyboard for films
	case int(code) < len(plainKeys):
		return d.character(code, shift && !prefixed), 0
	case code < codePad || int(code-codePad) >= len(padMoves):
		return "", 0
	case !prefixed && d.num.on != shift:
		return padDigits[code-codePad:][:1], 0
	case shift && code == codePageUp:
		return "", 1
	case shift && code == codePageDown:
		return "", -1
	}
	return padMoves[code-codePad], 0
}

// character gives what a key types that is one.
func (d *decoder) character(code byte, shift bool) string {
	c := plainKeys[code]
	letter := c >= 'a' && c <= 'z'
	if shift != (letter && d.caps.on) {
		c = shiftKeys[code]
	}
	switch {
	case c == 0:
		return ""
	case d.control != 0 && (c >= '@' && c <= '_' || letter || c == ' '):
		c &= 0x1f
	}
	return string(rune(c))
}
