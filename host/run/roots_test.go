// SPDX-License-Identifier: Apache-2.0

package run

import (
	"crypto/x509"
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
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		t.Fatal("none")
	}
	n := len(pool.Subjects()) //nolint:staticcheck // the pool isn't the system's
	if n < 50 || n > 500 {
		t.Errorf("%d roots", n)
	}
}
