//! Message digests, and HMAC over them.

/// How a digest is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    #[cfg(feature = "digest")]
    Sha224,
    #[cfg(feature = "digest")]
    Sha256,
    #[cfg(feature = "digest")]
    Sha384,
    #[cfg(feature = "digest")]
    Sha512,
}

/// A digest of what it has been given so far.
#[derive(Clone)]
pub(crate) enum Digest {
    Md5(md5::Context),
    Sha1(sha1_smol::Sha1),
    #[cfg(feature = "digest")]
    Sha224(sha2::Sha224),
    #[cfg(feature = "digest")]
    Sha256(sha2::Sha256),
    #[cfg(feature = "digest")]
    Sha384(sha2::Sha384),
    #[cfg(feature = "digest")]
    Sha512(sha2::Sha512),
}

impl Algorithm {
    #[cfg(feature = "digest")]
    pub(crate) const ALL: [Self; 6] =
        [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name in lower case, as OpenSSL has it.
    #[cfg(feature = "digest")]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of what is digested at once, in bytes.
    const fn block(self) -> usize {
        match self {
            #[cfg(feature = "digest")]
            Self::Sha384 | Self::Sha512 => 128,
            _ => 64,
        }
    }

    pub(crate) fn begin(self) -> Digest {
        #[cfg(feature = "digest")]
        use sha2::Digest as _;
        match self {
            Self::Md5 => Digest::Md5(md5::Context::new()),
            Self::Sha1 => Digest::Sha1(sha1_smol::Sha1::new()),
            #[cfg(feature = "digest")]
            Self::Sha224 => Digest::Sha224(sha2::Sha224::new()),
            #[cfg(feature = "digest")]
            Self::Sha256 => Digest::Sha256(sha2::Sha256::new()),
            #[cfg(feature = "digest")]
            Self::Sha384 => Digest::Sha384(sha2::Sha384::new()),
            #[cfg(feature = "digest")]
            Self::Sha512 => Digest::Sha512(sha2::Sha512::new()),
        }
    }

    /// The digest of `bytes`.
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut digest = self.begin();
        digest.update(bytes);
        digest.finish()
    }
}

impl Digest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        #[cfg(feature = "digest")]
        use sha2::Digest as _;
        match self {
            Self::Md5(digest) => digest.consume(bytes),
            Self::Sha1(digest) => digest.update(bytes),
            #[cfg(feature = "digest")]
            Self::Sha224(digest) => digest.update(bytes),
            #[cfg(feature = "digest")]
            Self::Sha256(digest) => digest.update(bytes),
            #[cfg(feature = "digest")]
            Self::Sha384(digest) => digest.update(bytes),
            #[cfg(feature = "digest")]
            Self::Sha512(digest) => digest.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        #[cfg(feature = "digest")]
        use sha2::Digest as _;
        match self {
            Self::Md5(digest) => digest.finalize().to_vec(),
            Self::Sha1(digest) => digest.digest().bytes().to_vec(),
            #[cfg(feature = "digest")]
            Self::Sha224(digest) => digest.finalize().to_vec(),
            #[cfg(feature = "digest")]
            Self::Sha256(digest) => digest.finalize().to_vec(),
            #[cfg(feature = "digest")]
            Self::Sha384(digest) => digest.finalize().to_vec(),
            #[cfg(feature = "digest")]
            Self::Sha512(digest) => digest.finalize().to_vec(),
        }
    }
}

/// A code by which whoever has the key knows that a message is whole: RFC 2104.
///
/// By hand, because `ngx.hmac_sha1` is there without features: the crate hmac and a digest that it
/// takes would bring eight more.
#[derive(Clone)]
pub(crate) struct Hmac {
    inner: Digest,
    outer: Digest,
}

impl Hmac {
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        let mut block =
            if key.len() > algorithm.block() { algorithm.of(key) } else { key.to_vec() };
        block.resize(algorithm.block(), 0);
        let keyed = |pad: u8| {
            let mut digest = algorithm.begin();
            digest.update(&block.iter().map(|byte| byte ^ pad).collect::<Vec<_>>());
            digest
        };
        Self { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.outer.update(&self.inner.finish());
        self.outer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hmac(algorithm: Algorithm, key: &[u8], message: &[u8]) -> String {
        let mut hmac = Hmac::new(algorithm, key);
        hmac.update(message);
        hmac.finish().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn hmac_agrees_with_rfc_2202() {
        let expected = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        assert_eq!(hmac(Algorithm::Sha1, b"Jefe", b"what do ya want for nothing?"), expected);
        let expected = "aa4ae5e15272d00e95705637ce8a3b55ed402112";
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(hmac(Algorithm::Sha1, &[0xaa; 80], message), expected);
        let expected = "750c783e6ab0b503eaa86e310a5db738";
        assert_eq!(hmac(Algorithm::Md5, b"Jefe", b"what do ya want for nothing?"), expected);
    }

    #[cfg(feature = "digest")]
    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let message = b"what do ya want for nothing?";
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hmac(Algorithm::Sha256, b"Jefe", message), expected);
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let expected = "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
                        6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598";
        assert_eq!(hmac(Algorithm::Sha512, &[0xaa; 131], message), expected);
    }
}
