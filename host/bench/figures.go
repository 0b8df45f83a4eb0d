// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Figure is one measured value.
type Figure struct {
	Name  string // lower-case words joined by underscores
	Value float64
	Unit  string // such as ns, KiB
}

// Figures are figures in a fixed order, at most one of a name.
type Figures []Figure

// Get returns the figure of a name.
func (f Figures) Get(name string) (Figure, bool) {
	for _, x := range f {
		if x.Name == name {
			return x, true
		}
	}
	return Figure{}, false
}

// Only returns the figures of those names; no names mean all.
func (f Figures) Only(names []string) Figures {
	return slices.DeleteFunc(slices.Clone(f), func(x Figure) bool { return !chosen(x.Name, names) })
}

// Bounds of a file of figures.
const (
	maxFigures = 1000
	maxLine    = 200
	maxValue   = 1e15
)

// Parse reads lines `name value unit`. Empty lines and those that begin with
// "#" are skipped. The first line that is anything else is an error.
func Parse(text []byte) (Figures, error) {
	var out Figures
	err := eachLine(text, func(fields []string) error {
		f, err := parseFigure(fields)
		if err != nil {
			return err
		}
		if _, twice := out.Get(f.Name); twice {
			return fmt.Errorf("%s a second time", f.Name)
		}
		out = append(out, f)
		return nil
	})
	return out, err
}

// eachLine calls f with the fields of each line that has content.
func eachLine(text []byte, f func(fields []string) error) error {
	n, used := 0, 0
	for line := range bytes.Lines(text) {
		n++
		if len(line) > maxLine && line[0] != '#' {
			return fmt.Errorf("line %d is longer than %d bytes", n, maxLine)
		}
		fields := strings.Fields(string(line))
		if len(fields) == 0 || fields[0][0] == '#' {
			continue
		}
		if used++; used > maxFigures {
			return fmt.Errorf("more than %d figures", maxFigures)
		}
		if err := f(fields); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

func parseFigure(fields []string) (Figure, error) {
	if len(fields) != 3 {
		return Figure{}, fmt.Errorf("%d words, want name, value and unit", len(fields))
	}
	f := Figure{Name: fields[0], Unit: fields[2]}
	if !isName(f.Name) {
		return Figure{}, fmt.Errorf("%q is no name of a figure", f.Name)
	}
	if !isUnit(f.Unit) {
		return Figure{}, fmt.Errorf("%q is no unit", f.Unit)
	}
	v, err := strconv.ParseFloat(fields[1], 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > maxValue || fields[1][0] < '0' || fields[1][0] > '9' {
		return Figure{}, fmt.Errorf("%q is no value", fields[1])
	}
	f.Value = rounded(v)
	return f, nil
}

func isName(s string) bool {
	for i, c := range []byte(s) {
		digit := c >= '0' && c <= '9' || c == '_'
		if !(c >= 'a' && c <= 'z' || digit && i > 0) {
			return false
		}
	}
	return s != "" && len(s) <= 60
}

func isUnit(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= 12
}

// rounded keeps one decimal, as the files do.
func rounded(v float64) float64 { return math.Round(v*10) / 10 }

// value is how a file shows a value: one decimal, none if it is zero.
func value(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(rounded(v), 'f', 1, 64), ".0")
}

// Format writes figures as Parse reads them.
func (f Figures) Format() []byte {
	var b bytes.Buffer
	for _, x := range f {
		fmt.Fprintf(&b, "%s %s %s\n", x.Name, value(x.Value), x.Unit)
	}
	return b.Bytes()
}
