// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"errors"
	"testing"

	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

// window is what calls reach of registers, if they reach any.
type window struct {
	r    virtio.Registers
	gone bool
}

var errRange = errors.New("not in the range")

func (x *window) Read(offset uint64, width int) (uint32, error) {
	if x.gone || offset > uint64(x.r.Size()-width) {
		return 0, errRange
	}
	switch at := int(offset); width {
	case 1:
		return uint32(x.r.Read8(at)), nil
	case 2:
		return uint32(x.r.Read16(at)), nil
	default:
		return x.r.Read32(at), nil
	}
}

func (x *window) Write(offset uint64, width int, v uint32) error {
	if x.gone || offset > uint64(x.r.Size()-width) {
		return errRange
	}
	switch at := int(offset); width {
	case 1:
		x.r.Write8(at, uint8(v))
	case 2:
		x.r.Write16(at, uint16(v))
	default:
		x.r.Write32(at, v)
	}
	return nil
}

// TestCalled: a device works behind calls, with fields of each width, and has failed when
// the calls do.
func TestCalled(t *testing.T) {
	config := []byte{1, 0, 2, 3, 4, 5, 6, 7}
	d := &virtiotest.Device{
		Type: virtio.DeviceEntropy, Features: virtio.FeatureVersion1, Max: []int{8},
		Config: config, Written: func(int, int) {},
	}
	x := &window{r: virtiotest.NewMMIO(d)}
	transport, err := virtio.NewMMIO(called{x, calledSize})
	if err != nil {
		t.Fatal(err)
	}
	v, err := virtio.Open(transport, virtio.Want{ID: virtio.DeviceEntropy})
	if err != nil {
		t.Fatal(err)
	}
	for at, field := range map[int][]byte{0: {9}, 2: {8, 7}, 4: {6, 5, 4, 3}} {
		if err := v.SetConfig(at, field); err != nil {
			t.Error(err)
		}
	}
	if string(config) != string([]byte{9, 0, 8, 7, 6, 5, 4, 3}) {
		t.Error(config)
	}
	err = v.Config(func(c *virtio.Config) {
		if c.Byte(0) != 9 || c.Uint16(2) != 0x0708 || c.Uint32(4) != 0x03040506 {
			t.Error(c.Byte(0), c.Uint16(2), c.Uint32(4))
		}
	})
	if err != nil || d.Err != nil || v.Check() != nil {
		t.Error(err, d.Err, v.Check())
	}
	x.gone = true
	if err := v.Check(); !errors.Is(err, virtio.ErrDevice) {
		t.Error(err)
	}
	if _, err := virtio.NewMMIO(called{x, calledSize}); err != virtio.ErrNotVirtio {
		t.Error(err)
	}
	r := called{x, calledSize}
	if r.Read8(0) != 0xff || r.Read16(0) != 0xffff || r.Read32(0) != 0xffffffff {
		t.Error(r.Read8(0), r.Read16(0), r.Read32(0))
	}
}
