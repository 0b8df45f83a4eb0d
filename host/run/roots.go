// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"loam/abi"
)

// roots are the certificates of the authorities that Mozilla trusts, as the file that programs read them from: of those in the
// package, all that are trusted without a condition, for which such a file has no place. They are loam's and not the host's, so that
// the same program finds the same ones everywhere.
func roots() guestFile {
	var b bytes.Buffer
	for r := range bundle.Roots() {
		if r.Constraint == nil {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate})
		}
	}
	return fileOf(abi.RootsFile, b.Bytes())
}
