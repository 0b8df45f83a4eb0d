// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/abi/channel"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wellFormed reads an SVG file as XML, and checks that each class has a style.
func wellFormed(t *testing.T, b []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = true
	styled := map[string]bool{}
	style, _, _ := strings.Cut(string(b), "</style>")
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %.3000s", err, b)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range e.Attr {
			if strings.Contains(a.Value, "-") && slices.Contains([]string{"x", "y", "width", "height"}, a.Name.Local) {
				t.Fatalf("%s=%q of %s", a.Name.Local, a.Value, e.Name.Local)
			}
			if a.Name.Local != "class" {
				continue
			}
			for _, c := range strings.Fields(a.Value) {
				if !styled[c] && !strings.Contains(style, "."+c+" ") && !strings.Contains(style, "."+c+",") {
					t.Fatalf("class %s has no style", c)
				}
				styled[c] = true
			}
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has changed; look at it, and run the test with -update if it is right", path)
	}
}

func TestGolden(t *testing.T) {
	m, err := small().decode()
	if err != nil {
		t.Fatal(err)
	}
	info := Info{Program: `a <b> & "c"` + "\x1b\xff", Machine: "microvm", MemoryMiB: 8, CPUs: 1}
	svg := m.SVG(info)
	wellFormed(t, svg)
	golden(t, "small.svg", svg)
	golden(t, "small.txt", m.Text(info))
	if !bytes.Equal(svg, m.SVG(info)) {
		t.Error("the same map makes another picture")
	}
}

// TestRing: the host channel's ring has its name where the machine has it.
func TestRing(t *testing.T) {
	const frame, frames = 0x805b0, channel.RingSize >> pageShift
	m, err := begin(channel.MapAtEnd).owner(1, "kernel").put(at(frame), word(channel.MapRun, 1, frames), free(16)).end().decode()
	if err != nil {
		t.Fatal(err)
	}
	for ring, want := range map[uint64]bool{frame << pageShift: true, channel.RingAddr: false, 0: false} {
		svg := m.SVG(Info{Program: "x", Machine: "virt", MemoryMiB: 8, CPUs: 1, Ring: ring})
		if got := bytes.Contains(svg, []byte("ring of the host channel")); got != want {
			t.Errorf("ring at %#x: named %v", ring, got)
		}
	}
}

// scattered makes a map of blocks as a buddy allocator has them: aligned to their
// size, in regions, with holes.
func scattered(rng *rand.Rand, regions [][2]uint64, most int) *Map {
	p := begin(channel.MapAtTime).owner(1, "kernel").owner(2, "user").owner(3, "page table").owner(4, "kernel heap").owner(5, "odd <one>")
	for _, r := range regions {
		words := []channel.MapWord{at(r[0])}
		for f := r[0]; f < r[1]; {
			n := uint64(1) << min(bits.TrailingZeros64(f|1<<18), bits.Len64(r[1]-f)-1, rng.IntN(most+1))
			switch k := rng.IntN(10); {
			case k < 4:
				words = append(words, free(n))
			case k < 5:
				words = append(words, word(channel.MapCached, 0, n))
			case k < 8:
				words = append(words, word(channel.MapSingles, uint8(1+rng.IntN(5)), n))
			default:
				words = append(words, word(channel.MapRun, uint8(1+rng.IntN(5)), n))
			}
			f += n
			if len(words) > 8000 {
				p.put(words...)
				words = nil
			}
		}
		p.put(words...)
	}
	m, err := p.end().decode()
	if err != nil {
		panic(err)
	}
	return m
}

var machines = map[string][][2]uint64{
	"8 MiB":   {{1, 159}, {256, 2048}},
	"512 MiB": {{1, 159}, {256, 4096}, {4096, 130000}},
	"holes":   {{1, 2}, {900, 1000}, {5000, 5001}, {70000, 71234}, {1 << 20, 1<<20 + 3000}, {1 << 24, 1<<24 + 77}},
	"q35 4G":  {{1, 159}, {256, 4096}, {4096, 1 << 19}, {1 << 20, 1<<20 + 1<<19}},
	"64 GiB":  {{1, 159}, {256, 4096}, {4096, 3 << 18}, {1 << 20, 1<<24 + 1<<18}},
}

