// SPDX-License-Identifier: Apache-2.0

package net

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

const (
	address = 0x8000_0000
	all     = uint64(features)
	// rings are the kinds of queues.
	split  = uint64(virtio.FeatureVersion1)
	events = split | virtio.FeatureEventIndex | virtio.FeatureIndirect
	packed = events | virtio.FeatureRingPacked
)

var testOptions = Options{Pairs: 4, Receive: 256, Transmit: 256, Buffer: 2048}

// model is an honest device: it keeps buffers for frames until a test has one come, and has what was sent.
type model struct {
	dev      *virtiotest.Device
	room     [8][]virtiotest.Chain // by receive queue
	sent     []sent
	hold     bool // frames that are to be sent are kept
	held     []virtiotest.Chain
	commands [][]byte
	answer   byte // to commands
}

// sent is a frame that the driver has sent.
type sent struct {
	queue  int
	header [headerSize]byte
	frame  []byte
}

func (x *model) serve(queue int, c virtiotest.Chain) (int, bool) {
	switch {
	case queue == len(x.dev.Max)-1 && x.dev.Accepted&featureMultiqueue != 0:
		x.commands = append(x.commands, c.Read())
		return c.Write(0, []byte{x.answer}), true
	case queue&1 == 0:
		x.room[queue/2] = append(x.room[queue/2], c)
		return 0, false
	case x.hold:
		x.held = append(x.held, c)
		return 0, false
	}
	x.take(queue, c)
	return 0, true
}

func (x *model) take(queue int, c virtiotest.Chain) {
	b := c.Read()
	s := sent{queue: queue, frame: b[headerSize:]}
	copy(s.header[:], b)
	x.sent = append(x.sent, s)
}

// come has a frame come, behind a header without its number of buffers.
func (x *model) come(pair int, header [headerSize]byte, frame []byte) bool {
	rest := append(header[:], frame...)
	var used []virtiotest.Chain
	n := 0
	for room := x.room[pair]; n < len(rest); room = room[1:] {
		if len(room) == 0 {
			return false
		}
		used, n = append(used, room[0]), n+room[0].Room()
	}
	binary.LittleEndian.PutUint16(rest[atBuffers:], uint16(len(used)))
	x.room[pair] = x.room[pair][len(used):]
	for _, c := range used {
		n := c.Write(0, rest)
		rest = rest[n:]
		x.dev.Finish(2*pair, c, n)
	}
	return true
}

// config is a struct virtio_net_config.
func config(pairs, mtu int) []byte {
	b := []byte{0x52, 0x54, 0, 0x12, 0x34, 0x56, statusUp, 0}
	b = binary.LittleEndian.AppendUint16(b, uint16(pairs))
	return binary.LittleEndian.AppendUint16(b, uint16(mtu))
}

type world struct {
	*model
	card *Card
	t    testing.TB
}

func tryOpen(t testing.TB, offered uint64, o Options, change func(*virtiotest.Device)) (*world, error) {
	t.Helper()
	b := make([]byte, o.Bytes())
	m, err := virtio.NewMemory(b, address)
	if err != nil {
		t.Fatal(err)
	}
	x := &model{}
	x.dev = &virtiotest.Device{
		Type: virtio.DeviceNet, Features: offered, Max: slices.Repeat([]int{256}, 9), Config: config(4, 1400),
		Guest: virtiotest.Guest{Bytes: b, Address: address}, Serve: x.serve,
	}
	if offered&featureMultiqueue == 0 {
		x.dev.Max = x.dev.Max[:2]
	}
	if change != nil {
		change(x.dev)
	}
	tr, err := virtio.NewMMIO(virtiotest.NewMMIO(x.dev))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(tr, virtio.NewArena(m), o)
	return &world{x, c, t}, err
}

