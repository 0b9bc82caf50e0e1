//! `vm` and `runtime`: where functions run, what ends them, and what they may use.
