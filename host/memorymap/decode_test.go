// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/abi/channel"
)

// pieces makes the payloads of a map, as a kernel does.
type pieces struct {
	all   [][]byte
	words uint64
}

func begin(m channel.MapMoment) *pieces {
	var b [channel.MapBeginSize]byte
	channel.PutMapBegin(&b, m, 1234567890, 1024)
	return &pieces{all: [][]byte{b[:]}}
}

func (p *pieces) owner(n byte, name string) *pieces {
	p.all = append(p.all, append([]byte{byte(channel.MapOwner), n}, name...))
	return p
}

// put adds words in one piece.
func (p *pieces) put(words ...channel.MapWord) *pieces {
	b := []byte{byte(channel.MapBlocks)}
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, uint64(w))
	}
	p.words += uint64(len(words))
	p.all = append(p.all, b)
	return p
}

func (p *pieces) end() *pieces {
	var b [channel.MapEndSize]byte
	channel.PutMapEnd(&b, p.words)
	p.all = append(p.all, b[:])
	return p
}

func (p *pieces) decode() (*Map, error) {
	var d Decoder
	for _, b := range p.all {
		d.Add(b)
	}
	return d.Map()
}

func word(k channel.MapKind, owner uint8, frames uint64) channel.MapWord {
	return channel.NewMapWord(k, owner, frames, false)
}

func at(frame uint64) channel.MapWord { return word(channel.MapRegion, 0, frame) }

func free(frames uint64) channel.MapWord { return word(channel.MapFree, 0, frames) }

// small is a machine of 8 MiB and a bit.
func small() *pieces {
	return begin(channel.MapAtEnd).owner(1, "kernel").owner(2, "user").owner(3, "archive").
		put(at(1800), word(channel.MapOutside, 3, 200)).
		put(at(1), word(channel.MapSingles, 1, 3), free(4), free(8), word(channel.MapCached, 0, 2), word(channel.MapSingles, 2, 14), free(32)).
		put(at(256), word(channel.MapRun, 1, 300), channel.NewMapWord(channel.MapSingles, 2, 20, true)).
		put(word(channel.MapRun, 2, 448), free(256), free(512)).end()
}

func TestDecode(t *testing.T) {
	m, err := small().decode()
	if err != nil {
		t.Fatal(err)
	}
	if m.Moment != channel.MapAtEnd || m.Time != 1234567890*time.Nanosecond || m.Reserve != 1024 || m.Owners[2] != "user" {
		t.Errorf("%+v", m)
	}
	if want := []Region{{1, 64}, {256, 1792}}; !slices.Equal(m.Regions, want) {
		t.Errorf("regions %v", m.Regions)
	}
	if n := len(m.Blocks); n != 12 || m.Blocks[11] != (Block{Frame: 1800, Frames: 200, Kind: channel.MapOutside, Owner: 3}) ||
		m.Blocks[7] != (Block{Frame: 556, Frames: 20, Kind: channel.MapSingles, Owner: 2, Shared: true}) {
		t.Errorf("blocks %v", m.Blocks)
	}
	s := m.Sum()
	if s.Total != 63+1536 || s.Free != 46+768 || s.Cached != 2 || s.Largest != 512 || s.Small != 46+256 || s.Outside != 200 {
		t.Errorf("%+v", s)
	}
	want := []OwnerSum{
		{Owner: 2, Name: "user", Frames: 482, Shared: 20, Runs: 1, Inside: true},
		{Owner: 1, Name: "kernel", Frames: 303, Runs: 1, Inside: true},
		{Owner: 3, Name: "archive", Frames: 200},
	}
	if !slices.Equal(s.Owned, want) {
		t.Errorf("%+v", s.Owned)
	}
}

