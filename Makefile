# SPDX-License-Identifier: Apache-2.0
# Thin names for ./x, which needs no make.

.PHONY: build run test bench lint fuzz soak setup clean help

build test bench lint fuzz soak setup clean help:
	@./x $@ $(ARGS)

# make run ARGS='prog.wasm a b c'
run:
	@./x run $(ARGS)
