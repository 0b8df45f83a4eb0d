// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"errors"
	"fmt"
)

// Where a table stands in the document, between two comment lines.
func tableBegin(arch string) []byte {
	return fmt.Appendf(nil, "<!-- table: written by ./x bench%s --keep -->\n", flagOf(arch))
}

var tableEnd = []byte("<!-- end of table -->\n")

// Document returns the document with the table of an architecture replaced.
func Document(doc []byte, arch string, table []byte) ([]byte, error) {
	begin := tableBegin(arch)
	head, rest, ok := bytes.Cut(doc, begin)
	if !ok {
		return nil, errors.New("no line that begins the table")
	}
	_, tail, ok := bytes.Cut(rest, tableEnd)
	if !ok {
		return nil, errors.New("no line that ends the table")
	}
	return bytes.Join([][]byte{head, begin, table, tableEnd, tail}, nil), nil
}
