// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// flow is a TCP stream of which a test makes frames.
type flow struct {
	six      bool
	port     uint16
	sequence uint32
	acked    uint32
	options  []byte
	window   uint16
}

// frame makes the next frame.
func (f *flow) frame(flags header.TCPFlags, data []byte) []byte {
	tcp := ipAt + header.IPv4MinimumSize
	if f.six {
		tcp = ipAt + header.IPv6MinimumSize
	}
	b := make([]byte, tcp+header.TCPMinimumSize+len(f.options)+len(data))
	copy(b[tcp+header.TCPMinimumSize:], f.options)
	copy(b[tcp+header.TCPMinimumSize+len(f.options):], data)
	h := header.TCP(b[tcp:])
	h.Encode(&header.TCPFields{
		SrcPort: f.port, DstPort: 80, SeqNum: f.sequence, AckNum: f.acked, Flags: flags, WindowSize: f.window,
		DataOffset: uint8(header.TCPMinimumSize + len(f.options)),
	})
	f.sequence += uint32(len(data))
	header.Ethernet(b).Encode(&header.EthernetFields{SrcAddr: "\x02\x00\x00\x00\x00\x01", DstAddr: "\x02\x00\x00\x00\x00\x02", Type: f.protocol()})
	from, to := f.addresses()
	if f.six {
		header.IPv6(b[ipAt:]).Encode(&header.IPv6Fields{
			PayloadLength: uint16(len(b) - tcp), TransportProtocol: header.TCPProtocolNumber, HopLimit: 64, SrcAddr: from, DstAddr: to,
		})
	} else {
		ip := header.IPv4(b[ipAt:])
		ip.Encode(&header.IPv4Fields{
			TotalLength: uint16(len(b) - ipAt), ID: uint16(f.sequence), Flags: header.IPv4FlagDontFragment, TTL: 64,
			Protocol: uint8(header.TCPProtocolNumber), SrcAddr: from, DstAddr: to,
		})
		ip.SetChecksum(^ip.CalculateChecksum())
	}
	sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, from, to, uint16(len(h)))
	h.SetChecksum(^checksum.Checksum(h, sum))
	return b
}

func (f *flow) protocol() tcpip.NetworkProtocolNumber {
	if f.six {
		return header.IPv6ProtocolNumber
	}
	return header.IPv4ProtocolNumber
}

func (f *flow) addresses() (from, to tcpip.Address) {
	n := 4
	if f.six {
		n = 16
	}
	b := make([]byte, n)
	b[n-1] = 1
	from = tcpip.AddrFromSlice(b)
	b[n-1] = 2
	return from, tcpip.AddrFromSlice(b)
}

// isTrue reports whether a frame's checksums are right, of those that segmentOf takes.
func isTrue(t *testing.T, b []byte) bool {
	t.Helper()
	s, ok := segmentOf(b)
	if !ok {
		t.Fatalf("no segment: %x", b)
	}
	var sum uint16
	if s.tcp == tcpAtV4 {
		ip := header.IPv4(b[ipAt:])
		if !ip.IsValid(len(b) - ipAt) {
			return false
		}
		sum = header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(b)-s.tcp))
	} else {
		ip := header.IPv6(b[ipAt:])
		if !ip.IsValid(len(b) - ipAt) {
			return false
		}
		sum = header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(b)-s.tcp))
	}
	return checksum.Checksum(b[s.tcp:], sum) == 0xffff
}

// gather has frames put together, with a flush now and then.
func gather(t *together, r *rand.Rand, frames [][]byte) (got [][]byte) {
	var done []frame
	for _, b := range frames {
		if !t.fits(len(b)) || r.IntN(100) == 0 {
			done = t.flush(done)
		}
		head, rest := t.room(len(b), b[len(b)-1]%4 == 1)
		copy(rest, b[copy(head, b):])
		done = t.add(len(b), done)
	}
	for _, f := range t.flush(done) {
		b := bytes.Clone(f.head.AsSlice())
		if f.data != nil {
			b = append(b, f.data.AsSlice()...)
		}
		got = append(got, b)
		f.release()
	}
	return got
}

// explain takes the frames that one that came out was made of from those that went in.
func explain(t *testing.T, got []byte, in [][]byte) (rest [][]byte) {
	t.Helper()
	for len(in) > 1 { // acknowledgments that were left out
		a, okA := segmentOf(in[0])
		b, okB := segmentOf(in[1])
		if !okA || !okB || a.hasData() || b.hasData() || bytes.Equal(got, in[0]) || !b.saysMore(&a) {
			break
		}
		in = in[1:]
	}
	if bytes.Equal(got, in[0]) {
		return in[1:]
	}
	whole, ok := segmentOf(got)
	if !ok {
		t.Fatalf("neither a segment nor what came: %x", got)
	}
	right, data := true, got[whole.data:]
	for sequence := whole.sequence(); len(data) > 0; in = in[1:] {
		s, ok := segmentOf(in[0])
		if !ok || s.sequence() != sequence || !bytes.HasPrefix(data, in[0][s.data:]) || !s.isLike(&whole) {
			t.Fatalf("%x is no part of %x at %d", in[0], got, sequence)
		}
		right = right && isTrue(t, in[0])
		sequence += uint32(len(in[0]) - s.data)
		data = data[len(in[0])-s.data:]
	}
	if isTrue(t, got) != right {
		t.Fatalf("made of what is right: %v, but is right itself: %v", right, !right)
	}
	return in
}

