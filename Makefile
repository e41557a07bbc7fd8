# Everything that is run by hand or by CI. Each target sets up what it needs first; a second run finds it done.
# A fresh machine needs rustup's Rust, npm, a C compiler and OpenSSL's headers; what is missing is named.

WORKER_BUILD_VERSION := 0.8.7
# Gzipped. A Worker may have 10 MB (developers.cloudflare.com/workers/platform/limits); each byte is read at every cold start.
SIZE_LIMIT := 655360

TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
SYSROOT := $(shell PATH="$$PATH:$$HOME/.cargo/bin" rustc --print sysroot 2>/dev/null)

# Files that say that a step of the set-up is done.
NPM_DONE := node_modules/.package-lock.json
WORKER_BUILD_DONE := .tools/worker-build-$(WORKER_BUILD_VERSION)
WASM_TARGET_DONE := $(SYSROOT)/lib/rustlib/wasm32-unknown-unknown/lib
SCHEMATHESIS_DONE := .tools/schemathesis/.installed
SETUP := $(NPM_DONE) $(WORKER_BUILD_DONE) $(WASM_TARGET_DONE) $(TARGET_DIR)/debug/wasm-bindgen-tool

# The Node.js of node_modules comes first: Debian's is too old for Wrangler.
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin
# With these worker-build downloads nothing.
export WASM_BINDGEN_BIN := $(TARGET_DIR)/debug/wasm-bindgen-tool
export WASM_OPT_BIN := $(CURDIR)/node_modules/.bin/wasm-opt
export ESBUILD_BIN := $(CURDIR)/node_modules/.bin/esbuild
# worker-build sets it for its own Cargo call; without it here, clippy and the build would undo each other's work.
export WASM_BINDGEN_USE_JS_SYS := 1
# A request runs to its end though the caller hangs up. Cut off in the middle, Rust's destructors would not run.
export RUN_TO_COMPLETION := 1
# Wrangler asks the network for nothing that was not asked of it.
export WRANGLER_SEND_METRICS := false
export CLOUDFLARE_CF_FETCH_ENABLED := false

say = @printf '\033[1m==> %s\033[0m\n' $(1)

.PHONY: help
help: ## Show this list
	@echo "Paramita control plane. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo "Start with 'make dev': the plane at localhost:8787, on a stand-in for Cloudflare at localhost:8788."

.PHONY: setup
setup: $(SETUP) ## Install the tools into this folder (2 to 5 minutes, once)

.PHONY: dev
dev: setup ## Run the plane with everything around it; Ctrl-C ends it
	@exec node tools/dev.mjs

