// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"errors"
)

// Where the table stands in the document, between two comment lines.
var (
	tableBegin = []byte("<!-- table: written by ./x bench --keep -->\n")
	tableEnd   = []byte("<!-- end of table -->\n")
)

// Document returns the document with its table replaced.
func Document(doc, table []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(doc, tableBegin)
	if !ok {
		return nil, errors.New("no line that begins the table")
	}
	_, tail, ok := bytes.Cut(rest, tableEnd)
	if !ok {
		return nil, errors.New("no line that ends the table")
	}
	return bytes.Join([][]byte{head, tableBegin, table, tableEnd, tail}, nil), nil
}
