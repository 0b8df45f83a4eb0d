// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"reflect"
	"unsafe"
)

// wazeroCPU is wazero's own variable, platform.CpuFeatures, in a program that
// links wazero's compiler, and a variable nobody reads in any other.
//
//go:linkname wazeroCPU github.com/tetratelabs/wazero/internal/platform.CpuFeatures
var wazeroCPU uint64

// WazeroCPU returns the CPU features wazero compiles for, in its own encoding,
// which is 0 in a program without wazero and on architectures that its
// compiler does not know.
func WazeroCPU() uint64 { return wazeroCPU }

// SetWazeroCPU makes wazero compile for a CPU with the given features. It must
// be called before the first wazero runtime is made, and a process that has
// called it must not run the code it compiles: this CPU may lack the features.
func SetWazeroCPU(features uint64) { wazeroCPU = features }

// Errors of SetField.
var (
	errNotStruct = errors.New("sys: not a pointer to a struct")
	errNoField   = errors.New("sys: no such field, or not of interface type")
	errNotImpl   = errors.New("sys: value does not implement the field's type")
)

// SetField stores value in the unexported field of interface type of the
// struct that object points to. It refuses, changing nothing, when the struct
// has no such field, when the field is not an interface, or when value does
// not implement it; so a changed layout is an error, never corrupted memory.
func SetField(object any, field string, value any) error {
	v := reflect.ValueOf(object)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return errNotStruct
	}
	f := v.Elem().FieldByName(field)
	if !f.IsValid() || f.Kind() != reflect.Interface {
		return errNoField
	}
	n := reflect.ValueOf(value)
	if !n.IsValid() || !n.Type().Implements(f.Type()) {
		return errNotImpl
	}
	// SAFETY: f is an addressable field of type f.Type(); NewAt only drops the
	// read-only mark that reflection puts on unexported fields.
	reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().Set(n)
	return nil
}
