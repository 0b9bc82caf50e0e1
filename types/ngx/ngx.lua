---@meta _

-- What functions have as `ngx`: output, control, encodings, time.

---The API of OpenResty's lua-nginx-module.
---
---Phases: any.
---
---```lua
---ngx.status = 404
---```
---@class ngx
---@field status integer The status of the response. Set it before the head is sent. Phases: rewrite, access, header_filter, body_filter, log.
---@field ctx ngx.ctx A table for the length of the request, shared by all functions. Phases: any.
---@field headers_sent boolean Whether the head of the response is on its way. Phases: rewrite, access, header_filter, body_filter, log.
---@field is_subrequest boolean Whether the request was made by `ngx.location.capture`. Phases: rewrite, access, header_filter, body_filter, log.
ngx = {}

---What stands for null in JSON, SQL and redis. It is not nil, and true in conditions.
---
---Phases: any.
---
---```lua
---local is_null = require("cjson").decode("[null]")[1] == ngx.null
---```
---@type userdata
ngx.null = nil

---Writes a line to the error log.
---
---Phases: any.
---
---```lua
---ngx.log(ngx.WARN, "slow: ", 1.2)
---```
---@param level integer `ngx.ERR` or another level
---@param ... any what to say, joined without blanks
function ngx.log(level, ...) end

---The phase that the function runs in.
---
---Phases: any.
---
---```lua
---local is_log = ngx.get_phase() == "log"
---```
---@return string phase `access`, for one
function ngx.get_phase() end

---Ends the phase. From 200 on it is the response's status; `ngx.OK` lets the request go on, `ngx.ERROR` is a
---500, 444 ends the connection.
---
---Phases: certificate, rewrite, access, header_filter, timer.
---
---```lua
---ngx.exit(ngx.HTTP_FORBIDDEN)
---```
---@param status integer a status or one of nginx's codes
function ngx.exit(status) end

---Ends the phase with a redirect.
---
---Phases: rewrite, access.
---
---```lua
---ngx.redirect("https://example.com/", 301)
---```
---@param uri string where to
---@param status? integer 301, 302 (the default), 303, 307 or 308
function ngx.redirect(uri, status) end

---Ends the phase, and lets the request go on with another path.
---
---Phases: rewrite, access.
---
---```lua
---ngx.exec("/v2/orders", { limit = 10 })
---```
---@param uri string the path, which may have a query
---@param args? string|table the query
function ngx.exec(uri, args) end

---Writes to the body of a response of the function's own. It is sent when the phase ends, and the service is
---not called.
---
---Phases: rewrite, access.
---
---```lua
---ngx.print("hello")
---```
---@param ... any texts, numbers, or arrays of them
---@return integer? ok 1
---@return string? err why not
function ngx.print(...) end

---As `ngx.print`, with a line break at the end.
---
---Phases: rewrite, access.
---
---```lua
---ngx.say("hello")
---```
---@param ... any texts, numbers, or arrays of them
---@return integer? ok 1
---@return string? err why not
function ngx.say(...) end

---Sends what has been written, when the function next waits. With `true` it waits here, until it is sent.
---
---Phases: rewrite, access.
---
---```lua
---ngx.flush(true)
---```
---@param wait? boolean whether to wait
---@return integer? ok 1
---@return string? err why not
function ngx.flush(wait) end

---Says that the response is whole. It is sent when the function next waits, and the function goes on behind it.
---
---Phases: rewrite, access.
---
---```lua
---ngx.eof()
---```
---@return integer? ok 1
---@return string? err why not
function ngx.eof() end

---Sends the head of a response of the function's own, with `ngx.flush` or when the phase ends.
---
---Phases: rewrite, access.
---
---```lua
---ngx.send_headers()
---```
---@return integer? ok 1
---@return string? err why not
function ngx.send_headers() end

---Would call a function when the client goes away. Here it is off, as in Kong.
---
---Phases: rewrite, access.
---
---```lua
---local ok, err = ngx.on_abort(function() end)
---```
---@param callback fun() what to call
---@return integer? ok nil
---@return string? err `lua_check_client_abort is off`
function ngx.on_abort(callback) end

---Waits. Others have their turn meanwhile.
---
---Phases: any.
---
---```lua
---ngx.sleep(0.1)
---```
---@param seconds number seconds, down to 0.001
function ngx.sleep(seconds) end

---The time.
---
---Phases: any.
---
---```lua
---local expires = ngx.time() + 3600
---```
---@return integer seconds seconds since 1970
function ngx.time() end

---The time.
---
---Phases: any.
---
---```lua
---local started = ngx.now()
---```
---@return number seconds seconds since 1970, with milliseconds behind the point
function ngx.now() end

---Would read the clock anew. Here it is read whenever it is asked.
---
---Phases: any.
---
---```lua
---ngx.update_time()
---```
function ngx.update_time() end

---The date where the server is.
---
---Phases: any.
---
---```lua
---kong.log(ngx.today())
---```
---@return string date `2026-01-31`
function ngx.today() end

---Date and time where the server is.
---
---Phases: any.
---
---```lua
---kong.log(ngx.localtime())
---```
---@return string time `2026-01-31 12:00:00`
function ngx.localtime() end

---Date and time in UTC.
---
---Phases: any.
---
---```lua
---kong.log(ngx.utctime())
---```
---@return string time `2026-01-31 12:00:00`
function ngx.utctime() end

