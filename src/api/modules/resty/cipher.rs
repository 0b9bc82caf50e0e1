//! AES in the modes that OpenSSL has of it, each from its own crate, with OpenSSL's rules for keys
//! and padding.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use cipher::array::{Array, ArraySize};
use cipher::consts::U16;
use cipher::{
    BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncClosure, BlockCipherEncrypt,
    BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipher,
};

pub(super) const BLOCK: usize = 16;

/// How many bytes are worked on before it is asked whether there is time for more.
const STRETCH: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Ecb,
    Cbc,
    Cfb1,
    Cfb8,
    Cfb128,
    Ofb,
    Ctr,
    Gcm,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Encrypt,
    Decrypt,
}

/// A key and an initialization vector, for any number of texts.
pub(super) struct Cipher {
    aes: Aes,
    mode: Mode,
    iv: Vec<u8>,
    padding: bool,
}

/// A text, and the tag of a mode that has one.
pub(super) type Encrypted = (Vec<u8>, Option<[u8; BLOCK]>);

/// Why there is no text: the last block is not whole, its padding is wrong, or the tag is.
#[derive(Debug)]
pub(super) struct Unfit;

/// Works on the next bytes of a text, in place: whole blocks where the mode is one of blocks.
pub(super) type Work = Box<dyn FnMut(&mut [u8]) + Send + Sync>;

impl Mode {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"ecb" => Self::Ecb,
            b"cbc" => Self::Cbc,
            b"cfb1" => Self::Cfb1,
            b"cfb8" => Self::Cfb8,
            b"cfb128" => Self::Cfb128,
            b"ofb" => Self::Ofb,
            b"ctr" => Self::Ctr,
            b"gcm" => Self::Gcm,
            _ => return None,
        })
    }

    /// The length of the initialization vector that OpenSSL derives for the mode.
    pub(super) const fn iv_len(self) -> usize {
        match self {
            Self::Ecb => 0,
            Self::Gcm => 12,
            _ => BLOCK,
        }
    }

    /// Whether a text is a number of whole blocks.
    pub(super) const fn is_padded(self) -> bool {
        matches!(self, Self::Ecb | Self::Cbc)
    }
}

impl Cipher {
    /// `None` when the key or the vector has no length that the mode takes.
    pub(super) fn new(mode: Mode, key: &[u8], iv: &[u8], padding: bool) -> Option<Self> {
        let fits = match mode {
            Mode::Gcm => (1..=MAX_NONCE).contains(&iv.len()),
            _ => iv.len() == mode.iv_len(),
        };
        let aes = Aes::new(key)?;
        fits.then(|| Self { aes, mode, iv: iv.to_vec(), padding: padding && mode.is_padded() })
    }

    /// The text encrypted, and the tag of a mode that has one. `check` is asked from time to time
    /// whether to go on.
    pub(super) fn encrypt<E>(
        &self,
        text: &[u8],
        aad: &[u8],
        check: impl FnMut() -> Result<(), E>,
    ) -> Result<Result<Encrypted, Unfit>, E> {
        let mut text = text.to_vec();
        if self.mode == Mode::Gcm {
            let mut tag = [0; BLOCK];
            let sealed = gcm(&self.aes, &self.iv, aad, &mut text, &mut tag, Direction::Encrypt);
            return Ok(if sealed { Ok((text, Some(tag))) } else { Err(Unfit) });
        }
        if self.padding {
            pad(&mut text);
        } else if self.mode.is_padded() && !text.len().is_multiple_of(BLOCK) {
            return Ok(Err(Unfit));
        }
        self.run(&mut text, Direction::Encrypt, check)?;
        Ok(Ok((text, None)))
    }

    /// The text that was encrypted, if its padding, or the tag, is right.
    pub(super) fn decrypt<E>(
        &self,
        text: &[u8],
        tag: Option<[u8; BLOCK]>,
        aad: &[u8],
        check: impl FnMut() -> Result<(), E>,
    ) -> Result<Result<Vec<u8>, Unfit>, E> {
        let mut text = text.to_vec();
        if self.mode == Mode::Gcm {
            let Some(mut tag) = tag else { return Ok(Err(Unfit)) };
            let opened = gcm(&self.aes, &self.iv, aad, &mut text, &mut tag, Direction::Decrypt);
            return Ok(if opened { Ok(text) } else { Err(Unfit) });
        }
        if self.mode.is_padded() && !text.len().is_multiple_of(BLOCK) {
            return Ok(Err(Unfit));
        }
        self.run(&mut text, Direction::Decrypt, check)?;
        if self.padding {
            let Some(length) = unpadded(&text) else { return Ok(Err(Unfit)) };
            text.truncate(length);
        }
        Ok(Ok(text))
    }

