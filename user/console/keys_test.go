// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"strings"
	"testing"
)

// typist types text as a keyboard does: it is the way back from characters to codes.
type typist struct {
	codes []byte
	caps  bool
	right bool // uses the right keys
}

func (k *typist) press(codes ...byte) { k.codes = append(k.codes, codes...) }
func (k *typist) release(codes ...byte) {
	k.press(codes[:len(codes)-1]...)
	k.press(codes[len(codes)-1] | 0x80)
}

func (k *typist) tap(code byte) { k.press(code); k.release(code) }

// text types ASCII text; what no key types is left out. typed is what was.
func (k *typist) text(s string) (typed string) {
	for _, c := range []byte(s) {
		control := []byte{codeControl}
		shift := byte(codeLeftShift)
		if k.right {
			shift, control = codeRightShift, []byte{codePrefix, codeControl}
		}
		plain, shifted := strings.IndexByte(plainKeys, c), strings.IndexByte(shiftKeys, c)
		switch {
		case c == 0 || c >= 0x7f:
			continue
		case c < ' ' && plain < 0: // with Control
			letter := c | 0x60
			if letter > 'z' { // ctrl-\ and the like: the key without Shift
				letter = c | 0x40
			}
			at := strings.IndexByte(plainKeys, letter)
			if at < 0 {
				continue
			}
			k.press(control...)
			k.tap(byte(at))
			k.release(control...)
		case plain >= 0 && (c < 'a' || c > 'z' || !k.caps):
			k.tap(byte(plain))
		case shifted >= 0 && c >= 'A' && c <= 'Z' && k.caps:
			k.tap(byte(shifted))
		default: // Shift; with Caps Lock it makes letters small
			at := max(plain, shifted)
			k.press(shift)
			k.tap(byte(at))
			k.release(shift)
		}
		typed += string(rune(c))
	}
	return typed
}

func decode(codes []byte) (text string, pages int) {
	var d decoder
	for _, c := range codes {
		s, n := d.take(c)
		text += s
		pages += n
	}
	return text, pages
}

// FuzzTyping: what is typed is what comes out.
func FuzzTyping(f *testing.F) {
	f.Add("Hello, World! 1+1=2\n\t{}|~`\x03\x04\x1b\b*", false, false)
	f.Add("ABCxyz'\"\x1a\x1c", true, true)
	f.Fuzz(func(t *testing.T, text string, caps, right bool) {
		k := &typist{caps: caps, right: right}
		if caps {
			k.press(codeCapsLock, codeCapsLock) // held down
			k.release(codeCapsLock)
		}
		want := k.text(text)
		if got, pages := decode(k.codes); got != want || pages != 0 {
			t.Fatalf("%q, %d pages, want %q\n% x", got, pages, want, k.codes)
		}
	})
}

func TestKeys(t *testing.T) {
	const shift, page = "\x2a", "\xe0\x49\xe0\xc9"
	for _, c := range []struct {
		codes, want string
		pages       int
	}{
		{"\xe0\x48\xe0\xc8\xe0\x53", "\x1b[A\x1b[3~", 0},
		{page, "\x1b[5~", 0},
		{shift + page + page + "\xe0\x51" + "\xaa", "", 1},
		{shift + "\xe0\xaa" + page + "\xe0\x2a" + "\xaa\x1e", "a", 1}, // a shift that is none, as with Num Lock
		{"\x47\x4c\x4a", "\x1b[H-", 0},                                // the number pad
		{"\x45\xc5\x47\x4c\x53", "75.", 0},
		{"\x45\xc5" + shift + "\x49", "", 1},
		{"\xe0\x35\xe0\x1c" + shift + "\xe0\x35", "/\n/", 0},
		{"\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a", 0}, // Pause
		{"\xe0\x5b\xe0\xdb\xe0\x10\x3b\x58\x38\x10\xfa\xaa", "q", 0},
		{"\x1d\x39", "\x00", 0},
		{"\x1d\xe0\x1d\x9d\x2e\xe0\x9d\x2e", "\x03c", 0}, // both Control keys
	} {
		if got, pages := decode([]byte(c.codes)); got != c.want || pages != c.pages {
			t.Errorf("% x: %q, %d pages, want %q, %d", c.codes, got, pages, c.want, c.pages)
		}
	}
}

// FuzzCodes: whatever comes, only what keys type goes out; and when all keys that change
// others have been released, a key types its character again.
func FuzzCodes(f *testing.F) {
	f.Add([]byte{0x2a, 0xe0, 0x1d, 0xe1, 0x3a, 0x45, 0xff, 0x00})
	f.Fuzz(func(t *testing.T, codes []byte) {
		var d decoder
		for _, c := range codes {
			s, pages := d.take(c)
			escape := len(s) > 1
			if pages*pages > 1 || pages != 0 && s != "" || len(s) > 4 || escape && !strings.HasPrefix(s, "\x1b[") {
				t.Fatalf("%#x: %q, %d", c, s, pages)
			}
			for _, b := range []byte(s) {
				if b >= 0x7f {
					t.Fatalf("%#x: %q", c, s)
				}
			}
		}
		for _, c := range []byte{0x80, 0x80, 0xaa, 0xb6, 0x9d, 0xe0, 0x9d} { // the first two may belong to Pause
			d.take(c)
		}
		if s, _ := d.take(0x02); s != "1" {
			t.Fatalf("the key 1 types %q", s)
		}
	})
}

// controller is an 8042 with a keyboard.
type controller struct {
	queue   []byte
	mouse   []byte // with the status bit of a mouse, before that
	config  byte
	command byte
	off     bool
	noMouse bool
	missing bool
}

func (c *controller) Read(register int) byte {
	switch {
	case c.missing:
		return 0xff
	case register == ps2Status && len(c.mouse) > 0 && !c.noMouse:
		return ps2Output | ps2Mouse
	case register == ps2Status && len(c.queue) > 0:
		return ps2Output
	case register == ps2Status:
		return 0
	case len(c.mouse) > 0 && !c.noMouse:
		b := c.mouse[0]
		c.mouse = c.mouse[1:]
		return b
	case len(c.queue) == 0:
		return 0
	}
	b := c.queue[0]
	c.queue = c.queue[1:]
	return b
}

func (c *controller) Write(register int, v byte) {
	switch {
	case register == ps2Data && c.command == setConfig:
		c.config = v
	case v == getConfig:
		c.queue = append(c.queue, c.config)
	case v == keyboardOff:
		c.off = true
	case v == keyboardOn:
		c.off = false
	case v == mouseOff:
		c.noMouse = true
	}
	c.command = v
}

func TestKeyboard(t *testing.T) {
	if (&keyboard{r: &controller{missing: true}}).start() {
		t.Error("a keyboard where there is none")
	}
	c := &controller{queue: []byte{0x1e, 0x9e}, config: configKeysOff | 2}
	k := &keyboard{r: c}
	if !k.start() || c.config != configKeys|configSet1|2 || c.off || !c.noMouse {
		t.Errorf("%+v", c)
	}
	c.noMouse, c.mouse = false, []byte{0x30, 0x31}
	c.queue = bytes.Repeat([]byte{0x30}, mostCodes)
	text, pages, more := k.receive()
	if want := "a" + strings.Repeat("b", mostCodes-2); string(text) != want || pages != 0 || !more {
		t.Errorf("%q, %v", text, more)
	}
	if text, _, more = k.receive(); string(text) != "bb" || more {
		t.Errorf("%q, %v", text, more)
	}
}