// TestTogether: whatever comes out is what went in, put together only where that is right, and false where a part is false.
func TestTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var tg together
	in, out, false0 := 0, 0, 0
	for range 300 {
		flows := []*flow{{port: 1000, window: 100}, {six: true, port: 1000, window: 100}, {port: 1001, window: 100, options: []byte{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}}}
		var frames [][]byte
		for len(frames) < 200 {
			f := flows[r.IntN(len(flows))]
			for range 1 + r.IntN(60) {
				b := change(r, f)
				if r.IntN(200) == 0 { // in the data, or at the end of the headers
					binary.BigEndian.PutUint16(b[len(b)-2:], uint16(r.Uint32())) // two of them make a right one once in 65,536 times
					false0++
				}
				frames = append(frames, b)
			}
		}
		got := gather(&tg, r, frames)
		in, out = in+len(frames), out+len(got)
		rest := frames
		for _, b := range got {
			if rest = explain(t, b, rest); len(b) > mostTogether {
				t.Fatal(len(b))
			}
		}
		if len(rest) > 0 {
			t.Fatalf("%d frames were lost", len(rest))
		}
	}
	if out*2 > in || false0 == 0 {
		t.Errorf("of %d frames, %d of them false, %d were made", in, false0, out)
	}
}

// change makes the next frame of a flow, at times an unusual one.
func change(r *rand.Rand, f *flow) []byte {
	data, flags := make([]byte, 1460), header.TCPFlags(header.TCPFlagAck)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	switch r.IntN(80) {
	case 0:
		data = data[:r.IntN(len(data))]
	case 1:
		flags |= header.TCPFlagPsh
	case 2:
		flags |= header.TCPFlagFin
	case 3:
		f.acked += 1000
	case 4:
		f.window++
	case 5:
		f.sequence += 1460 // one is lost
	case 6:
		if f.options != nil {
			f.options[7]++ // time goes on
		}
	case 7:
		f.acked += uint32(r.IntN(2)) * 100
		data = nil
	case 8:
		b := f.frame(flags, data)
		b[ipAt+8]++ // another TTL, or address of IPv6
		return b
	case 9:
		return append(f.frame(flags, nil), make([]byte, 6)...) // as short frames are filled up
	}
	return f.frame(flags, data)
}

// TestTogetherAcks: of acknowledgments the last is left, unless one says the same again.
func TestTogetherAcks(t *testing.T) {
	f := &flow{port: 9, window: 1}
	var frames [][]byte
	for range 10 {
		f.acked += 1460
		frames = append(frames, f.frame(header.TCPFlagAck, nil))
	}
	frames = append(frames, frames[9], frames[9])
	var tg together
	got := gather(&tg, rand.New(rand.NewPCG(1, 1)), frames)
	if len(got) != 3 || !bytes.Equal(got[0], frames[9]) || !bytes.Equal(got[2], frames[9]) {
		t.Errorf("%d are left", len(got))
	}
	f.sequence++ // as a probe
	f.acked += 10
	if got = gather(&tg, rand.New(rand.NewPCG(1, 1)), [][]byte{frames[9], f.frame(header.TCPFlagAck, nil)}); len(got) != 2 {
		t.Errorf("of another place: %d are left", len(got))
	}
}

// TestTogetherLargest: no frame is longer than IP can say.
func TestTogetherLargest(t *testing.T) {
	f := &flow{port: 9, window: 1}
	var frames [][]byte
	for range 50 {
		frames = append(frames, f.frame(header.TCPFlagAck, make([]byte, 1460)))
	}
	var tg together
	got := gather(&tg, rand.New(rand.NewPCG(9, 9)), frames)
	for _, b := range got {
		if !isTrue(t, b) {
			t.Error("it is false")
		}
	}
	if len(got) != 2 || len(got[0]) < mostTogether-1460 {
		t.Errorf("%d frames, the first of %d bytes", len(got), len(got[0]))
	}
}

// FuzzTogether puts together whatever frames come: nothing is lost, and nothing is made that is too long.
func FuzzTogether(f *testing.F) {
	four, six := &flow{port: 1, window: 1}, &flow{six: true, port: 1, window: 1}
	var seed []byte
	for _, b := range [][]byte{
		four.frame(header.TCPFlagAck, make([]byte, 20)), four.frame(header.TCPFlagAck, make([]byte, 20)), four.frame(header.TCPFlagAck, nil),
		six.frame(header.TCPFlagAck, make([]byte, 20)), six.frame(header.TCPFlagAck, make([]byte, 20)),
	} {
		seed = append(binary.BigEndian.AppendUint16(seed, uint16(len(b))), b...)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		var tg together
		var frames [][]byte
		for len(b) >= 2 {
			n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
			if n >= header.EthernetMinimumSize {
				frames = append(frames, b[2:2+n])
			}
			b = b[2+n:]
		}
		rest := frames
		for _, g := range gather(&tg, rand.New(rand.NewPCG(1, 1)), frames) {
			if rest = explain(t, g, rest); len(g) > mostTogether {
				t.Fatal(len(g))
			}
		}
		if len(rest) > 0 {
			t.Fatalf("%d are lost", len(rest))
		}
	})
}
