//! `pdk`: one file for each of `src/pdk`.
