---@meta resty.jwt-validators

---What says whether a claim is right. Those with `opt_` let a claim be missing.
---@class resty.jwt-validators
local jwt_validators = {}

---The version of lua-resty-jwt that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.jwt-validators")._VERSION
---```
---@type string
jwt_validators._VERSION = nil

---Sets the clock.
---
---Phases: any.
---
---```lua
---require("resty.jwt-validators").set_system_clock(ngx.now)
---```
---@param clock fun(): number gives seconds since 1970
function jwt_validators.set_system_clock(clock) end

---The clock.
---
---Phases: any.
---
---```lua
---local clock = require("resty.jwt-validators").get_system_clock()
---```
---@return fun(): number clock gives seconds since 1970
function jwt_validators.get_system_clock() end

---How wrong clocks may be.
---
---Phases: any.
---
---```lua
---require("resty.jwt-validators").set_system_leeway(60)
---```
---@param leeway number seconds
function jwt_validators.set_system_leeway(leeway) end

---All of several validators.
---
---Phases: any.
---
---```lua
---local validators = require("resty.jwt-validators")
---local both = validators.chain(validators.required(), validators.matches("^a"))
---```
---@param ... fun(value: any, claim: string, json: string): boolean? validators
---@return fun(value: any, claim: string, json: string): boolean validator a validator
function jwt_validators.chain(...) end

---The claim must be there.
---
---Phases: any.
---
---```lua
---local required = require("resty.jwt-validators").required()
---```
---@param validator? fun(value: any, claim: string, json: string): boolean? what it must be besides
---@return fun(value: any, claim: string, json: string): boolean validator a validator
function jwt_validators.required(validator) end

---One of several claims must be there. For the key `__jwt`.
---
---Phases: any.
---
---```lua
---local one = require("resty.jwt-validators").require_one_of({ "sub", "client_id" })
---```
---@param claims string[] their names
---@return fun(value: any, claim: string, json: string): boolean validator a validator
function jwt_validators.require_one_of(claims) end

---The claim is a value.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").equals("ada")
---```
---@param value any what it must be
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.equals(value) end

---The claim is a value. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_equals("ada")
---```
---@param value any what it must be
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_equals(value) end

---A regular expression matches the claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").matches("^a")
---```
---@param regex string the regular expression
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.matches(regex) end

---A regular expression matches the claim. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_matches("^a")
---```
---@param regex string the regular expression
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_matches(regex) end

---The claim is greater than a number.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").greater_than(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.greater_than(number) end

---The claim is greater than a number. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_greater_than(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_greater_than(number) end

---The claim is not less than a number.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").greater_than_or_equal(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.greater_than_or_equal(number) end

---The claim is not less than a number. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_greater_than_or_equal(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_greater_than_or_equal(number) end

---The claim is less than a number.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").less_than(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.less_than(number) end

---The claim is less than a number. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_less_than(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_less_than(number) end

---The claim is not greater than a number.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").less_than_or_equal(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.less_than_or_equal(number) end

---The claim is not greater than a number. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_less_than_or_equal(1)
---```
---@param number number the number
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_less_than_or_equal(number) end

---The claim is one of several values.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").equals_any_of({ "ada" })
---```
---@param values any[] the values
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.equals_any_of(values) end

---The claim is one of several values. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_equals_any_of({ "ada" })
---```
---@param values any[] the values
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_equals_any_of(values) end

---One of several regular expressions matches the claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").matches_any_of({ "^a" })
---```
---@param regexes string[] the regular expressions
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.matches_any_of(regexes) end

---One of several regular expressions matches the claim. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_matches_any_of({ "^a" })
---```
---@param regexes string[] the regular expressions
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_matches_any_of(regexes) end

---One of several values is in the claim, a list.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").contains_any_of({ "admin" })
---```
---@param values any[] the values
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.contains_any_of(values) end

---One of several values is in the claim, a list. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_contains_any_of({ "admin" })
---```
---@param values any[] the values
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_contains_any_of(values) end

---One of several regular expressions matches something in the claim, a list.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").contains_any_matching_of({ "^a" })
---```
---@param regexes string[] the regular expressions
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.contains_any_matching_of(regexes) end

---One of several regular expressions matches something in the claim, a list. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_contains_any_matching_of({ "^a" })
---```
---@param regexes string[] the regular expressions
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_contains_any_matching_of(regexes) end

---The time in the claim has come. For `nbf`.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").is_not_before()
---```
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.is_not_before() end

---The time in the claim has come. For `nbf`. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_is_not_before()
---```
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_is_not_before() end

---The time in the claim has not come. For `exp`.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").is_not_expired()
---```
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.is_not_expired() end

---The time in the claim has not come. For `exp`. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_is_not_expired()
---```
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_is_not_expired() end

---The time in the claim is now. For `iat`.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").is_at()
---```
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.is_at() end

---The time in the claim is now. For `iat`. Or there is no claim.
---
---Phases: any.
---
---```lua
---local validator = require("resty.jwt-validators").opt_is_at()
---```
---@return fun(value: any, claim: string, json: string): boolean validator for `resty.jwt`'s `verify`
function jwt_validators.opt_is_at() end

return jwt_validators
