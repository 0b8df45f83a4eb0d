// SPDX-License-Identifier: Apache-2.0

package driver

// called are a device's registers that are reached by calls, an access each: of devices
// that share a page with others.
type called struct {
	c    registerCalls
	size int
}

// registerCalls is object.DeviceRegisters.
type registerCalls interface {
	Read(offset uint64, width int) (uint32, error)
	Write(offset uint64, width int, v uint32) error
}

// calledSize is how many bytes of a device's registers are reached by calls: as many as each has
// of microvm's page (QEMU, hw/i386/microvm.c). The handle doesn't tell.
const calledSize = 0x200

func (r called) Size() int { return r.size }

// read reads a register. What can't be read has all bits set, as where there is no
// device: no driver takes that for an answer, and a status so says that the
// device has failed.
func (r called) read(at, width int) uint32 {
	v, err := r.c.Read(uint64(at), width)
	if err != nil {
		return 1<<(8*width) - 1
	}
	return v
}

// write writes a register. One that can't be written is found out by reading.
func (r called) write(at, width int, v uint32) { _ = r.c.Write(uint64(at), width, v) }

func (r called) Read8(at int) uint8       { return uint8(r.read(at, 1)) }
func (r called) Read16(at int) uint16     { return uint16(r.read(at, 2)) }
func (r called) Read32(at int) uint32     { return r.read(at, 4) }
func (r called) Write8(at int, v uint8)   { r.write(at, 1, uint32(v)) }
func (r called) Write16(at int, v uint16) { r.write(at, 2, uint32(v)) }
func (r called) Write32(at int, v uint32) { r.write(at, 4, v) }