func open(t testing.TB, offered uint64, o Options) *world {
	t.Helper()
	w, err := tryOpen(t, offered, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// arm arms, and looks at what the device says.
func (w *world) arm() bool {
	w.t.Helper()
	more, err := w.card.Arm()
	if err != nil {
		w.t.Fatal(err)
	}
	return more
}

// next gives the frame that has come.
func (w *world) next(pair int) (Frame, []byte) {
	w.t.Helper()
	f, ok, err := w.card.Next(pair)
	if err != nil || !ok {
		w.t.Fatal("no frame:", err)
	}
	b := make([]byte, f.Length)
	if err := errors.Join(w.card.Take(pair, b[:len(b)/5], b[len(b)/5:]), w.card.Kick()); err != nil {
		w.t.Fatal(err)
	}
	return f, b
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// TestFrames: frames of all lengths, both ways, with each kind of queue, with and without what is offered.
func TestFrames(t *testing.T) {
	for _, ring := range []uint64{split, events, packed} {
		for _, offered := range []uint64{0, featureMergeable, all &^ featureMultiqueue, all} {
			t.Run(fmt.Sprintf("%#x/%#x", ring, offered), func(t *testing.T) {
				w := open(t, ring|offered, testOptions)
				w.arm()
				for _, n := range []int{14, 60, 1400, 1414, 2035, 2036, 2037, 9000, MaxFrame} {
					if n <= 2036 || offered&featureMergeable != 0 {
						w.comes(t, n)
					}
					if n <= 1414 {
						w.goes(t, n)
					}
				}
				if _, err := w.card.Send(0, Offload{}, pattern(13)); err != ErrFrame {
					t.Error(err)
				}
				if _, err := w.card.Send(0, Offload{}, pattern(1501+14)); err != ErrFrame {
					t.Error(err)
				}
				if w.dev.Err != nil {
					t.Error(w.dev.Err)
				}
			})
		}
	}
}

func (w *world) comes(t *testing.T, n int) {
	for pair := range w.card.Receiving() {
		if !w.come(pair, [headerSize]byte{}, pattern(n)) {
			t.Fatal("no room for", n)
		}
		if !w.dev.Pending() {
			t.Fatal("no interrupt")
		}
		if _, err := w.card.Device().Interrupt(); err != nil {
			t.Fatal(err)
		}
		if f, b := w.next(pair); f != (Frame{Length: n}) || !bytes.Equal(b, pattern(n)) {
			t.Fatalf("%+v of %d", f, n)
		}
		if w.arm() {
			t.Fatal("more")
		}
	}
}

func (w *world) goes(t *testing.T, n int) {
	b := pattern(n)
	for pair := range w.card.Sending() {
		if ok, err := w.card.Send(pair, Offload{}, b[:5], nil, b[5:]); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := w.card.Kick(); err != nil {
			t.Fatal(err)
		}
		s := w.sent[len(w.sent)-1]
		if s.queue != 2*pair+1 || s.header != [headerSize]byte{} || !bytes.Equal(s.frame, b) {
			t.Fatalf("%d bytes of %d", len(s.frame), n)
		}
	}
}

// TestInfo: what a device says of itself.
func TestInfo(t *testing.T) {
	w := open(t, split|all, testOptions)
	want := Info{[6]byte{0x52, 0x54, 0, 0x12, 0x34, 0x56}, 1400, true, 4, true, true, true}
	if w.card.Info() != want {
		t.Errorf("%+v", w.card.Info())
	}
	w.dev.Change(func(b []byte) { b[atStatus] = 0 })
	if err := w.card.Refresh(); err != nil || w.card.Info().Up {
		t.Error(err, w.card.Info())
	}
	bare := open(t, split, testOptions).card.Info()
	if bare.MAC[0]&3 != 2 || bare.MTU != 1500 || !bare.Up || bare.MaxPairs != 1 || bare.Checksums {
		t.Errorf("%+v", bare)
	}
}

// TestPairs: one pair is used until the device has agreed, or for good if it doesn't.
func TestPairs(t *testing.T) {
	for answer, want := range []int{4, 1} {
		b := []byte{classPairs, commandPairs, 4, 0}
		w := open(t, events|all, testOptions)
		if w.card.Sending() != 1 || w.card.Receiving() != 4 || len(w.commands) != 1 || !bytes.Equal(w.commands[0], b) {
			t.Fatal(w.card.Sending(), w.card.Receiving(), w.commands)
		}
		w.card.control.memory.Bytes()[atAnswer] = byte(answer)
		if w.arm(); w.card.Sending() != want {
			t.Errorf("answer %d: %d pairs", answer, w.card.Sending())
		}
		if _, err := w.card.Send(want, Offload{}, pattern(60)); err != ErrFrame {
			t.Error(err)
		}
	}
	o := testOptions
	for pairs, each := range map[int]int{1: 256, 2: 128, 3: 64, 4: 64} { // they share the buffers
		w, err := tryOpen(t, events|all, o, func(d *virtiotest.Device) { d.Config, d.Max = config(pairs, 1400), d.Max[:2*pairs+1] })
		if err != nil || w.card.Receiving() != pairs || len(w.room[pairs-1]) != each {
			t.Errorf("a device with %d pairs: %v", pairs, err)
		}
	}
	o.Pairs = 1
	if w := open(t, events|all, o); len(w.commands) != 0 || w.dev.Accepted&(featureControl|featureMultiqueue) != 0 {
		t.Errorf("%v, features %#x", w.commands, w.dev.Accepted)
	}
}

// TestOffload: headers both ways, those that can be and those that can't.
func TestOffload(t *testing.T) {
	w := open(t, events|all, testOptions)
	big := Offload{Partial: true, ChecksumStart: 34, ChecksumOffset: 16, Segments: TCPv4, SegmentSize: 1360, HeaderLength: 54}
	if ok, err := w.card.Send(0, big, pattern(MaxFrame)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := w.card.Kick(); err != nil {
		t.Fatal(err)
	}
	want := [headerSize]byte{1, 1, 54, 0, 0x50, 0x05, 34, 0, 16, 0}
	if s := w.sent[0]; s.header != want || !bytes.Equal(s.frame, pattern(MaxFrame)) {
		t.Errorf("% x", s.header)
	}
	if !w.come(1, want, pattern(40000)) {
		t.Fatal("no room")
	}
	big.HeaderLength = 0
	if f, _ := w.next(1); f.Offload != big {
		t.Errorf("%+v", f)
	}
	for _, o := range []Offload{
		{Partial: true, ChecksumStart: 59}, {Partial: true, ChecksumStart: 65535, ChecksumOffset: 65535}, {Valid: true},
		{Segments: TCPv4, SegmentSize: 100}, {Segments: TCPv4, Partial: true}, {Segments: 3, Partial: true, SegmentSize: 1},
		{Segments: TCPv6, Partial: true, SegmentSize: 9, HeaderLength: 61},
	} {
		if ok, err := w.card.Send(0, o, pattern(60)); ok || err != ErrFrame {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if w.dev.Err != nil {
		t.Error(w.dev.Err)
	}
}

// TestMalformed: frames with headers that can't be are dropped, and the next one comes.
func TestMalformed(t *testing.T) {
	for name, c := range map[string]struct {
		offered uint64
		header  [headerSize]byte
		length  int
	}{
		"checksum not agreed upon": {featureMergeable, [headerSize]byte{1}, 60},
		"valid not agreed upon":    {featureMergeable, [headerSize]byte{2}, 60},
		"checksum outside":         {all, [headerSize]byte{1, 0, 0, 0, 0, 0, 43, 0, 16, 0}, 60},
		"far outside":              {all, [headerSize]byte{1, 0, 0, 0, 0, 0, 255, 255, 255, 255}, 60},
		"segments of nothing":      {all, [headerSize]byte{1, 1}, 60},
		"without a checksum":       {all, [headerSize]byte{0, 1, 0, 0, 1}, 60},
		"UDP":                      {all, [headerSize]byte{1, 3, 0, 0, 1}, 60},
		"segments not agreed upon": {all &^ featureGuestTCP6, [headerSize]byte{1, 4, 0, 0, 1}, 60},
		"short":                    {all, [headerSize]byte{}, 13},
		"empty":                    {all, [headerSize]byte{}, 0},
		"long":                     {all, [headerSize]byte{}, MaxFrame + 1},
	} {
		w := open(t, events|c.offered, testOptions)
		w.come(0, c.header, make([]byte, c.length))
		w.come(0, [headerSize]byte{}, pattern(77))
		if f, b := w.next(0); f.Length != 77 || !bytes.Equal(b, pattern(77)) || w.card.Stats().Malformed != 1 || w.card.Stats().Received != 1 {
			t.Errorf("%s: %+v, %+v", name, f, w.card.Stats())
		}
		if len(w.room[0]) != testOptions.each(len(w.card.pairs)).Receive {
			t.Errorf("%s: %d buffers are left", name, len(w.room[0]))
		}
	}
}

// TestLies: what ends a device.
func TestLies(t *testing.T) {
	w := open(t, events|all, testOptions)
	most := uint16(w.card.pairs[0].in.most)
	for name, buffers := range map[string][]struct {
		count  uint16
		length int
	}{
		"no header":           {{1, 11}},
		"nothing":             {{1, 0}},
		"no buffers":          {{0, 60}},
		"too many":            {{most + 1, 60}},
		"very many":           {{0xffff, 60}},
		"an empty one":        {{2, 2048}, {0, 0}},
		"more than was given": {{1, 2049}},
	} {
		w := open(t, events|all, testOptions)
		for i, b := range buffers {
			c := w.room[0][i]
			c.Writable[0][atBuffers], c.Writable[0][atBuffers+1] = byte(b.count), byte(b.count>>8)
			w.dev.Finish(0, c, b.length)
		}
		if _, ok, err := w.card.Next(0); ok || !errors.Is(err, virtio.ErrDevice) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.card.Arm(); !errors.Is(err, virtio.ErrDevice) {
			t.Errorf("%s: armed: %v", name, err)
		}
	}
	w.card.control.memory.Bytes()[atAnswer] = 7
	if _, err := w.card.Arm(); !errors.Is(err, virtio.ErrDevice) {
		t.Error("a command's answer:", err)
	}
}

// TestHalf: a frame whose buffers come one by one waits for the last.
func TestHalf(t *testing.T) {
	w := open(t, events|all, testOptions)
	w.arm()
	room := w.room[0]
	room[0].Writable[0][atBuffers] = 3
	for i, n := range []int{2048, 2048, 100} {
		if _, ok, err := w.card.Next(0); ok || err != nil {
			t.Fatal(i, ok, err)
		}
		if w.arm() {
			t.Fatal("more")
		}
		w.dev.Finish(0, room[i], n)
		if !w.dev.Pending() {
			t.Fatal("no interrupt")
		}
	}
	if f, _ := w.next(0); f.Length != 4196-headerSize {
		t.Error(f)
	}
}

// TestRefused: what can't be opened.
func TestRefused(t *testing.T) {
	protocol := func(err error) bool { return errors.Is(err, virtio.ErrDevice) }
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	for name, c := range map[string]struct {
		offered uint64
		options func(*Options)
		change  func(*virtiotest.Device)
		want    func(error) bool
	}{
		"a group's address":   {all, nil, func(d *virtiotest.Device) { d.Config[0] |= 1 }, protocol},
		"packets too small":   {all, nil, func(d *virtiotest.Device) { d.Config[atMTU], d.Config[atMTU+1] = 67, 0 }, protocol},
		"no pairs":            {all, nil, func(d *virtiotest.Device) { d.Config[atMaxPairs] = 0 }, protocol},
		"short configuration": {all, nil, func(d *virtiotest.Device) { d.Config = d.Config[:8] }, is(virtio.ErrConfig)},
		"no queues":           {0, nil, func(d *virtiotest.Device) { d.Max = nil }, is(virtio.ErrNoQueue)},
		"no control queue":    {all, nil, func(d *virtiotest.Device) { d.Max = d.Max[:8] }, is(virtio.ErrNoQueue)},
		"large packets":       {featureMTU, nil, func(d *virtiotest.Device) { d.Config[atMTU], d.Config[atMTU+1] = 0xff, 0xff }, is(virtio.ErrMemory)},
		"another type":        {all, nil, func(d *virtiotest.Device) { d.Type = virtio.DeviceBlock }, is(virtio.ErrNotVirtio)},
		"no pair wanted":      {all, func(o *Options) { o.Pairs = 0 }, nil, is(virtio.ErrMemory)},
		"no buffers":          {all, func(o *Options) { o.Receive = 1 }, nil, is(virtio.ErrMemory)},
		"small buffers":       {all, func(o *Options) { o.Buffer = 100 }, nil, is(virtio.ErrMemory)},
	} {
		o := testOptions
		if c.options != nil {
			c.options(&o)
		}
		if _, err := tryOpen(t, split|c.offered, o, c.change); err == nil || !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What means nothing alone isn't taken.
	w := open(t, split|featureHostTCP4|featureGuestTCP6|featureGuestChecksum|featureMultiqueue, testOptions)
	if w.dev.Accepted != split|featureGuestChecksum {
		t.Errorf("features %#x", w.dev.Accepted)
	}
}

// TestBlocked: who finds no room hears of it when there is.
func TestBlocked(t *testing.T) {
	for _, ring := range []uint64{split, events, packed} {
		w := open(t, ring|all, testOptions)
		w.hold = true
		w.arm()
		if _, err := w.card.Device().Interrupt(); err != nil { // of the control queue
			t.Fatal(err)
		}
		sent := 0
		for ; ; sent++ {
			if ok, err := w.card.Send(0, Offload{}, pattern(60)); err != nil {
				t.Fatal(err)
			} else if !ok {
				break
			}
			if err := w.card.Kick(); err != nil {
				t.Fatal(err)
			}
		}
		if sent != testOptions.each(4).Transmit || w.dev.Pending() || w.arm() {
			t.Fatal(sent, w.dev.Pending())
		}
		w.dev.Finish(1, w.held[0], 0)
		if !w.dev.Pending() || !w.arm() {
			t.Fatal("not told")
		}
		for i := range 2 {
			if ok, err := w.card.Send(0, Offload{}, pattern(60)); ok != (i == 0) || err != nil {
				t.Fatal(i, ok, err)
			}
		}
	}
}

// TestFlood: a device that sends without end is looked at as often as there are buffers.
func TestFlood(t *testing.T) {
	w := open(t, events|all, testOptions)
	bad := [headerSize]byte{0, 3}
	for w.come(0, bad, pattern(60)) {
	}
	serve := w.dev.Serve
	w.dev.Serve = func(queue int, c virtiotest.Chain) (int, bool) {
		if queue == 0 {
			c.Writable[0][atGSOType], c.Writable[0][atBuffers] = 3, 1
			return 60, true
		}
		return serve(queue, c)
	}
	for range 10 {
		before := w.card.Stats().Malformed
		if _, ok, err := w.card.Next(0); ok || err != nil || w.card.Stats().Malformed > before+uint64(testOptions.Receive) {
			t.Fatal(ok, err, w.card.Stats())
		}
		if err := w.card.Kick(); err != nil {
			t.Fatal(err)
		}
		if !w.arm() {
			t.Fatal("the rest is forgotten")
		}
	}
}

// TestRandom: frames by chance both ways, sent in any order, none lost and none changed.
func TestRandom(t *testing.T) {
	for i, ring := range []uint64{split, events, packed} {
		w := open(t, ring|all, testOptions)
		w.hold = true
		r := rand.New(rand.NewPCG(uint64(i), 1))
		var came, went [][]byte
		for range 20_000 {
			b := pattern(14 + r.IntN(1400))
			b[0] = byte(r.Uint32())
			switch r.IntN(4) {
			case 0:
				b = append(b, pattern(r.IntN(9000))...)
				if w.come(0, [headerSize]byte{}, b) {
					came = append(came, b)
				}
			case 1:
				if ok, err := w.card.Send(0, Offload{}, b); err != nil {
					t.Fatal(err)
				} else if ok {
					went = append(went, b)
				}
			case 2:
				if len(w.held) > 0 {
					at := r.IntN(len(w.held))
					w.finish(t, &went, at)
				}
			default:
				for f, ok, err := w.card.Next(0); ok || err != nil; f, ok, err = w.card.Next(0) {
					got := make([]byte, f.Length)
					if err := errors.Join(err, w.card.Take(0, nil, got)); err != nil || !bytes.Equal(got, came[0]) {
						t.Fatal("another frame came", err)
					}
					came = came[1:]
				}
				if err := w.card.Kick(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if w.dev.Err != nil || w.card.Stats().Sent < 1000 || w.card.Stats().Received < 1000 {
			t.Error(w.dev.Err, w.card.Stats())
		}
	}
}

// finish has the device send a frame that it holds, which is one of those that went.
func (w *world) finish(t *testing.T, went *[][]byte, at int) {
	c := w.held[at]
	w.held = slices.Delete(w.held, at, at+1)
	b := c.Read()[headerSize:]
	i := slices.IndexFunc(*went, func(x []byte) bool { return bytes.Equal(x, b) })
	if i < 0 {
		t.Fatal("a frame that wasn't sent")
	}
	*went = slices.Delete(*went, i, i+1)
	w.dev.Finish(1, c, 0)
}

// TestAllocations: nothing is allocated for a frame.
func TestAllocations(t *testing.T) {
	w := open(t, events|all, testOptions)
	c := w.card
	b, big := pattern(1000), pattern(9000)
	w.dev.Asleep = true // the model allocates
	got := testing.AllocsPerRun(20, func() {
		for range 3 {
			if ok, err := c.Send(0, Offload{}, b); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		if err := c.Kick(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Arm(); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations to send", got)
	}
	w.dev.Asleep = false
	for range 5 {
		w.come(0, [headerSize]byte{}, big)
	}
	w.dev.Asleep = true
	got = testing.AllocsPerRun(4, func() {
		f, ok, err := c.Next(0)
		if !ok || f.Length != len(big) || err != nil {
			t.Fatal(ok, err)
		}
		if err := errors.Join(c.Take(0, nil, big), c.Kick()); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations to receive", got)
	}
}
