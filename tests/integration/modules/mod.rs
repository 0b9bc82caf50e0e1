//! What `require` offers.

mod cjson_decode;
mod cjson_encode;
mod cjson_settings;
