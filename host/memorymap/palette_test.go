// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"math"
	"testing"
)

// sights are how people see: all three kinds of cones, or without one (G. Machado,
// M. Oliveira, L. Fernandes, "A Physiologically-based Model for Simulation of Color
// Vision Deficiency", 2009, severity 1), as matrices over linear RGB.
var sights = map[string][9]float64{
	"all cones":     {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"without red":   {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
	"without green": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
	"without blue":  {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
}

// lab is a colour in CIELAB (D65) as a sight has it.
func (c color) lab(m [9]float64) [3]float64 {
	var lin, seen [3]float64
	for i, v := range c {
		x := float64(v) / 255
		if lin[i] = x / 12.92; x > 0.04045 {
			lin[i] = math.Pow((x+0.055)/1.055, 2.4)
		}
	}
	for i := range seen {
		seen[i] = min(max(m[3*i]*lin[0]+m[3*i+1]*lin[1]+m[3*i+2]*lin[2], 0), 1)
	}
	f := func(v float64) float64 {
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x := f((0.4124*seen[0] + 0.3576*seen[1] + 0.1805*seen[2]) / 0.9505)
	y := f(0.2126*seen[0] + 0.7152*seen[1] + 0.0722*seen[2])
	z := f((0.0193*seen[0] + 0.1192*seen[1] + 0.9505*seen[2]) / 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// TestPalette wants the colours of all owners, of cached frames and of the smallest
// and largest free blocks told apart by everybody, in both themes. 2.3 is what can
// just be noticed side by side.
func TestPalette(t *testing.T) {
	const least = 10
	for _, theme := range []*theme{&light, &dark} {
		all := map[string]color{"(cached)": theme.cached, "(free, small)": theme.small, "(free, large)": theme.large}
		for name, c := range ownerColors {
			all[name] = c
		}
		for sight, m := range sights {
			for a, ca := range all {
				for b, cb := range all {
					if d := distance(ca.lab(m), cb.lab(m)); a < b && d < least {
						t.Errorf("%s: %s and %s differ by %.1f", sight, a, b, d)
					}
				}
			}
		}
	}
}
