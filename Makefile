# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# What a person does with a clone: `make demo`, `make test`, `make install`. Every target does its own set-up.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
# The service manager and udev look below /usr/lib and /etc only, wherever the programs are.
UNITDIR ?= /usr/lib/systemd/system
SYSUSERSDIR ?= /usr/lib/sysusers.d
TMPFILESDIR ?= /usr/lib/tmpfiles.d
UDEVRULESDIR ?= /usr/lib/udev/rules.d
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
SHAREDIR ?= $(PREFIX)/share/nacycler
DOCDIR ?= $(PREFIX)/share/doc/nacycler

PROGRAMS := nacyclerd nactl nasim
# What is formatted and linted: all Swift of ours, not the build folders.
SWIFT_SOURCES := Package.swift $(wildcard Sources Drivers Tests Benchmarks Fuzzing)
# Installed programs carry their Swift runtime: the machine needs none, and a toolchain in someone's home folder, which
# the unit hides from the daemon, is not asked for. Static and ordinary builds must not share a folder, or each change
# between them compiles every dependency again.
STATIC_BUILD := --scratch-path .build-static -c release --static-swift-stdlib -Xlinker -s

.DEFAULT_GOAL := help
.PHONY: help setup build demo test conformance transcripts campaign replugs literature fuzz tables peers readers clients template lint format bench static install uninstall clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install the system packages that are missing
	@scripts/setup.sh

build: setup ## build the three programs, optimised
	@for program in $(PROGRAMS); do $(SWIFT) build -c release --product $$program || exit 1; done

demo: build ## cycle a virtual hard-carbon cell and show its table, in under a minute
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/demo.sh

test: build ## run all tests
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" $(SWIFT) test

conformance: setup ## every driver against every fault, as a table; a minute after it is built
	@$(SWIFT) test --filter '^ConformanceTests\.'

transcripts: build ## record what the drivers say in short sessions anew, after one was changed on purpose
	@NACYCLER_RECORD_TRANSCRIPTS=1 NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" \
		$(SWIFT) test --filter 'TranscriptTests/aRecord|DaemonTranscripts'
	@git --no-pager diff --stat -- Drivers

campaign: build ## thousands of cycles and a hundred kills against the truth; takes an hour and a quarter
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/campaign.sh

replugs: build ## pull and plug instruments a thousand times, 24 of them into sockets of others; half an hour
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" NACYCLER_TEST_REPLUGS=1000 \
		$(SWIFT) test --filter ReplugTests

literature: build ## cycle the published cells with all their cycles and write docs/literature.md; a quarter of an hour
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/literature.sh

fuzz: setup ## damaged protocols to the compiler, damaged bytes to drivers and emulators: ten minutes each, or SECONDS_TO_FUZZ
	@$(SWIFT) build -c release --product nafuzz
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/fuzz.sh
	@NACYCLER_TEST_FUZZ_SECONDS=$${SECONDS_TO_FUZZ:-600} NACYCLER_SEED=$${SEED:-$$(date +%s)} \
		$(SWIFT) test --filter '^ConformanceTests\.CodecFuzzTests'

tables: setup ## thousands of synthetic tables against their truth, then ten minutes of damaged ones
	@NACYCLER_SEEDS=$${NACYCLER_SEEDS:-5000} NACYCLER_FUZZ_SECONDS=$${SECONDS_TO_FUZZ:-600} \
		$(SWIFT) test --filter CyclingDataTests

peers: build ## compare the importers with aurora-unicycler and PyBaMM themselves, from PyPI
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/peers.sh

readers: build ## open our exports with batterydf, PyProBE and cellpy, from PyPI, and run the examples of reading-the-data.md
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/readers.sh

clients: build ## let clients for real instruments, from PyPI, drive the emulated ones
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/clients.sh

template: setup ## add a copy of the template as a family, build the programs with it and cycle a cell; a few minutes
	@SWIFT="$(SWIFT)" scripts/try-template.sh

lint: setup ## check the form of all Swift sources
	@$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)

format: setup ## give all Swift sources their form
	@$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

bench: build ## measure, one JSON object a line
	@$(SWIFT) build -c release --product nabench
	@NACYCLER_BIN_DIR="$$($(SWIFT) build -c release --show-bin-path)" scripts/bench.sh

static: setup
	@for program in $(PROGRAMS); do $(SWIFT) build $(STATIC_BUILD) --product $$program || exit 1; done

install: static ## install below PREFIX (/usr/local) and DESTDIR
	@SWIFT="$(SWIFT)" BUILT="$(or $(BUILT),$$($(SWIFT) build $(STATIC_BUILD) --show-bin-path))" PROGRAMS="$(PROGRAMS)" \
	  PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" UNITDIR="$(UNITDIR)" SYSUSERSDIR="$(SYSUSERSDIR)" \
	  TMPFILESDIR="$(TMPFILESDIR)" UDEVRULESDIR="$(UDEVRULESDIR)" BASHDIR="$(BASHDIR)" ZSHDIR="$(ZSHDIR)" \
	  FISHDIR="$(FISHDIR)" SHAREDIR="$(SHAREDIR)" DOCDIR="$(DOCDIR)" scripts/install.sh

uninstall: ## remove what install put there; state, cells and records stay
	rm -f $(foreach program,$(PROGRAMS),"$(DESTDIR)$(PREFIX)/bin/$(program)")
	rm -f "$(DESTDIR)$(UNITDIR)/nacyclerd.service" "$(DESTDIR)$(SYSUSERSDIR)/nacycler.conf"
	rm -f "$(DESTDIR)$(TMPFILESDIR)/nacycler.conf" "$(DESTDIR)$(UDEVRULESDIR)/70-nacycler.rules"
	rm -f "$(DESTDIR)$(BASHDIR)/nactl" "$(DESTDIR)$(ZSHDIR)/_nactl" "$(DESTDIR)$(FISHDIR)/nactl.fish"
	rm -rf "$(DESTDIR)$(SHAREDIR)" "$(DESTDIR)$(DOCDIR)"

clean: ## remove what was built
	rm -rf .build .build-static .build-template
