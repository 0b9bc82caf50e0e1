---@meta _

-- Regular expressions.

---Regular expressions, by PCRE2. Options are letters: `i` any case, `j` and `o` compile once, `m`, `s`, `x`,
---`u`, `a` anchored, `d` first match.
---@class ngx.re
ngx.re = {}

---The first match.
---
---Phases: any.
---
---```lua
---local found = ngx.re.match("id=7", [[id=(\d+)]], "jo")
---```
---@param subject string where to look
---@param regex string the regular expression
---@param options? string letters
---@param ctx? table `pos` where to begin, and where the match ended
---@param res_table? table a table to put the captures into
---@return table? captures the match at 0, captures by number and name, false for those that took no part; nil if nothing matches
---@return string? err what is wrong with the expression
function ngx.re.match(subject, regex, options, ctx, res_table) end

---Where the first match is.
---
---Phases: any.
---
---```lua
---local from, to = ngx.re.find("id=7", [[\d+]], "jo")
---```
---@param subject string where to look
---@param regex string the regular expression
---@param options? string letters
---@param ctx? table `pos` where to begin, and where the match ended
---@param nth? integer of which capture; 0 for the match, which is the default
---@return integer? from the first byte; nil if nothing matches
---@return integer? to the last byte
---@return string? err what is wrong with the expression
function ngx.re.find(subject, regex, options, ctx, nth) end

---All matches, one after the other.
---
---Phases: any.
---
---```lua
---local iterator = assert(ngx.re.gmatch("a1b2", [[\d]], "jo"))
---```
---@param subject string where to look
---@param regex string the regular expression
---@param options? string letters
---@return (fun(): (table?, string?))? iterator gives the captures of the next match, until nil
---@return string? err what is wrong with the expression
function ngx.re.gmatch(subject, regex, options) end

---Replaces the first match.
---
---Phases: any.
---
---```lua
---local text = ngx.re.sub("id=7", [[(\d+)]], "<$1>", "jo")
---```
---@param subject string where to look
---@param regex string the regular expression
---@param replace string|fun(captures: table): string text with `$0`, `$1`, `${name}`, or a function of the captures
---@param options? string letters
---@return string? result the new text
---@return integer? count how many were replaced
---@return string? err what is wrong with the expression
function ngx.re.sub(subject, regex, replace, options) end

---Replaces all matches.
---
---Phases: any.
---
---```lua
---local text = ngx.re.gsub("4111 1111", [[\d]], "*", "jo")
---```
---@param subject string where to look
---@param regex string the regular expression
---@param replace string|fun(captures: table): string text with `$0`, `$1`, `${name}`, or a function of the captures
---@param options? string letters
---@return string? result the new text
---@return integer? count how many were replaced
---@return string? err what is wrong with the expression
function ngx.re.gsub(subject, regex, replace, options) end