    fn run<E>(
        &self,
        text: &mut [u8],
        direction: Direction,
        mut check: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut work = self.work(direction);
        for stretch in text.chunks_mut(STRETCH) {
            check()?;
            work(stretch);
        }
        Ok(())
    }

    /// What works on a text from its beginning, in a mode other than GCM.
    pub(super) fn work(&self, direction: Direction) -> Work {
        let (aes, iv, encrypts) = (self.aes.clone(), &*self.iv, direction == Direction::Encrypt);
        match (self.mode, encrypts) {
            (Mode::Ecb, true) => {
                Box::new(move |bytes| aes.encrypt_blocks(Array::slice_as_chunks_mut(bytes).0))
            }
            (Mode::Ecb, false) => {
                Box::new(move |bytes| aes.decrypt_blocks(Array::slice_as_chunks_mut(bytes).0))
            }
            (Mode::Cbc, true) => encrypting(of::<cbc::Encryptor<Aes>>(aes, iv)),
            (Mode::Cbc, false) => decrypting(of::<cbc::Decryptor<Aes>>(aes, iv)),
            (Mode::Cfb8, true) => encrypting(of::<cfb8::Encryptor<Aes>>(aes, iv)),
            (Mode::Cfb8, false) => decrypting(of::<cfb8::Decryptor<Aes>>(aes, iv)),
            (Mode::Cfb128, true) => {
                let mut mode = of::<cfb_mode::BufEncryptor<Aes>>(aes, iv);
                Box::new(move |bytes| mode.encrypt(bytes))
            }
            (Mode::Cfb128, false) => {
                let mut mode = of::<cfb_mode::BufDecryptor<Aes>>(aes, iv);
                Box::new(move |bytes| mode.decrypt(bytes))
            }
            (Mode::Ofb, _) => streaming(ofb::Ofb::from_core(of(aes, iv))),
            (Mode::Ctr, _) => streaming(ctr::Ctr128BE::from_core(of(aes, iv))),
            (Mode::Cfb1, _) => by_bits(aes, iv, encrypts),
            (Mode::Gcm, _) => unreachable!("GCM has its text at once"),
        }
    }

    /// Encrypts a text in place with GCM and gives its tag, or decrypts it if the tag is right.
    #[cfg(feature = "crypto")]
    pub(super) fn gcm(
        &self,
        aad: &[u8],
        text: &mut [u8],
        tag: &mut [u8; BLOCK],
        direction: Direction,
    ) -> bool {
        gcm(&self.aes, &self.iv, aad, text, tag, direction)
    }
}

/// AES with a key of any of its three lengths.
#[derive(Clone)]
enum Aes {
    Of128(Box<Aes128>),
    Of192(Box<Aes192>),
    Of256(Box<Aes256>),
}

