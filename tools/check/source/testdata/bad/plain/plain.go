// SPDX-License-Identifier: Apache-2.0
package plain

import  "os"

// Documented is fine.
type Documented struct{}

type Bare struct{}

// Group is documented.
const (
	A = 1
	B = 2
)

var (
	C = os.Args
	D = 1 // D is documented on its line
	e = 2
)

func Exported() {}

func (Documented) String() string { return "" }
func (*Documented) Method()       {}
func (hidden) Method()            {}

type hidden struct{}
