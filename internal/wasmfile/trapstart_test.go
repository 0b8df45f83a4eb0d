// SPDX-License-Identifier: Apache-2.0

package wasmfile_test

import (
	"bytes"
	"errors"
	"testing"

	"loam/internal/wasmfile"
	"loam/test/wasm"
)

func TestTrapStart(t *testing.T) {
	hello := wasm.Hello()
	b, err := wasmfile.TrapStart(hello)
	if err != nil {
		t.Fatal(err)
	}
	was, _ := wasmfile.Check(hello)
	is, err := wasmfile.Check(b)
	if err != nil {
		t.Fatal(err)
	}
	if is.Functions != was.Functions || len(is.Sections) != len(was.Sections) || len(b) >= len(hello) {
		t.Errorf("%+v became %+v", was, is)
	}
	again, err := wasmfile.TrapStart(b)
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("a second time it is another, %v", err)
	}
	if _, err := wasmfile.TrapStart(wasm.Library()); !errors.Is(err, wasmfile.ErrMalformed) {
		t.Errorf("without _start: %v", err)
	}
}