impl Aes {
    fn new(key: &[u8]) -> Option<Self> {
        Some(match key.len() {
            16 => Self::Of128(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Self::Of192(Box::new(Aes192::new_from_slice(key).ok()?)),
            32 => Self::Of256(Box::new(Aes256::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }
}

impl BlockSizeUser for Aes {
    type BlockSize = U16;
}

impl BlockCipherEncrypt for Aes {
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U16>) {
        match self {
            Self::Of128(aes) => aes.encrypt_with_backend(f),
            Self::Of192(aes) => aes.encrypt_with_backend(f),
            Self::Of256(aes) => aes.encrypt_with_backend(f),
        }
    }
}

impl BlockCipherDecrypt for Aes {
    fn decrypt_with_backend(&self, f: impl BlockCipherDecClosure<BlockSize = U16>) {
        match self {
            Self::Of128(aes) => aes.decrypt_with_backend(f),
            Self::Of192(aes) => aes.decrypt_with_backend(f),
            Self::Of256(aes) => aes.decrypt_with_backend(f),
        }
    }
}

/// A mode of AES with its vector.
fn of<M: InnerIvInit<Inner = Aes>>(aes: Aes, iv: &[u8]) -> M {
    M::inner_iv_slice_init(aes, iv).expect("checked by `new`")
}

fn encrypting<M: BlockModeEncrypt + Send + Sync + 'static>(mut mode: M) -> Work {
    Box::new(move |bytes| mode.encrypt_blocks(Array::slice_as_chunks_mut(bytes).0))
}

fn decrypting<M: BlockModeDecrypt + Send + Sync + 'static>(mut mode: M) -> Work {
    Box::new(move |bytes| mode.decrypt_blocks(Array::slice_as_chunks_mut(bytes).0))
}

fn streaming<M: StreamCipher + Send + Sync + 'static>(mut mode: M) -> Work {
    Box::new(move |bytes| mode.apply_keystream(bytes))
}

/// CFB with a bit at a time, of which there is no crate: NIST SP 800-38A, 6.3.
fn by_bits(aes: Aes, iv: &[u8], encrypts: bool) -> Work {
    let mut register = u128::from_be_bytes(iv.try_into().expect("checked by `new`"));
    Box::new(move |bytes| {
        for byte in bytes {
            for bit in (0..8).rev() {
                let mut mask = Array::from(register.to_be_bytes());
                aes.encrypt_block(&mut mask);
                let mask = mask[0] >> 7;
                let plain = (*byte >> bit) & 1;
                let coded = if encrypts { plain ^ mask } else { plain };
                *byte ^= mask << bit;
                register = (register << 1) | u128::from(coded);
            }
        }
    })
}

/// The longest vector of GCM, in bytes.
const MAX_NONCE: usize = 32;

/// GCM of a vector of any length: the crate has the length in the type.
fn gcm(
    aes: &Aes,
    iv: &[u8],
    aad: &[u8],
    text: &mut [u8],
    tag: &mut [u8; BLOCK],
    direction: Direction,
) -> bool {
    use cipher::consts::*;
    macro_rules! of_length {
        ($($len:literal $Len:ident),*) => {
            match iv.len() {
                $($len => gcm_of::<$Len>(aes, iv, aad, text, tag, direction),)*
                _ => false,
            }
        };
    }
    of_length!(
        1 U1, 2 U2, 3 U3, 4 U4, 5 U5, 6 U6, 7 U7, 8 U8, 9 U9, 10 U10, 11 U11, 12 U12, 13 U13,
        14 U14, 15 U15, 16 U16, 17 U17, 18 U18, 19 U19, 20 U20, 21 U21, 22 U22, 23 U23, 24 U24,
        25 U25, 26 U26, 27 U27, 28 U28, 29 U29, 30 U30, 31 U31, 32 U32
    )
}

fn gcm_of<N: ArraySize>(
    aes: &Aes,
    iv: &[u8],
    aad: &[u8],
    text: &mut [u8],
    tag: &mut [u8; BLOCK],
    direction: Direction,
) -> bool {
    let mode = AesGcm::<Aes, N>::from(aes.clone());
    let iv = Array::try_from(iv).expect("of that length");
    if direction == Direction::Decrypt {
        return mode.decrypt_inout_detached(&iv, aad, text.into(), &Array::from(*tag)).is_ok();
    }
    let sealed = mode.encrypt_inout_detached(&iv, aad, text.into());
    sealed.is_ok_and(|made| {
        *tag = made.into();
        true
    })
}

/// Fills the last block up: PKCS #7.
pub(super) fn pad(text: &mut Vec<u8>) {
    let missing = BLOCK - text.len() % BLOCK;
    text.resize(text.len() + missing, missing as u8);
}

/// The length of a text without its padding: PKCS #7.
pub(super) fn unpadded(text: &[u8]) -> Option<usize> {
    let count = usize::from(*text.last()?);
    let length = text.len().checked_sub(count)?;
    let is_padding = (1..=BLOCK).contains(&count);
    (is_padding && text[length..].iter().all(|&byte| usize::from(byte) == count)).then_some(length)
}