.PHONY: test
test: setup wasm chromium $(SCHEMATHESIS_DONE) ## Run all tests, those in the real Workers runtime included
	$(call say,"Tests: the plane and the emulator")
	cargo test --workspace
	$(call say,"Tests: random storms over many tenants; 'make simulate' runs as many as you like")
	@$(MAKE) --no-print-directory simulate RUNS=3000
	$(call say,"Tests: each reader of what comes from outside; 'make fuzz SECONDS=60' for longer")
	@$(MAKE) --no-print-directory fuzz
	$(call say,"Tests: publishing releases and running tenants")
	node --test tools/release/*.test.mjs emulator/runner/*.test.mjs
	$(call say,"Tests: the pages in a real browser; what it saw is in build/screenshots")
	node --test tests/browser/*.test.mjs

.PHONY: openapi
openapi: | prerequisites ## Write the API's document and its reference page, assets/openapi.json and reference.html, anew
	OPENAPI=write cargo test --test it openapi

.PHONY: browser
browser: setup wasm ## Drive the real plane with a real browser, from sign-up to receipt
	node --test tests/browser/plane.test.mjs tests/browser/console.test.mjs

EXAMPLES ?= 100

.PHONY: schemathesis
schemathesis: setup wasm ## Have EXAMPLES=100 requests made up for each operation; SCHEMATHESIS_SEED=... asks for the same again
	EXAMPLES=$(EXAMPLES) SCHEMATHESIS_SEED=$(or $(SCHEMATHESIS_SEED),$(shell date +%s)) cargo test --test workerd schemathesis -- --nocapture

KILLS ?= 200

.PHONY: kills
kills: setup wasm ## Kill the plane KILLS=200 times in the middle of its work; KILLS_SEED=... asks for the same again
	KILLS=$(KILLS) KILLS_SEED=$(or $(KILLS_SEED),$(shell date +%s)) cargo test --test workerd kills -- --nocapture

RUNS ?= 3000

.PHONY: simulate
simulate: | prerequisites ## Put the plane through RUNS=3000 random storms; SEED=... shows one of them again
	RUNS=$(RUNS) SEED=$(SEED) cargo test --profile simulation --test simulation -- --nocapture whatever_happens

SECONDS ?=
TARGET ?=

# The plane is compiled once more, counting where it goes, beside what is compiled without.
.PHONY: fuzz
fuzz: $(NPM_DONE) | prerequisites ## Fuzz every parser; SECONDS=60 for so long each, TARGET=names for one of them
	RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/tests/fuzz/instrument.sh \
		cargo build --profile simulation -p paramita-fuzz --features libfuzzer-sys --bin fuzz
	@SECONDS=$(SECONDS) TARGET=$(TARGET) node tests/fuzz/run.mjs $(TARGET_DIR)/simulation/fuzz $(TARGET_DIR)/fuzz

.PHONY: check
check: setup lint-tools ## Formatting and lints, for the machine and for wasm; warnings are errors
	$(call say,"Formatting")
	cargo fmt --all --check
	$(call say,"Lints: native")
	cargo clippy --workspace --all-targets --features paramita-fuzz/libfuzzer-sys -- -D warnings
	$(call say,"Lints: wasm")
	cargo clippy --lib --target wasm32-unknown-unknown -- -D warnings

.PHONY: fmt
fmt: lint-tools ## Format the code
	cargo fmt --all

.PHONY: wasm
wasm: build/.release ## Build the Worker as it is deployed, into build/ (1 to 3 minutes the first time)

.PHONY: size
size: wasm ## Show the Worker's size and compare it with the limit
	@raw=$$(wc -c < build/index_bg.wasm); gz=$$(gzip -9 -c build/index_bg.wasm | wc -c); \
	echo "build/index_bg.wasm: $$raw bytes, gzipped $$gz bytes, limit $(SIZE_LIMIT)"; \
	test "$$gz" -le $(SIZE_LIMIT)

.PHONY: clean
clean: ## Remove what was built and the state of 'make dev'; the tools stay
	rm -rf build .dev .wrangler
	cargo clean

# What Wrangler runs before it takes build/index.js (wrangler.toml). It says in WRANGLER_COMMAND for what:
# `wrangler dev` gets the quick build unless WORKER=release, anything else the one that is deployed.
.PHONY: worker
worker: $(SETUP)
ifeq ($(WRANGLER_COMMAND)$(WORKER),dev)
	@$(MAKE) --no-print-directory assets
	@rm -f $(or $(WORKER_OUT),build)/.release
	worker-build --dev --out-dir $(or $(WORKER_OUT),build)
else
	@$(MAKE) --no-print-directory wasm
endif

# What browsers load. The pages name these files, so a change of them is one of the Worker too.
.PHONY: assets
assets: build/.assets

build/.assets: $(NPM_DONE) tools/assets.mjs package-lock.json $(shell find assets -type f 2>/dev/null)
	node tools/assets.mjs
	@touch $@

# Whatever the Worker takes in at build time lies below src/, migrations/ and assets/.
build/.release: $(SETUP) build/.assets build.rs Cargo.toml Cargo.lock $(shell find src migrations -type f 2>/dev/null)
	$(call say,"Building the Worker: 1 to 3 minutes the first time and some 15 seconds after a change")
	worker-build --release --out-dir build
	@touch $@

$(NPM_DONE): package.json package-lock.json .npmrc | prerequisites
	$(call say,"Installing Wrangler and the other JavaScript tools: about half a minute")
	npm ci
	@touch $@

$(WORKER_BUILD_DONE): | prerequisites openssl
	$(call say,"Installing worker-build $(WORKER_BUILD_VERSION): 2 to 4 minutes")
	cargo install --debug --locked --root .tools worker-build@$(WORKER_BUILD_VERSION)
	@touch $@

$(WASM_TARGET_DONE): | prerequisites
	$(call say,"Adding the wasm target to the Rust toolchain")
	@command -v rustup >/dev/null || { \
		echo "This Rust cannot compile to wasm. Install it by rustup (https://rustup.rs)." >&2; exit 1; }
	rustup target add wasm32-unknown-unknown

# Touched, since Cargo leaves the file alone when there is nothing to do.
$(TARGET_DIR)/debug/wasm-bindgen-tool: Cargo.lock tools/wasm-bindgen/Cargo.toml tools/wasm-bindgen/src/main.rs | prerequisites
	$(call say,"Building wasm-bindgen: about half a minute")
	cargo build -p wasm-bindgen-tool
	@touch $@

.PHONY: lint-tools
lint-tools: | prerequisites
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy

.PHONY: prerequisites
prerequisites:
	@need() { command -v "$$1" >/dev/null || { echo "'$$1' is missing. $$2" >&2; exit 1; }; }; \
	need cargo "Install Rust by rustup: https://rustup.rs"; \
	need npm "On Debian: apt install npm"; \
	need cc "A C compiler builds SQLite for the tests. On Debian: apt install build-essential"; \
	need c++ "A C++ compiler builds libFuzzer for the tests. On Debian: apt install build-essential"

# The pages are tested in the system's Chromium; CHROMIUM=... names another.
.PHONY: chromium
chromium:
	@command -v $(or $(CHROMIUM),chromium) >/dev/null || { \
		if command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
			echo "Installing Chromium"; \
			apt-get update -q && apt-get install -qy --no-install-recommends chromium; \
		else \
			echo "Chromium is missing. On Debian: sudo apt install chromium" >&2; exit 1; \
		fi; }

# schemathesis, in an environment of its own.
$(SCHEMATHESIS_DONE): tests/workerd/schemathesis/requirements.txt | python
	$(call say,"Installing schemathesis: about half a minute")
	python3 -m venv --clear .tools/schemathesis
	.tools/schemathesis/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	@touch $@

# Debian's Python comes without what makes environments; where we may, it is installed; else named.
.PHONY: python
python:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
		if command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
			echo "Installing Python"; \
			apt-get update -q && apt-get install -qy --no-install-recommends python3 python3-venv; \
		else \
			echo "Python is missing. On Debian: sudo apt install python3 python3-venv" >&2; exit 1; \
		fi; }

# worker-build links against the system's OpenSSL. On a Debian where we may, its headers are installed; else named.
.PHONY: openssl
openssl:
	@test -e $(WORKER_BUILD_DONE) || pkg-config --exists openssl 2>/dev/null || { \
		if command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
			echo "Installing OpenSSL's headers"; \
			apt-get update -q && apt-get install -qy --no-install-recommends pkg-config libssl-dev; \
		else \
			echo "OpenSSL's headers are missing. On Debian: sudo apt install pkg-config libssl-dev" >&2; exit 1; \
		fi; }
