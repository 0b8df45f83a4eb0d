// SPDX-License-Identifier: Apache-2.0

// Package exit holds the exit statuses of the loam command and the error type
// that carries one. Statuses that are not here belong to the guest's program
// and are passed on unchanged. The numbers are those that users of timeout(1),
// env(1), docker and the shells know.
package exit

import (
	"errors"
	"fmt"
)

const (
	// Timeout: the program was ended because --timeout ran out.
	Timeout = 124
	// Loam: loam itself failed; the program did not end by its own doing.
	Loam = 125
	// CannotRun: the file is not a program that loam can run.
	CannotRun = 126
	// NotFound: there is no such file.
	NotFound = 127
	// Signal is added to a signal's number: of the signal that the program
	// died of, or that loam was told to end by.
	Signal = 128
	// Trap: a WebAssembly module trapped (128 + SIGABRT).
	Trap = 134
)

// Error is an error with the status that loam exits with.
type Error struct {
	Code   int
	Text   string // one line, for people
	Detail string // more lines to show behind it (a log's tail), or empty
	Hint   string // what to type to mend it, or empty
	Err    error  // the cause, or nil
}

func (e *Error) Error() string {
	s := e.Text
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with a status and a text.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// Code returns the status that err asks for: that of the first Error in its
// chain, 0 for nil, and Loam for an error without one.
func Code(err error) int {
	if err == nil {
		return 0
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Loam
}
