-- `resty.openssl.version`: what libraries ask before they choose how to call the others.

local TEXT = "OpenSSL 3.0.0 (RustCrypto, tower-lua)"
local NUMBER = 0x30000000

return {
  version_num = NUMBER,
  version_text = TEXT,
  version = function()
    return TEXT
  end,
  VERSION = 0,
  OPENSSL_3X = true,
  OPENSSL_3_UP = true,
  OPENSSL_11 = false,
  OPENSSL_111 = false,
  OPENSSL_11_OR_LATER = true,
  OPENSSL_111_OR_LATER = true,
  OPENSSL_10 = false,
  BORINGSSL = false,
  BORINGSSL_110 = false,
}
