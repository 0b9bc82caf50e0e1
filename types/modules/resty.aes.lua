---@meta resty.aes

---AES, as lua-resty-string has it.
---@class resty.aes
local aes = {}

---The version of lua-resty-string that this is like.
---
---Phases: any.
---
---```lua
---local version = require("resty.aes")._VERSION
---```
---@type string
aes._VERSION = nil

---The digests that make keys of texts: `md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`.
---
---Phases: any.
---
---```lua
---local sha256 = require("resty.aes").hash.sha256
---```
---@type table<string, string>
aes.hash = nil

---Names a cipher.
---
---Phases: any.
---
---```lua
---local cipher = require("resty.aes").cipher(256, "gcm")
---```
---@param size? integer 128, which is the default, 192 or 256 bits
---@param mode? string `cbc`, which is the default, `cfb1`, `cfb8`, `cfb128`, `ctr`, `ecb`, `gcm`, `ofb`
---@return table? cipher for `new`; nil if there is none
function aes.cipher(size, mode) end

---Makes what encrypts and decrypts.
---
---Phases: any.
---
---```lua
---local aes = assert(require("resty.aes"):new("secret"))
---```
---@param key string a password, or a key if `hash` is `{ iv = … }`
---@param salt? string 8 bytes
---@param cipher? table of `cipher`
---@param hash? table|string one of `hash`, or `{ iv = …, method = … }`
---@param hash_rounds? integer how often to digest; 1 if it is left out
---@param iv_len? integer bytes, for `gcm`
---@param enable_padding? boolean true if it is left out
---@return resty.aes aes the object
---@return string? err why there is none
function aes:new(key, salt, cipher, hash, hash_rounds, iv_len, enable_padding) end

---Encrypts.
---
---Phases: any.
---
---```lua
---local bytes = assert(require("resty.aes"):new("secret")):encrypt("text")
---```
---@param text string the text
---@param aad? string what is vouched for besides, for `gcm`
---@return string|table|nil encrypted the bytes; for `gcm` a table of them and the tag
---@return string? err why not
function aes:encrypt(text, aad) end

---Decrypts.
---
---Phases: any.
---
---```lua
---local aes = assert(require("resty.aes"):new("secret"))
---local text = aes:decrypt(aes:encrypt("text"))
---```
---@param bytes string the bytes
---@param tag? string the tag, for `gcm`
---@param aad? string what is vouched for besides, for `gcm`
---@return string? text the text
---@return string? err why not
function aes:decrypt(bytes, tag, aad) end

return aes
