local http = require "resty.http"

local httpc = http.new()
httpc:set_timeout(1000)
local res = httpc:request_uri("http://127.0.0.1:@UPSTREAM@/plain", { keepalive_pool = 64 })
if not res or res.status ~= 200 then
  return ngx.exit(502)
end
ngx.req.set_header("x-callout", tostring(#res.body))
