// SPDX-License-Identifier: Apache-2.0

package ninep

import (
	"strings"

	"loam/abi"
)

// ProtocolError says that the server broke the protocol. The client it happened to
// sends nothing more.
type ProtocolError struct {
	Request Type   // what had been asked
	What    string // what was wrong with the answer
}

func (e *ProtocolError) Error() string {
	return "ninep: the server broke the protocol in its answer to " + e.Request.String() + ": " + e.What
}

// Unwrap makes a ProtocolError EIO to those who want an error number.
func (e *ProtocolError) Unwrap() error { return abi.EIO }

// TransportError says that the transport to the server failed. The client it happened
// to sends nothing more.
type TransportError struct {
	Err error
}

func (e *TransportError) Error() string { return "ninep: transport: " + e.Err.Error() }

// Unwrap gives the cause, and EIO to those who want an error number.
func (e *TransportError) Unwrap() []error { return []error{e.Err, abi.EIO} }

// CheckName gives the error of a name that can't be one component of a path, and 0 for
// one that can: ENOENT it is empty; EINVAL it is "." or "..", or has a slash or NUL in it;
// ENAMETOOLONG it is longer than MaxName.
func CheckName(name string) abi.Errno {
	switch {
	case name == "":
		return abi.ENOENT
	case len(name) > MaxName:
		return abi.ENAMETOOLONG
	case name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return abi.EINVAL
	}
	return 0
}
