---@meta resty.openssl.cipher

---AES, in the modes cbc, cfb1, cfb8, cfb128, ctr, ecb, gcm and ofb.
---@class resty.openssl.cipher
local cipher = {}

---Makes a cipher.
---
---Phases: any.
---
---```lua
---local cipher = assert(require("resty.openssl.cipher").new("aes-256-gcm"))
---```
---@param algorithm? string `aes-256-cbc`, for one
---@return resty.openssl.cipher cipher the cipher
---@return string? err why there is none
function cipher.new(algorithm) end

---Encrypts.
---
---Phases: any.
---
---```lua
---local bytes = assert(require("resty.openssl.cipher").new("aes-128-cbc")):encrypt(("k"):rep(16), ("i"):rep(16), "text")
---```
---@param key string as many bytes as the cipher says
---@param iv? string as many bytes as the cipher says
---@param text string the text
---@param no_padding? boolean true for no padding
---@param aead_aad? string what is vouched for besides, for gcm
---@return string? bytes the bytes; the tag is in `get_aead_tag`
---@return string? err why not
function cipher:encrypt(key, iv, text, no_padding, aead_aad) end

---Decrypts.
---
---Phases: any.
---
---```lua
---local text, err = assert(require("resty.openssl.cipher").new("aes-128-cbc")):decrypt(("k"):rep(16), ("i"):rep(16), "bytes")
---```
---@param key string as many bytes as the cipher says
---@param iv? string as many bytes as the cipher says
---@param bytes string the bytes
---@param no_padding? boolean true for no padding
---@param aead_aad? string what is vouched for besides, for gcm
---@param aead_tag? string the tag, for gcm
---@return string? text the text
---@return string? err why not
function cipher:decrypt(key, iv, bytes, no_padding, aead_aad, aead_tag) end

---Begins to encrypt or decrypt piece by piece.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.cipher").new("aes-128-cbc")):init(("k"):rep(16), ("i"):rep(16), { is_encrypt = true })
---```
---@param key string as many bytes as the cipher says
---@param iv? string as many bytes as the cipher says
---@param options? { is_encrypt?: boolean, no_padding?: boolean } `is_encrypt` to encrypt
---@return boolean? ok true
---@return string? err why not
function cipher:init(key, iv, options) end

---Encrypts or decrypts a piece.
---
---Phases: any.
---
---```lua
---local cipher = assert(require("resty.openssl.cipher").new("aes-128-cbc"))
---cipher:init(("k"):rep(16), ("i"):rep(16), { is_encrypt = true })
---local bytes = cipher:update("text")
---```
---@param ... string bytes
---@return string? bytes what comes of it
---@return string? err why not
function cipher:update(...) end

---Says what is vouched for besides, for gcm.
---
---Phases: any.
---
---```lua
---local cipher = assert(require("resty.openssl.cipher").new("aes-128-gcm"))
---cipher:init(("k"):rep(16), ("i"):rep(12), { is_encrypt = true })
---cipher:update_aead_aad("header")
---```
---@param aad string bytes
---@return boolean? ok true
---@return string? err why not
function cipher:update_aead_aad(aad) end

---Ends it.
---
---Phases: any.
---
---```lua
---local cipher = assert(require("resty.openssl.cipher").new("aes-128-cbc"))
---cipher:init(("k"):rep(16), ("i"):rep(16), { is_encrypt = true })
---local bytes = cipher:final("text")
---```
---@param text? string the last piece
---@return string? bytes what comes of it
---@return string? err why not
function cipher:final(text) end

---The tag, after encrypting with gcm.
---
---Phases: any.
---
---```lua
---local tag, err = assert(require("resty.openssl.cipher").new("aes-128-gcm")):get_aead_tag()
---```
---@param size? integer how many bytes; 16 if it is left out
---@return string? tag the bytes
---@return string? err why there is none
function cipher:get_aead_tag(size) end

---Says what the tag must be, before decrypting with gcm.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.cipher").new("aes-128-gcm")):set_aead_tag(("t"):rep(16))
---```
---@param tag string the bytes
---@return boolean? ok true
---@return string? err why not
function cipher:set_aead_tag(tag) end

---Makes key and iv of a password.
---
---Phases: any.
---
---```lua
---local key, iv = assert(require("resty.openssl.cipher").new("aes-128-cbc")):derive("password")
---```
---@param key string the password
---@param salt? string 8 bytes
---@param count? integer how often to digest; 1 if it is left out
---@param md? string the digest; `sha1` if it is left out
---@return string? key the key
---@return string? iv the iv
---@return string? err why there are none
function cipher:derive(key, salt, count, md) end

---Has no effect here.
---
---Phases: any.
---
---```lua
---require("resty.openssl.cipher").set_buffer_size(1024)
---```
---@param size? integer bytes
---@return boolean ok true
function cipher.set_buffer_size(size) end

---Whether a value is a cipher of this module.
---
---Phases: any.
---
---```lua
---local is_cipher = require("resty.openssl.cipher").istype(nil)
---```
---@param value any any value
---@return boolean is_cipher true if it is
function cipher.istype(value) end

---Whose the algorithm is.
---
---Phases: any.
---
---```lua
---local name = require("resty.openssl.cipher").get_provider_name()
---```
---@return string name `default`
function cipher.get_provider_name() end

return cipher
