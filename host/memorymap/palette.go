// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"fmt"
	"math"
)

// color is red, green and blue, 0 to 255.
type color [3]uint8

func (c color) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// theme are the colours of the page.
type theme struct {
	page, text, faint, line color
	hole, hatch             color // where there is no memory
	small, large            color // free blocks of 4 KiB and of 1 GiB; between, by order
	cached                  color
}

var light = theme{
	page: color{255, 255, 255}, text: color{31, 35, 40}, faint: color{89, 99, 110}, line: color{209, 217, 224},
	hole: color{250, 250, 250}, hatch: color{216, 216, 216},
	small: color{166, 180, 194}, large: color{234, 239, 244}, cached: color{175, 229, 190},
}

var dark = theme{
	page: color{13, 17, 23}, text: color{230, 237, 243}, faint: color{145, 152, 161}, line: color{61, 68, 77},
	hole: color{16, 20, 26}, hatch: color{48, 54, 61},
	small: color{76, 90, 104}, large: color{30, 38, 48}, cached: color{48, 121, 75},
}

// ownerColors are by name, for the owners that the kernel has. The first seven are
// those of M. Okabe and K. Ito, "Color Universal Design" (2002), that everybody can
// tell apart; the others were searched for. A test looks at all of them as people
// see them who lack one kind of cones.
var ownerColors = map[string]color{
	"user":         {230, 159, 0},
	"user file":    {240, 228, 66},
	"kernel heap":  {0, 114, 178},
	"page table":   {213, 94, 0},
	"table":        {86, 180, 233},
	"slab":         {0, 158, 115},
	"context":      {192, 106, 159},
	"kernel":       {110, 110, 110},
	"kernel stack": {120, 40, 140},
	"records":      {130, 84, 40},
	"archive":      {205, 178, 140},
	"dma":          {37, 90, 59},
	"boot":         {233, 76, 251},
}

// others are for owners that this program does not know by name.
var others = []color{{160, 0, 60}, {40, 40, 120}, {120, 120, 0}, {0, 90, 90}, {180, 140, 220}}

// ownerColor returns the colour of an owner.
func (m *Map) ownerColor(o Owner) color {
	if c, ok := ownerColors[m.Owners[o]]; ok {
		return c
	}
	return others[int(o)%len(others)]
}

// free returns the colour of a free block of an order.
func (t *theme) free(order int) color {
	x := math.Sqrt(float64(order) / (Orders - 1)) // small blocks differ more
	var c color
	for i := range c {
		c[i] = uint8(math.Round(float64(t.small[i])*(1-x) + float64(t.large[i])*x))
	}
	return c
}
