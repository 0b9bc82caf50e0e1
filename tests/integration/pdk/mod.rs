//! `pdk`: one file for each of `src/pdk`, or for each of its subjects.

mod service_request;
mod service_request_body;
mod service_request_headers;
