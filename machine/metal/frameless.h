// SPDX-License-Identifier: Apache-2.0

// FRAMELESS is the frame size of code that is no function: it is entered by
// the hardware or leaves by changing the stack, so the checks of go vet on
// frames and results have nothing to say about it.
#define FRAMELESS 0
