// SPDX-License-Identifier: Apache-2.0

package run

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"testing"
)

// TestRoots: they are certificates that Go takes, as many as there ought to be, one of them known to everybody.
func TestRoots(t *testing.T) {
	f := roots()
	b, err := io.ReadAll(f.data)
	if err != nil || int64(len(b)) != f.size {
		t.Fatal(len(b), f.size, err)
	}
	n := 0
	for p, rest := pem.Decode(b); p != nil; p, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(p.Bytes); err != nil {
			t.Error(err)
		}
		n++
	}
	if n < 50 || n > 500 {
		t.Errorf("%d roots", n)
	}
}
