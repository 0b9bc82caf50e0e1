//! `ngx`: one file for each of `src/ngx`.