// TestHostile: what no honest kernel sends is refused, each for its reason.
func TestHostile(t *testing.T) {
	ok := func() *pieces { return begin(0).owner(1, "x") }
	many := func() *pieces {
		p := ok()
		for i := range maxRegions + 1 {
			p.put(at(uint64(2*i)), free(1))
		}
		return p
	}
	for name, c := range map[string]struct {
		p    *pieces
		want string
	}{
		"nothing":         {&pieces{}, "no map"},
		"only begun":      {begin(0), "end"},
		"no end":          {ok().put(at(0), free(1)), "end"},
		"two beginnings":  {&pieces{all: append(begin(0).all, begin(0).all...)}, "order"},
		"no beginning":    {new(pieces).put(at(0)), "order"},
		"after the end":   {ok().put(at(0), free(1)).end().put(), "order"},
		"empty piece":     {&pieces{all: [][]byte{{}}}, "empty"},
		"unknown piece":   {&pieces{all: append(begin(0).all, []byte{9})}, "unknown piece"},
		"bad moment":      {begin(3), "beginning"},
		"no memory":       {ok().end(), "no memory"},
		"owner 0":         {begin(0).owner(0, "x"), "owner"},
		"owner 64":        {begin(0).owner(64, "x"), "owner"},
		"owner twice":     {ok().owner(1, "y"), "owner"},
		"owner no name":   {begin(0).owner(1, ""), "owner"},
		"owner long":      {begin(0).owner(1, strings.Repeat("x", 33)), "owner"},
		"owner control":   {begin(0).owner(1, "a\x1b[2J"), "name"},
		"half a word":     {&pieces{all: append(begin(0).all, []byte{3, 1, 2, 3})}, "half"},
		"wrong count":     {&pieces{all: append(ok().put(at(0), free(1)).all, append([]byte{4}, make([]byte, 8)...))}, "bad end"},
		"end in a region": {ok().put(at(0), free(1), at(5)).end(), "bad end"},
		"region twice":    {ok().put(at(0), at(1)), "region"},
		"region high":     {ok().put(at(MaxFrames)), "region"},
		"region owned":    {ok().put(word(channel.MapRegion, 1, 5)), "region"},
		"regions":         {many(), "too many regions"},
		"before a region": {ok().put(free(1)), "block"},
		"no frames":       {ok().put(at(0), free(0)), "block"},
		"past the end":    {ok().put(at(MaxFrames-1), free(2)), "block"},
		"huge":            {ok().put(at(0), free(1<<40-1)), "block"},
		"kind 0":          {ok().put(at(0), word(0, 1, 1)), "block"},
		"kind 7":          {ok().put(at(0), word(7, 1, 1)), "block"},
		"reserved bits":   {ok().put(at(0), free(1)|1<<60), "block"},
		"free but owned":  {ok().put(at(0), word(channel.MapFree, 1, 1)), "free block"},
		"free but shared": {ok().put(at(0), channel.NewMapWord(channel.MapFree, 0, 1, true)), "free block"},
		"nobody's":        {ok().put(at(0), word(channel.MapSingles, 0, 1)), "unknown owner"},
		"unknown owner":   {ok().put(at(0), word(channel.MapRun, 2, 1)), "unknown owner"},
		"owner 200":       {ok().put(at(0), word(channel.MapRun, 200, 1)), "unknown owner"},
		"falling":         {ok().put(at(5), free(1), at(4), free(1)), "rise"},
		"overlap":         {ok().put(at(5), free(5), at(9), free(1)), "rise"},
		"outside inside":  {ok().put(at(5), free(4), word(channel.MapOutside, 1, 1)), "outside"},
		"outside overlap": {ok().put(at(5), word(channel.MapOutside, 1, 3), at(7), free(1)).end(), "overlap"},
		"after outside":   {ok().put(at(5), word(channel.MapOutside, 1, 3), free(1)), "block"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := c.p.decode()
			if err == nil || m != nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, %v; want %q", m, err, c.want)
			}
		})
	}
}

// TestBounds: a kernel that sends without end is cut off.
func TestBounds(t *testing.T) {
	d := Decoder{}
	for _, p := range begin(0).put(at(1)).all {
		d.Add(p)
	}
	one := begin(0).put(slices.Repeat([]channel.MapWord{free(1)}, channel.MaxPayload/8-1)...).all[1]
	for range 1000 {
		d.Add(one)
	}
	if _, err := d.Map(); err == nil || !strings.Contains(err.Error(), "more than") || len(d.m.Blocks) != 0 {
		t.Fatalf("%v, %d blocks kept", err, len(d.m.Blocks))
	}
	if _, err := new(Decoder).Map(); !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
}

// FuzzDecode: whatever comes, what is kept is consistent and can be drawn.
func FuzzDecode(f *testing.F) {
	join := func(p *pieces) []byte {
		var b []byte
		for _, x := range p.all {
			b = append(append(b, byte(len(x))), x...)
		}
		return b
	}
	f.Add(join(small()))
	f.Add(join(begin(1).owner(1, "<&>").put(at(1<<20), word(channel.MapRun, 1, 1<<31), free(1<<30)).end()))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decoder
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			d.Add(b[1 : 1+n])
			b = b[1+n:]
		}
		m, err := d.Map()
		if err != nil {
			return
		}
		for i := range m.Blocks {
			if x := &m.Blocks[i]; x.Frames == 0 || x.End() > MaxFrames || i > 0 && x.Frame < m.Blocks[i-1].End() ||
				x.Free() != (x.Owner == 0) || !x.Free() && m.Owners[x.Owner] == "" {
				t.Fatalf("block %d: %+v", i, *x)
			}
		}
		wellFormed(t, m.SVG(Info{Program: "fuzz", Machine: "microvm", MemoryMiB: 8, CPUs: 1}))
		if text := m.Text(Info{}); len(text) == 0 {
			t.Fatal("no text")
		}
	})
}
