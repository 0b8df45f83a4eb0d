// SPDX-License-Identifier: Apache-2.0

// Package ninep holds packages user/ninep and user/ninep/folder against 9P servers of
// others, on a host and without a guest: QEMU's, which is the one that they are for, and diod.
//
// QEMU is started with a virtio-9p device and its CPU stopped. The test is the driver:
// its stub for debuggers reads and writes the device's registers, and guest memory is
// a file that both have mapped. So the device is met as a driver in the machine will meet
// it, data goes straight from the host's files to the caller's memory, and what the
// tests of foldertest want is asked of the server that there will be.
//
// QEMU is what ./x setup installs. diod is not: where there is none, its tests are skipped.
package ninep
