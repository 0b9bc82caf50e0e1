---@meta _

-- What gateways tell each other.

---Events for functions on the other gateways that share a database. Call its functions with a colon.
---@class kong.cluster_events
kong.cluster_events = {}

---Tells functions on the other gateways something. Those on this one do not hear of it. Without other
---gateways, nobody does.
---
---Phases: any.
---
---```lua
---local ok, err = kong.cluster_events:broadcast("config:changed", "tenant-7")
---```
---@param channel string whom it is for
---@param data string what they are told: with the channel 7,900 bytes at most, less where there are others than letters and digits
---@param delay? number seconds that it is held back
---@return boolean? ok true, or nil
---@return string? err why it is not told
function kong.cluster_events:broadcast(channel, data, delay) end

---Has a function called with what functions on other gateways broadcast: as a timer is, in the VM in which
---this was called, for as long as the functions are there that called it. Each call subscribes once more, and
---counts as a pending timer.
---
---Phases: any.
---
---```lua
---local ok, err = kong.cluster_events:subscribe("config:changed", function(data)
---  ngx.shared.tenants:delete(data)
---end)
---```
---@param channel string what is listened to
---@param callback fun(data: string) is told what each event says
---@param start_polling? boolean means nothing here
---@return boolean? ok true, or nil
---@return string? err why there is no subscription
function kong.cluster_events:subscribe(channel, callback, start_polling) end