// TestGeometry wants each frame of each block drawn once, in its place: cells lie
// in their square, don't overlap, have the area of their order, and those that no
// block fills are of the smallest order.
func TestGeometry(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, regions := range machines {
		t.Run(name, func(t *testing.T) {
			m := scattered(rng, regions, 18)
			p := &picture{m: m, sum: m.Sum(), wide: 8, used: map[string]bool{}}
			var drawn, wanted uint64
			for i := range m.Blocks {
				wanted += m.Blocks[i].Frames
			}
			for _, s := range m.sections() {
				for k, r := range s.rows {
					if r.frame%(perRow<<s.tile) != 0 || k > 0 && r.frame <= s.rows[k-1].frame {
						t.Fatalf("row %d at %#x", k, r.frame)
					}
					for i := range uint64(perRow) {
						drawn += p.checkSquare(t, &s, r.frame+i<<s.tile)
					}
				}
			}
			if drawn != wanted {
				t.Errorf("%d frames drawn of %d", drawn, wanted)
			}
			svg := m.SVG(Info{Program: "x", Machine: "q35", MemoryMiB: 1, CPUs: 2})
			wellFormed(t, svg)
			if len(svg) > 1<<20 {
				t.Errorf("%d bytes", len(svg))
			}
		})
	}
}

// checkSquare returns how many frames of blocks a square shows.
func (p *picture) checkSquare(t *testing.T, s *section, frame uint64) uint64 {
	t.Helper()
	if p.filling(s, frame) >= 0 {
		return 1 << s.tile
	}
	var pixels [side][side]bool
	total := uint64(0)
	leaf := s.leaf(p.extra)
	p.m.walk(cell{frame: frame, order: s.tile, w: side, h: side}, leaf, [2]uint64{s.first, s.end}, func(c cell) {
		if c.frame < frame || c.frame+1<<c.order > frame+1<<s.tile || c.w*c.h != side*side>>(s.tile-c.order) {
			t.Fatalf("%+v in the square at %#x of order %d", c, frame, s.tile)
		}
		if c.partial && c.order > leaf {
			t.Fatalf("%+v is made by majority", c)
		}
		for y := c.y; y < c.y+c.h; y++ {
			for x := c.x; x < c.x+c.w; x++ {
				if pixels[y][x] {
					t.Fatalf("%+v overlaps another", c)
				}
				pixels[y][x] = true
			}
		}
		for i := p.m.at(c.frame); i < len(p.m.Blocks) && p.m.Blocks[i].Frame < min(c.frame+1<<c.order, s.end); i++ {
			b := &p.m.Blocks[i]
			total += min(b.End(), c.frame+1<<c.order, s.end) - max(b.Frame, c.frame, s.first)
		}
	})
	return total
}

// TestOrderOfReading: frames of a square rise from left to right and line by line,
// the quarters of quarters too.
func TestOrderOfReading(t *testing.T) {
	c := cell{order: 4, w: 16, h: 16}
	var walk func(c cell)
	var got [][2]int
	walk = func(c cell) {
		if c.order == 0 {
			got = append(got, [2]int{c.x / 4, c.y / 4})
			return
		}
		a, b := c.halves()
		walk(a)
		walk(b)
	}
	walk(c)
	for i, xy := range got {
		x, y := i&1|i>>1&2, i>>1&1|i>>2&2
		if xy != [2]int{x, y} {
			t.Errorf("frame %d at %v, want %d, %d", i, xy, x, y)
		}
	}
}

// TestWorst: the size stays below 1 MiB where no two neighbours are alike.
func TestWorst(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, most := range []int{0, 3} {
		m := scattered(rng, machines["q35 4G"], most)
		svg := m.SVG(Info{Program: "x", Machine: "q35", MemoryMiB: 4096, CPUs: 1})
		wellFormed(t, svg)
		if len(svg) > 1<<20 || len(svg) < 100<<10 {
			t.Errorf("blocks of up to order %d: %d bytes", most, len(svg))
		}
	}
}

// TestDocument: the picture in the documents is one of these.
func TestDocument(t *testing.T) {
	b, err := os.ReadFile("../../docs/pictures/memory-map.svg")
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, b)
	for _, want := range []string{"Physical memory of smpstress", "while it ran", "Owners", "Free blocks"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no %q", want)
		}
	}
}

func TestSizes(t *testing.T) {
	for frames, want := range map[uint64]string{0: "0 B", 1: "4 KiB", 3: "12 KiB", 256: "1 MiB", 257: "1 MiB", 300: "1.17 MiB",
		3000: "11.7 MiB", 126000: "492 MiB", 1 << 18: "1 GiB", 5 << 17: "2.5 GiB", 1 << 32: "16 TiB"} {
		if got := size(frames); got != want {
			t.Errorf("%d frames: %q, want %q", frames, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	for _, c := range []struct {
		part, whole uint64
		want        string
	}{{0, 0, "0 %"}, {0, 5, "0 %"}, {5, 5, "100 %"}, {1, 1 << 20, "<0.01 %"}, {1, 300, "0.33 %"}, {1, 3, "33.3 %"}, {99999, 100000, "99.9 %"}} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}
