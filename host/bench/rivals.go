// SPDX-License-Identifier: Apache-2.0

package bench

import "fmt"

// Rivals are other systems' figures, by the system's name.
type Rivals map[string]Figures

// ParseRivals reads lines `system name value unit`, otherwise as Parse.
func ParseRivals(text []byte) (Rivals, error) {
	out := Rivals{}
	err := eachLine(text, func(fields []string) error {
		if !isName(fields[0]) {
			return fmt.Errorf("%q is no name of a system", fields[0])
		}
		f, err := parseFigure(fields[1:])
		if err != nil {
			return err
		}
		if _, twice := out[fields[0]].Get(f.Name); twice {
			return fmt.Errorf("%s %s a second time", fields[0], f.Name)
		}
		out[fields[0]] = append(out[fields[0]], f)
		return nil
	})
	return out, err
}
