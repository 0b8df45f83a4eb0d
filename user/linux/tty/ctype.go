// SPDX-License-Identifier: Apache-2.0

package tty

// What Linux's kernel knows of characters: ISO 8859-1.

func isControl(c byte) bool { return c < ' ' || c == 0x7f }

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 0xc0 && c <= 0xde && c != 0xd7 }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' || c >= 0xdf && c != 0xf7 }

// isLetter reports whether a character belongs to a word, as digits do.
func isLetter(c byte) bool { return isUpper(c) || isLower(c) || c >= '0' && c <= '9' }

func lower(c byte) byte {
	if isUpper(c) {
		return c + 0x20
	}
	return c
}

func upper(c byte) byte {
	if isLower(c) {
		return c - 0x20
	}
	return c
}
