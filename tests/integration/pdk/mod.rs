//! `pdk`: one file for each of `src/pdk`, or for each of its subjects.

mod client;
mod client_tls;
mod ctx;
mod log;
mod log_inspect;
mod log_serialize;
mod phases;
mod request;
mod request_body;
mod request_form;
mod request_forwarded;
mod request_headers;
mod response;
mod response_body;
mod response_error;
mod response_exit;
mod response_grpc;
mod router;
mod service;
mod service_request;
mod service_request_body;
mod service_request_headers;
mod service_response;
mod table;
