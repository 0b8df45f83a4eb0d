// SPDX-License-Identifier: Apache-2.0

package ipc_test

import (
	"context"
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ipc/ipctest"
)

// quiet is a server whose methods return at once.
type quiet struct {
	*ipctest.Server
	swapped int
}

func (quiet) Sleep(context.Context, time.Duration) error   { return nil }
func (quiet) Patient(context.Context, time.Duration) error { return nil }
func (quiet) Work(context.Context, time.Duration) error    { return nil }
func (quiet) Exit(context.Context, int) error              { return nil }
func (q *quiet) Swap(context.Context, ipc.Handle, uint64) (ipc.Handle, uint64, error) {
	q.swapped++
	return ipc.Move(5, 3), 0, nil
}

// words reads a message's words from fuzz data, and gives what is left.
func words(data []byte) (w [abi.MessageWords]uint64, rest []byte) {
	var b [8 * abi.MessageWords]byte
	n := copy(b[:], data)
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return w, data[n:]
}

// FuzzRequest: whatever a client sends, the server answers, an error or not, and no
// handle is lost.
func FuzzRequest(f *testing.F) {
	v := ipctest.EverythingService(nil)
	for m := range len(v.Methods) {
		for _, form := range []uint64{1 << 15, 1 << 14, 0, 8 << 8, 16 << 8, 56 << 8} {
			data := binary.LittleEndian.AppendUint64(nil, ipc.Bytes(v.ID, uint8(m+1))|form)
			data = binary.LittleEndian.AppendUint64(data, 64)
			f.Add(append(data, make([]byte, 112)...), uint8(m%3))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		w, rest := words(data)
		if how&0x80 == 0 { // mostly to the service
			w[0] = w[0]&0xffff | uint64(v.ID)<<32
		}
		if how&0x40 == 0 {
			w[1] = uint64(len(rest))
		}
		handles := int(how&3) % 3
		q := &quiet{Server: new(ipctest.Server)}
		a := ipc.HandleRaw(t, ipctest.EverythingService(q), w, rest, handles, how&0x20 != 0)
		if kept := q.swapped; a.Closed+kept != handles {
			t.Errorf("%d handles came, %d were closed and %d used", handles, a.Closed, kept)
		}
		if a.Bytes > abi.MaxMessageBytes {
			t.Errorf("an answer of %d bytes", a.Bytes)
		}
	})
}

// FuzzAnswer: whatever a server answers, the client gets results or an error, and no
// handle is lost.
func FuzzAnswer(f *testing.F) {
	for m := range uint8(8) {
		for _, header := range []uint64{1 << 15, 1 << 14, 0, 8 << 8, 56 << 8, 1 | 5<<32, 2 | 5<<32 | 9<<8} {
			data := binary.LittleEndian.AppendUint64(nil, header)
			data = binary.LittleEndian.AppendUint64(data, 64)
			f.Add(append(data, make([]byte, 112)...), m)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		w, rest := words(data)
		if how&0x80 == 0 {
			w[0] &= 0xffff
		}
		if w[0]&0xff == 1 && w[0]>>32 == uint64(syscall.EINTR) {
			return // for ever, as it asks for
		}
		rest = rest[:min(len(rest), abi.MaxMessageBytes)]
		if how&0x40 == 0 {
			w[1] = uint64(len(rest))
		}
		counts := ipc.Hostile(t, w, rest, int(how>>4&3))
		kept, err := callOne(how%8, ipctest.NewEverythingClient(5))
		if came, closed := counts(); came != closed+kept {
			t.Errorf("%d handles came, %d were closed and %d given; %v", came, closed, kept, err)
		}
	})
}

// callOne makes one of the calls, and gives how many handles came out.
func callOne(which uint8, c *ipctest.EverythingClient) (handles int, err error) {
	ctx := context.Background()
	switch which {
	case 0:
		err = c.Null(ctx)
	case 1:
		_, err = c.Add(ctx, 1, 2)
	case 2:
		_, _, _, err = c.Turn(ctx, 1, 2, true, 3, ipctest.Point{})
	case 3:
		_, err = c.Fixed(ctx, ipctest.Wide{}, 1)
	case 4:
		_, err = c.Text(ctx, "")
	case 5:
		_, err = c.Blob(ctx, nil)
	case 6:
		_, _, err = c.Items(ctx, nil, nil)
	default:
		if _, _, err = c.Swap(ctx, ipc.Handle{}, 1); err == nil {
			handles = 1
		}
	}
	return handles, err
}

// TestErrorText: an error with a code is one, however a server sends it.
func TestErrorText(t *testing.T) {
	w, _ := words(append([]byte{2, 3, 0, 0, 9, 0, 0, 0}, "abcdef"...))
	ipc.Hostile(t, w, nil, 0)
	err := ipctest.NewEverythingClient(5).Null(t.Context())
	if e, ok := errors.AsType[*ipc.Error](err); !ok || e.Code != 9 || e.Text != "abc" {
		t.Error(err)
	}
}
