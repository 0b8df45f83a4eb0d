// SPDX-License-Identifier: Apache-2.0

// Package refused has interfaces that can't be served. The word behind "want" is in
// what the generator says.
package refused

import (
	"context"
	"time"

	"loam/abi"
	"loam/user/ipc"
)

// NoContext wants context.Context.
type NoContext interface{ F(a int) error }

// NoArguments wants context.Context.
type NoArguments interface{ F() error }

// Many wants list.
type Many interface {
	F(ctx context.Context, a ...int) error
}

// NoError wants error.
type NoError interface{ F(ctx context.Context) int }

// NoResult wants error.
type NoResult interface{ F(ctx context.Context) }

// Hidden wants exported.
type Hidden interface {
	f(ctx context.Context) error
}

// Pointer wants wire.
type Pointer interface {
	F(ctx context.Context, p *int) error
}

// Map wants wire.
type Map interface {
	F(ctx context.Context, m map[string]int) error
}

// Function wants wire.
type Function interface {
	F(ctx context.Context, f func()) error
}

// Channel wants wire.
type Channel interface {
	F(ctx context.Context) (chan int, error)
}

// Any wants wire.
type Any interface {
	F(ctx context.Context, a any) error
}

// Complex wants wire.
type Complex interface {
	F(ctx context.Context, c complex128) error
}

// Foreign wants field.
type Foreign interface {
	F(ctx context.Context, t time.Time) error
}

type tree struct{ Children []tree }

// Tree wants itself.
type Tree interface {
	F(ctx context.Context, t tree) error
}

// Empty wants nothing.
type Empty interface {
	F(ctx context.Context, e struct{}) error
}

// EmptyElements wants elements.
type EmptyElements interface {
	F(ctx context.Context, e [][0]int) error
}

// Long wants bytes.
type Long interface {
	F(ctx context.Context, e [65537]byte) error
}

// Longer wants bytes.
type Longer interface {
	F(ctx context.Context, a [5000]int64, b [5000]int64) error
}

// Number wants ipc.Handle.
type Number interface {
	F(ctx context.Context, h abi.Handle) error
}

// Handles wants handles.
type Handles interface {
	F(ctx context.Context, h []ipc.Handle) error
}

// FiveHandles wants handles.
type FiveHandles interface {
	F(ctx context.Context, a, b, c, d, e ipc.Handle) error
}

// Nothing wants methods.
type Nothing interface{}

// NameClient wants Client.
type NameClient interface {
	Client(ctx context.Context) error
}

// Structure wants interface.
type Structure struct{}
