-- How each algorithm of RFC 7518 signs: with the kind of key, digest, padding and options, or a code (`hmac`); and the
-- length of its signatures in bytes, where there is one.

local PADDINGS = ...
local PSS = PADDINGS.RSA_PKCS1_PSS_PADDING
local RAW = { ecdsa_use_raw = true }

return {
  HS256 = { digest = "sha256", hmac = true },
  HS384 = { digest = "sha384", hmac = true },
  HS512 = { digest = "sha512", hmac = true },
  RS256 = { digest = "sha256", kind = "RSA" },
  RS384 = { digest = "sha384", kind = "RSA" },
  RS512 = { digest = "sha512", kind = "RSA" },
  PS256 = { digest = "sha256", kind = "RSA", padding = PSS },
  PS384 = { digest = "sha384", kind = "RSA", padding = PSS },
  PS512 = { digest = "sha512", kind = "RSA", padding = PSS },
  ES256 = { digest = "sha256", kind = "EC", options = RAW, length = 64 },
  ES384 = { digest = "sha384", kind = "EC", options = RAW, length = 96 },
  ES512 = { digest = "sha512", kind = "EC", options = RAW, length = 132 },
  EdDSA = { kind = "ED25519" },
}
