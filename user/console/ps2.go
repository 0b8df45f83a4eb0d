// SPDX-License-Identifier: Apache-2.0

package console

// The keyboard's controller, an 8042, which makes scan code set 1 of what the keyboard
// sends.
const (
	ps2Ports      = 0x60
	ps2Data       = 0
	ps2Status     = 4 // read
	ps2Command    = 4 // written
	ps2Output     = 1 // it has a byte
	ps2Busy       = 2 // it hasn't taken the last byte yet
	ps2Mouse      = 1 << 5
	ps2NotThere   = 0xff
	ps2Patience   = 10000 // looks
	mostCodes     = 64    // at once
	getConfig     = 0x20  // commands
	setConfig     = 0x60
	mouseOff      = 0xa7
	keyboardOff   = 0xad
	keyboardOn    = 0xae
	configKeys    = 1 << 0 // configuration: they interrupt
	configKeysOff = 1 << 4
	configSet1    = 1 << 6
)

// keyboard is a keyboard at its controller.
type keyboard struct {
	r       registers
	decoder decoder
	early   []byte // what was typed while it was started
}

// start takes the controller over: keys interrupt, in set 1, and no mouse is in their way.
// It is false if there is none.
func (k *keyboard) start() bool {
	if k.r.Read(ps2Status) == ps2NotThere {
		return false
	}
	if !k.command(keyboardOff) || !k.command(mouseOff) {
		return false
	}
	for range mostCodes { // what was typed before
		text, _, ok := k.next()
		if !ok {
			break
		}
		k.early = append(k.early, text...)
	}
	if !k.command(getConfig) || !k.await(ps2Output, ps2Output) {
		return false
	}
	config := k.r.Read(ps2Data)
	config = config&^configKeysOff | configKeys | configSet1
	if !k.command(setConfig) || !k.await(ps2Busy, 0) {
		return false
	}
	k.r.Write(ps2Data, config)
	return k.command(keyboardOn)
}

// await waits until some bits of the status are as wanted.
func (k *keyboard) await(mask, want byte) bool {
	for range ps2Patience {
		if k.r.Read(ps2Status)&mask == want {
			return true
		}
	}
	return false
}

func (k *keyboard) command(c byte) bool {
	if !k.await(ps2Busy, 0) {
		return false
	}
	k.r.Write(ps2Command, c)
	return true
}

// receive gives what has been typed, as for a source.
func (k *keyboard) receive() (text []byte, pages int, more bool) {
	text, k.early = k.early, nil
	for range mostCodes {
		some, page, more := k.next()
		if !more {
			return text, pages, false
		}
		text = append(text, some...)
		pages += page
	}
	return text, pages, true
}

// next takes a byte; false: there is none.
func (k *keyboard) next() (text string, page int, ok bool) {
	status := k.r.Read(ps2Status)
	if status&ps2Output == 0 {
		return "", 0, false
	}
	code := k.r.Read(ps2Data)
	if status&ps2Mouse != 0 {
		return "", 0, true
	}
	text, page = k.decoder.take(code)
	return text, page, true
}
