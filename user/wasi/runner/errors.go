// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"io"
	"strings"

	wasys "github.com/tetratelabs/wazero/sys"
)

// The ways a run can fail that are not the module's own exit.
type (
	failure string // of the runner
	cannot  string // the module can't be run
	trap    string // the module trapped; wazero's text
)

func (e failure) Error() string { return string(e) }
func (e cannot) Error() string  { return string(e) }
func (e trap) Error() string    { return string(e) }

// wasmError opens wazero's text of a trap.
const wasmError = "wasm error: "

// panicked is the error of a panic.
func panicked(p any) error {
	return cannot("the machine has not enough memory for it, or the WebAssembly engine failed: " + text(p))
}

// exited reports whether an error is the module's own exit.
func exited(err error) bool {
	exit := (*wasys.ExitError)(nil)
	return errors.As(err, &exit)
}

// report tells people about an error, in one line but for a trap's stack, and
// returns the exit code that goes with it.
func (r *run) report(err error) int {
	exit := (*wasys.ExitError)(nil)
	if err == nil {
		return 0
	}
	if errors.As(err, &exit) {
		return int(int32(exit.ExitCode()))
	}
	code, line := ExitRunner, "loam: wasi runner: "+err.Error()
	switch e := err.(type) {
	case cannot:
		code, line = ExitCannot, "loam: cannot run "+r.name()+": "+string(e)
	case trap:
		code, line = ExitTrap, "loam: wasm trap: "+trapText(string(e))
	}
	_, _ = io.WriteString(r.Stderr, line+"\n")
	return code
}

// trapText drops wazero's words before a trap's reason.
func trapText(s string) string {
	if _, after, ok := strings.Cut(s, wasmError); ok {
		return after
	}
	return s
}

// name is how the module calls itself, for messages.
func (r *run) name() string {
	if len(r.Args) > 0 && r.Args[0] != "" {
		return r.Args[0]
	}
	return "module"
}

// note writes a line for people who asked for more.
func (r *run) note(s string) {
	if r.conf.Verbose {
		_, _ = io.WriteString(r.Stderr, "loam: wasm: "+s+"\n")
	}
}

// oneLine is an error's text without line breaks.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

// text is a recovered panic's value in words.
func text(p any) string {
	switch v := p.(type) {
	case error:
		return oneLine(v)
	case string:
		return v
	}
	return "unknown"
}
