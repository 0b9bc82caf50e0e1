---@meta _

-- Subrequests, threads, timers, workers.

---What a subrequest was answered with.
---@class ngx.location.answer
---@field status integer the status
---@field header table<string, string|string[]> the headers
---@field body string the body
---@field truncated boolean whether the body was cut off

---Requests within the request.
---@class ngx.location
ngx.location = {}

---Makes a request to the gateway itself, and waits for the answer.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local user = ngx.location.capture("/internal/user", { args = { id = 7 } })
---```
---@param uri string path and query
---@param options? table `method`, `body`, `args`, `headers`, `ctx`, `vars`, `copy_all_vars`, `share_all_vars`, `always_forward_body`
---@return ngx.location.answer answer the answer
function ngx.location.capture(uri, options) end

---Makes several requests at once, and waits for all answers.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---local a, b = ngx.location.capture_multi({ { "/a" }, { "/b" } })
---```
---@param requests table[] arrays of a path and options
---@return ngx.location.answer ... the answers, in the order of the requests
function ngx.location.capture_multi(requests) end

---Light threads: coroutines that run beside the function.
---@class ngx.thread
ngx.thread = {}

---Begins a light thread. It runs until it waits, then the function goes on.
---
---Phases: any.
---
---```lua
---local thread = ngx.thread.spawn(function() ngx.sleep(0.1) return 1 end)
---```
---@param func fun(...: any): any what to run
---@param ... any what it gets
---@return thread thread the thread
function ngx.thread.spawn(func, ...) end

---Waits for the first of several threads.
---
---Phases: any.
---
---```lua
---local ok, value = ngx.thread.wait(ngx.thread.spawn(function() return 1 end))
---```
---@param ... thread threads
---@return boolean ok whether it ended well
---@return any ... what it gives, or why it went wrong
function ngx.thread.wait(...) end

---Ends a thread.
---
---Phases: any.
---
---```lua
---ngx.thread.kill(ngx.thread.spawn(function() ngx.sleep(1) end))
---```
---@param thread thread the thread
---@return integer? ok 1
---@return string? err why not
function ngx.thread.kill(thread) end

---Functions that are called later, without a request.
---@class ngx.timer
ngx.timer = {}

---Calls a function later, once.
---
---Phases: any.
---
---```lua
---ngx.timer.at(0, function(premature) kong.log("later") end)
---```
---@param delay number seconds, from 0
---@param callback fun(premature: boolean, ...: any) what to call; `premature` says that the server ends
---@param ... any what it gets besides
---@return integer? ok 1
---@return string? err `process exiting` or `too many pending timers`
function ngx.timer.at(delay, callback, ...) end

---Calls a function again and again, until its set is replaced.
---
---Phases: any.
---
---```lua
---ngx.timer.every(60, function(premature) kong.log("every minute") end)
---```
---@param delay number seconds, above 0
---@param callback fun(premature: boolean, ...: any) what to call; `premature` says that the server ends
---@param ... any what it gets besides
---@return integer? ok 1
---@return string? err why not
function ngx.timer.every(delay, callback, ...) end

---How many timers run, in this VM.
---
---Phases: any.
---
---```lua
---local count = ngx.timer.running_count()
---```
---@return integer count from 0
function ngx.timer.running_count() end

---How many timers wait, in this VM.
---
---Phases: any.
---
---```lua
---local count = ngx.timer.pending_count()
---```
---@return integer count from 0
function ngx.timer.pending_count() end

---The worker that the function runs in: here, a VM.
---@class ngx.worker
ngx.worker = {}

---Whether the server is about to end.
---
---Phases: any.
---
---```lua
---local is_ending = ngx.worker.exiting()
---```
---@return boolean is_exiting true if so
function ngx.worker.exiting() end

---The number of the process.
---
---Phases: any.
---
---```lua
---local pid = ngx.worker.pid()
---```
---@return integer pid its number
function ngx.worker.pid() end

---The numbers of the processes.
---
---Phases: any.
---
---```lua
---local pids = ngx.worker.pids()
---```
---@return integer[] pids this one's
function ngx.worker.pids() end

---How many VMs there are.
---
---Phases: any.
---
---```lua
---local count = ngx.worker.count()
---```
---@return integer count from 1
function ngx.worker.count() end

---Which VM this is.
---
---Phases: any.
---
---```lua
---local id = ngx.worker.id()
---```
---@return integer id from 0
function ngx.worker.id() end

---How nginx was made.
---
---Phases: any.
---
---```lua
---local is_http = ngx.config.subsystem == "http"
---```
---@class ngx.config
---@field debug boolean false
---@field nginx_version integer 1027001 for 1.27.1
---@field ngx_lua_version integer 10027 for 0.10.27
---@field subsystem string `http`
ngx.config = {}

---The directory of the server.
---
---Phases: any.
---
---```lua
---local path = ngx.config.prefix()
---```
---@return string path with `/` at its end
function ngx.config.prefix() end

---The options that nginx was configured with.
---
---Phases: any.
---
---```lua
---local options = ngx.config.nginx_configure()
---```
---@return string options empty
function ngx.config.nginx_configure() end
