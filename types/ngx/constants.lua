---@meta _

-- The constants of `ngx`.

---Lets the request go on, for `ngx.exit`.
---@type integer
ngx.OK = 0

---Something went wrong; a 500, for `ngx.exit`.
---@type integer
ngx.ERROR = -1

---nginx's code for what is not done yet.
---@type integer
ngx.AGAIN = -2

---nginx's code for what is done.
---@type integer
ngx.DONE = -4

---nginx's code for what is left to others.
---@type integer
ngx.DECLINED = -5

---The method `GET`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_GET = 2

---The method `HEAD`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_HEAD = 4

---The method `POST`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_POST = 8

---The method `PUT`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_PUT = 16

---The method `DELETE`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_DELETE = 32

---The method `MKCOL`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_MKCOL = 64

---The method `COPY`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_COPY = 128

---The method `MOVE`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_MOVE = 256

---The method `OPTIONS`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_OPTIONS = 512

---The method `PROPFIND`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_PROPFIND = 1024

---The method `PROPPATCH`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_PROPPATCH = 2048

---The method `LOCK`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_LOCK = 4096

---The method `UNLOCK`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_UNLOCK = 8192

---The method `PATCH`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_PATCH = 16384

---The method `TRACE`, for `ngx.req.set_method` and `ngx.location.capture`.
---@type integer
ngx.HTTP_TRACE = 32768

---The status 100.
---@type integer
ngx.HTTP_CONTINUE = 100

---The status 101.
---@type integer
ngx.HTTP_SWITCHING_PROTOCOLS = 101

---The status 200.
---@type integer
ngx.HTTP_OK = 200

---The status 201.
---@type integer
ngx.HTTP_CREATED = 201

---The status 202.
---@type integer
ngx.HTTP_ACCEPTED = 202

---The status 204.
---@type integer
ngx.HTTP_NO_CONTENT = 204

---The status 206.
---@type integer
ngx.HTTP_PARTIAL_CONTENT = 206

---The status 300.
---@type integer
ngx.HTTP_SPECIAL_RESPONSE = 300

---The status 301.
---@type integer
ngx.HTTP_MOVED_PERMANENTLY = 301

---The status 302.
---@type integer
ngx.HTTP_MOVED_TEMPORARILY = 302

---The status 303.
---@type integer
ngx.HTTP_SEE_OTHER = 303

---The status 304.
---@type integer
ngx.HTTP_NOT_MODIFIED = 304

---The status 307.
---@type integer
ngx.HTTP_TEMPORARY_REDIRECT = 307

---The status 308.
---@type integer
ngx.HTTP_PERMANENT_REDIRECT = 308

---The status 400.
---@type integer
ngx.HTTP_BAD_REQUEST = 400

---The status 401.
---@type integer
ngx.HTTP_UNAUTHORIZED = 401

---The status 402.
---@type integer
ngx.HTTP_PAYMENT_REQUIRED = 402

---The status 403.
---@type integer
ngx.HTTP_FORBIDDEN = 403

---The status 404.
---@type integer
ngx.HTTP_NOT_FOUND = 404

---The status 405.
---@type integer
ngx.HTTP_NOT_ALLOWED = 405

---The status 406.
---@type integer
ngx.HTTP_NOT_ACCEPTABLE = 406

---The status 408.
---@type integer
ngx.HTTP_REQUEST_TIMEOUT = 408

---The status 409.
---@type integer
ngx.HTTP_CONFLICT = 409

---The status 410.
---@type integer
ngx.HTTP_GONE = 410

---The status 426.
---@type integer
ngx.HTTP_UPGRADE_REQUIRED = 426

---The status 429.
---@type integer
ngx.HTTP_TOO_MANY_REQUESTS = 429

---The status 444.
---@type integer
ngx.HTTP_CLOSE = 444

---The status 451.
---@type integer
ngx.HTTP_ILLEGAL = 451

---The status 500.
---@type integer
ngx.HTTP_INTERNAL_SERVER_ERROR = 500

---The status 501.
---@type integer
ngx.HTTP_METHOD_NOT_IMPLEMENTED = 501

---The status 501.
---@type integer
ngx.HTTP_NOT_IMPLEMENTED = 501

---The status 502.
---@type integer
ngx.HTTP_BAD_GATEWAY = 502

---The status 503.
---@type integer
ngx.HTTP_SERVICE_UNAVAILABLE = 503

---The status 504.
---@type integer
ngx.HTTP_GATEWAY_TIMEOUT = 504

---The status 505.
---@type integer
ngx.HTTP_VERSION_NOT_SUPPORTED = 505

---The status 507.
---@type integer
ngx.HTTP_INSUFFICIENT_STORAGE = 507

---A level of the log, for `ngx.log`.
---@type integer
ngx.STDERR = 0

---A level of the log, for `ngx.log`.
---@type integer
ngx.EMERG = 1

---A level of the log, for `ngx.log`.
---@type integer
ngx.ALERT = 2

---A level of the log, for `ngx.log`.
---@type integer
ngx.CRIT = 3

---A level of the log, for `ngx.log`.
---@type integer
ngx.ERR = 4

---A level of the log, for `ngx.log`.
---@type integer
ngx.WARN = 5

---A level of the log, for `ngx.log`.
---@type integer
ngx.NOTICE = 6

---A level of the log, for `ngx.log`.
---@type integer
ngx.INFO = 7

---A level of the log, for `ngx.log`.
---@type integer
ngx.DEBUG = 8
