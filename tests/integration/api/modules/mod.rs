//! What `require` offers.

mod bad_input;
mod bit;
mod cjson_decode;
mod cjson_encode;
mod cjson_settings;
mod luasocket;
mod ngx_base64;
mod ngx_errlog;
mod ngx_re;
mod ngx_req;
mod ngx_resp;
mod ngx_semaphore;
mod pure;
mod resty_aes;
mod resty_digest;
mod resty_hmac;
mod resty_http;
mod resty_jwt;
mod resty_memcached;
mod resty_openssl;
mod resty_random;
mod resty_redis;
mod resty_string;
mod stand_ins;
mod string_buffer;
mod table;
