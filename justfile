# Every check that CI runs, by the names of its jobs. `just` lists them; `just check` runs what needs
# nothing but cargo.

export RUSTDOCFLAGS := "-D warnings"

default:
    @just --list

# What CI refuses to merge without.
check: fmt clippy doc lengths test

# That no request has become dearer than benches/instructions/baseline.txt says; CI runs it, too. Needs valgrind.
check-instructions:
    benches/instructions.sh --check

fmt:
    cargo fmt --all --check

clippy:
    cargo clippy --all-targets --locked -- -D warnings

doc:
    cargo doc --no-deps --locked

# The README's command: unit, integration, gateway and documentation tests. The second runs what
# stands in the gateway itself.
test:
    cargo test --locked
    cargo test --locked --example gateway

# Files that a reader takes in at a sitting.
lengths:
    @git ls-files '*.rs' | xargs wc -l | awk '$2 != "total" && $1 > 450 { print; long = 1 } END { exit long }'

# Needs cargo-hack.
hack:
    cargo hack check --feature-powerset --no-dev-deps

# Needs cargo-hack and the toolchain of `rust-version`.
msrv:
    cargo hack check --rust-version --no-dev-deps

# Needs cargo-deny.
deny:
    cargo deny check

# Needs typos-cli.
typos:
    typos

# Honest and hostile functions side by side, for ten minutes or as many seconds as you say. Wants a
# machine that does nothing else.
soak seconds="600":
    cargo build --release --locked --example gateway
    SOAK_SECONDS={{ seconds }} cargo test --release --locked --test gateway soak -- --ignored --nocapture

# Random cases until one fails, or as many seconds as you say for each target. Needs cargo-fuzz and a
# nightly toolchain. `cargo test` runs ten thousand of each.
fuzz seconds="60":
    for target in lua_api forms headers declarative router admin_bodies; do \
        cargo +nightly fuzz run $target -- -max_total_time={{ seconds }} || exit 1; \
    done

# What a layer costs a request, in time.
bench:
    cargo bench --bench layers

# What a layer costs a request, in instructions: needs valgrind. `just instructions CASE` counts one.
instructions *cases:
    benches/instructions.sh {{ cases }}

# The gateway beside nginx with Lua, and HAProxy if it is there: benches/README.md names the packages.
peers *options:
    benches/peers/peers.py {{ options }}

# Needs what `peers` does, cargo-pgo and `rustup component add llvm-tools`; benches/README.md says what it brings.
# The gateway built by a profile of what it does when it answers what `peers` asks.
pgo:
    cargo pgo build -- --locked --example gateway
    benches/peers/peers.py --rounds 1 --program target/$(rustc -vV | sed -n 's/host: //p')/release/examples/gateway
    cargo pgo optimize build -- --locked --example gateway

# The instructions that the gateway takes for a request. Needs valgrind and nginx.
peers-instructions *options:
    benches/peers/instructions.py {{ options }}

# The gateway with up to ten thousand routes. Needs nginx and wrk.
growth *counts:
    benches/peers/growth.py {{ counts }}

# How soon several gateways have a change of one. Needs postgresql, and wrk for `--load`.
cluster *options:
    benches/peers/cluster.py {{ options }}

# The pages of docs as a book, in target/book. Needs mdbook: `cargo install --locked mdbook`.
book:
    @command -v mdbook >/dev/null || { echo "mdbook is missing: cargo install --locked mdbook" >&2; exit 1; }
    mdbook build