---A time as HTTP writes it.
---
---Phases: any.
---
---```lua
---kong.response.set_header("expires", ngx.http_time(ngx.time() + 60))
---```
---@param seconds number seconds since 1970
---@return string time `Sat, 31 Jan 2026 12:00:00 GMT`
function ngx.http_time(seconds) end

---A time as cookies have it.
---
---Phases: any.
---
---```lua
---local expires = ngx.cookie_time(ngx.time() + 60)
---```
---@param seconds number seconds since 1970
---@return string time `Sat, 31-Jan-26 12:00:00 GMT`
function ngx.cookie_time(seconds) end

---Reads a time as HTTP writes it.
---
---Phases: any.
---
---```lua
---local since = ngx.parse_http_time("Sat, 31 Jan 2026 12:00:00 GMT")
---```
---@param text string `Sat, 31 Jan 2026 12:00:00 GMT`
---@return integer? seconds seconds since 1970; nil if it is none
function ngx.parse_http_time(text) end

---Encodes a text for URIs.
---
---Phases: any.
---
---```lua
---local query = "q=" .. ngx.escape_uri("a b")
---```
---@param text string the text
---@param type? integer 0 for a whole URI, 2 for a part of one, which is the default
---@return string escaped with `%` and two digits for what may not stand there
function ngx.escape_uri(text, type) end

---Decodes a part of a URI.
---
---Phases: any.
---
---```lua
---local text = ngx.unescape_uri("a%20b")
---```
---@param text string with `%` and two digits
---@return string text the text
function ngx.unescape_uri(text) end

---Encodes a query.
---
---Phases: any.
---
---```lua
---local query = ngx.encode_args({ q = "a b", page = 2 })
---```
---@param args table<string, string|number|boolean|(string|number|boolean)[]> values by names; true for a name alone, false leaves it out
---@return string query without `?`
function ngx.encode_args(args) end

---Decodes a query or a form.
---
---Phases: any.
---
---```lua
---local args = ngx.decode_args("q=a%20b&page=2")
---```
---@param query string without `?`
---@param max_args? integer how many at most; 100 if it is left out, 0 for all
---@return table<string, string|true|(string|true)[]>? args values by names
---@return string? err `truncated` if there were more
function ngx.decode_args(query, max_args) end

---Encodes bytes in Base64.
---
---Phases: any.
---
---```lua
---local basic = "Basic " .. ngx.encode_base64("ada:secret")
---```
---@param text string the bytes
---@param no_padding? boolean true to leave out `=` at the end
---@return string encoded Base64
function ngx.encode_base64(text, no_padding) end

---Decodes Base64, with or without `=` at the end. Not that of URLs: `require "ngx.base64"` has it.
---
---Phases: any.
---
---```lua
---local pair = ngx.decode_base64("YWRhOnNlY3JldA==")
---```
---@param text string Base64
---@return string? bytes nil if it is none
function ngx.decode_base64(text) end

---Decodes Base64, leaving out what does not belong to it.
---
---Phases: any.
---
---```lua
---local bytes = ngx.decode_base64mime("YWRh\nOg==")
---```
---@param text string Base64
---@return string? bytes nil if it cannot be decoded
function ngx.decode_base64mime(text) end

---The CRC-32 of a short text.
---
---Phases: any.
---
---```lua
---local bucket = ngx.crc32_short("ada") % 10
---```
---@param text string the bytes
---@return integer crc from 0 to 4294967295
function ngx.crc32_short(text) end

---The CRC-32 of a long text.
---
---Phases: any.
---
---```lua
---local crc = ngx.crc32_long("a long text")
---```
---@param text string the bytes
---@return integer crc from 0 to 4294967295
function ngx.crc32_long(text) end

---The HMAC of a text with SHA-1.
---
---Phases: any.
---
---```lua
---local signature = ngx.encode_base64(ngx.hmac_sha1("secret", "text"))
---```
---@param key string the secret
---@param text string the bytes
---@return string digest 20 bytes
function ngx.hmac_sha1(key, text) end

---The MD5 of a text. Not for secrets.
---
---Phases: any.
---
---```lua
---local tag = ngx.md5("text")
---```
---@param text string the bytes
---@return string digest 32 hexadecimal digits
function ngx.md5(text) end

---The MD5 of a text. Not for secrets.
---
---Phases: any.
---
---```lua
---local tag = ngx.md5_bin("text")
---```
---@param text string the bytes
---@return string digest 16 bytes
function ngx.md5_bin(text) end

---The SHA-1 of a text.
---
---Phases: any.
---
---```lua
---local digest = ngx.sha1_bin("text")
---```
---@param text string the bytes
---@return string digest 20 bytes
function ngx.sha1_bin(text) end

---A text as a literal of MySQL.
---
---Phases: any.
---
---```lua
---local query = "select * from users where name = " .. ngx.quote_sql_str("ada")
---```
---@param text string the text
---@return string quoted with quotes around it
function ngx.quote_sql_str(text) end

---Calls a function of a module on a thread that may block, and waits for it.
---
---Phases: any.
---
---```lua
---local ok, digest = ngx.run_worker_thread("pool", "acme.digest", "of", "text")
---```
---@param threadpool string any name
---@param module_name string a module of the operator's directory
---@param func_name string a function of that module
---@param ... boolean|number|string|table|nil what the function gets
---@return boolean ok whether it went well
---@return any result what it gives, or why it went wrong
function ngx.run_worker_thread(threadpool, module_name, func_name, ...) end
