// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"strconv"
	"strings"
	"time"
)

// cutLine takes the first line off s, without its end.
func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// split cuts a line into words. A word in double quotes may hold white space, and
// \" and \\ there; # begins a comment where a word could begin.
func split(line string) (words []string, why string) {
	for at := 0; ; {
		for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
			at++
		}
		if at == len(line) || line[at] == '#' {
			return words, ""
		}
		var word string
		if word, at, why = nextWord(line, at); why != "" {
			return nil, why
		}
		words = append(words, word)
	}
}

// nextWord gives the word that begins at a place, and where it ends.
func nextWord(line string, at int) (word string, end int, why string) {
	var b []byte
	quoted := line[at] == '"'
	if quoted {
		at++
	}
	for ; at < len(line); at++ {
		switch c := line[at]; {
		case c < ' ' && c != '\t', c == 0x7f:
			return "", 0, "a control character (byte " + strconv.Itoa(int(c)) + ")"
		case !quoted && (c == ' ' || c == '\t'):
			return string(b), at, ""
		case !quoted && c == '"':
			return "", 0, `a " inside of a word`
		case quoted && c == '"':
			if at++; at < len(line) && line[at] != ' ' && line[at] != '\t' {
				return "", 0, `white space is missing behind a "`
			}
			return string(b), at, ""
		case quoted && c == '\\':
			if at++; at == len(line) || line[at] != '"' && line[at] != '\\' {
				return "", 0, `\ stands before " and \ only`
			}
			b = append(b, line[at])
		default:
			b = append(b, c)
		}
	}
	if quoted {
		return "", 0, `a " is missing`
	}
	return string(b), at, ""
}

// isName reports whether s can be the name of a service or an endpoint: lower-case
// letters, digits and '-', with a letter first.
func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= MaxName
}

func badName(s string) string {
	return quote(s) + " is no name: lower-case letters, digits and -, a letter first, at most " + strconv.Itoa(MaxName) + " bytes"
}

// quote makes a word that may be long or strange fit for a message.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strconv.Quote(s)
}

// number reads a number, decimal or with 0x in front.
func number(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 0, 63)
	return n, err == nil && !strings.Contains(s, "_")
}

// sizeUnits are the units of sizes in bytes.
var sizeUnits = map[byte]uint64{'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}

// size reads a number of bytes, with a unit or not.
func size(s string) (uint64, bool) {
	unit := uint64(1)
	if n := len(s); n > 0 && sizeUnits[s[n-1]] != 0 {
		unit, s = sizeUnits[s[n-1]], s[:n-1]
	}
	n, ok := number(s)
	return n * unit, ok && n <= 1<<63/unit-1
}

// duration reads a time such as 10ms, 0 or more.
func duration(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0
}
