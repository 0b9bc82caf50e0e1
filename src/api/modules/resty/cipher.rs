//! AES in the modes that `resty.aes` knows, with OpenSSL's rules for keys, padding and counters.

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

pub(super) const BLOCK: usize = 16;

type Block = [u8; BLOCK];

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

/// AES with a key of one of its three lengths.
enum Aes {
    Of128(Box<Aes128>),
    Of192(Box<Aes192>),
    Of256(Box<Aes256>),
}

/// A key and an initialization vector, for any number of texts.
pub(super) struct Cipher {
    aes: Aes,
    mode: Mode,
    iv: Vec<u8>,
    padding: bool,
}

/// A text, and the tag of a mode that has one.
pub(super) type Encrypted = (Vec<u8>, Option<Block>);

/// Why there is no text: the last block is not whole, its padding is wrong, or the tag is.
#[derive(Debug)]
pub(super) struct Unfit;

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

    const fn is_padded(self) -> bool {
        matches!(self, Self::Ecb | Self::Cbc)
    }
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

    fn encrypt(&self, block: &mut Block) {
        let block = GenericArray::from_mut_slice(block);
        match self {
            Self::Of128(aes) => aes.encrypt_block(block),
            Self::Of192(aes) => aes.encrypt_block(block),
            Self::Of256(aes) => aes.encrypt_block(block),
        }
    }

    fn decrypt(&self, block: &mut Block) {
        let block = GenericArray::from_mut_slice(block);
        match self {
            Self::Of128(aes) => aes.decrypt_block(block),
            Self::Of192(aes) => aes.decrypt_block(block),
            Self::Of256(aes) => aes.decrypt_block(block),
        }
    }

    fn encrypted(&self, mut block: Block) -> Block {
        self.encrypt(&mut block);
        block
    }
}

impl Cipher {
    /// `None` when the key or the vector has no length that the mode takes.
    pub(super) fn new(mode: Mode, key: &[u8], iv: &[u8], padding: bool) -> Option<Self> {
        let fits = if mode == Mode::Gcm { !iv.is_empty() } else { iv.len() == mode.iv_len() };
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
        if self.padding {
            let missing = BLOCK - text.len() % BLOCK;
            text.resize(text.len() + missing, missing as u8);
        } else if self.mode.is_padded() && !text.len().is_multiple_of(BLOCK) {
            return Ok(Err(Unfit));
        }
        self.run(&mut text, Direction::Encrypt, check)?;
        let tag = (self.mode == Mode::Gcm).then(|| self.tag(aad, &text));
        Ok(Ok((text, tag)))
    }

    /// The text that was encrypted, if its padding, or the tag, is right.
    pub(super) fn decrypt<E>(
        &self,
        text: &[u8],
        tag: Option<Block>,
        aad: &[u8],
        check: impl FnMut() -> Result<(), E>,
    ) -> Result<Result<Vec<u8>, Unfit>, E> {
        let is_whole = !self.mode.is_padded() || text.len().is_multiple_of(BLOCK);
        let is_authentic =
            self.mode != Mode::Gcm || tag.is_some_and(|tag| self.verify(aad, text, tag));
        if !is_whole || !is_authentic {
            return Ok(Err(Unfit));
        }
        let mut text = text.to_vec();
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
        let mut register = self.register();
        for stretch in text.chunks_mut(STRETCH) {
            check()?;
            for block in stretch.chunks_mut(BLOCK) {
                self.step(&mut register, block, direction);
            }
        }
        Ok(())
    }

    /// What the first block is combined with.
    fn register(&self) -> Block {
        match self.mode {
            Mode::Ecb => [0; BLOCK],
            Mode::Gcm => increment_32(self.first_counter()),
            _ => Block::try_from(&*self.iv).expect("checked by `new`"),
        }
    }

    /// One block of text, or what is left of one at the end.
    fn step(&self, register: &mut Block, text: &mut [u8], direction: Direction) {
        let encrypts = direction == Direction::Encrypt;
        match self.mode {
            Mode::Ecb | Mode::Cbc => {
                let mut block = Block::try_from(&*text).expect("whole blocks alone");
                let chained = self.mode == Mode::Cbc;
                if encrypts {
                    xor(&mut block, register);
                    self.aes.encrypt(&mut block);
                    text.copy_from_slice(&block);
                } else {
                    self.aes.decrypt(&mut block);
                    xor(&mut block, register);
                    if chained {
                        register.copy_from_slice(text);
                    }
                    text.copy_from_slice(&block);
                }
                if chained && encrypts {
                    *register = block;
                }
            }
            Mode::Cfb128 => {
                let mask = self.aes.encrypted(*register);
                let mut next = [0; BLOCK];
                next[..text.len()].copy_from_slice(text);
                xor(text, &mask);
                if encrypts {
                    next[..text.len()].copy_from_slice(text);
                }
                *register = next;
            }
            Mode::Cfb8 => {
                for byte in text {
                    let mask = self.aes.encrypted(*register)[0];
                    let coded = if encrypts { *byte ^ mask } else { *byte };
                    *byte ^= mask;
                    *register =
                        ((u128::from_be_bytes(*register) << 8) | u128::from(coded)).to_be_bytes();
                }
            }
            Mode::Cfb1 => {
                for byte in text {
                    for bit in (0..8).rev() {
                        let mask = self.aes.encrypted(*register)[0] >> 7;
                        let plain = (*byte >> bit) & 1;
                        let coded = if encrypts { plain ^ mask } else { plain };
                        *byte ^= mask << bit;
                        *register = ((u128::from_be_bytes(*register) << 1) | u128::from(coded))
                            .to_be_bytes();
                    }
                }
            }
            Mode::Ofb => {
                self.aes.encrypt(register);
                xor(text, register);
            }
            Mode::Ctr => {
                xor(text, &self.aes.encrypted(*register));
                *register = u128::from_be_bytes(*register).wrapping_add(1).to_be_bytes();
            }
            Mode::Gcm => {
                xor(text, &self.aes.encrypted(*register));
                *register = increment_32(*register);
            }
        }
    }

    /// GCM's counter before the first block: NIST SP 800-38D, 7.1.
    fn first_counter(&self) -> Block {
        let mut counter = [0; BLOCK];
        if self.iv.len() == Mode::Gcm.iv_len() {
            counter[..12].copy_from_slice(&self.iv);
            counter[15] = 1;
            return counter;
        }
        let mut hash = self.ghash();
        hash.update_padded(&self.iv);
        hash.update(&[GenericArray::from(lengths(0, self.iv.len()))]);
        counter.copy_from_slice(&hash.finalize());
        counter
    }

    fn ghash(&self) -> GHash {
        GHash::new(&GenericArray::from(self.aes.encrypted([0; BLOCK])))
    }

    fn hashed(&self, aad: &[u8], text: &[u8]) -> GHash {
        let mut hash = self.ghash();
        hash.update_padded(aad);
        hash.update_padded(text);
        hash.update(&[GenericArray::from(lengths(aad.len(), text.len()))]);
        hash
    }

    fn tag(&self, aad: &[u8], text: &[u8]) -> Block {
        let mut tag = self.aes.encrypted(self.first_counter());
        xor(&mut tag, &self.hashed(aad, text).finalize());
        tag
    }

    /// Whether the tag is that of the text, in a time that tells nothing of how much of it is.
    fn verify(&self, aad: &[u8], text: &[u8], mut tag: Block) -> bool {
        xor(&mut tag, &self.aes.encrypted(self.first_counter()));
        self.hashed(aad, text).verify(&GenericArray::from(tag)).is_ok()
    }
}

/// The length of a text without its padding: PKCS #7.
fn unpadded(text: &[u8]) -> Option<usize> {
    let count = usize::from(*text.last()?);
    let length = text.len().checked_sub(count)?;
    let is_padding = (1..=BLOCK).contains(&count);
    (is_padding && text[length..].iter().all(|&byte| usize::from(byte) == count)).then_some(length)
}

/// As many bytes as there are of both.
fn xor(bytes: &mut [u8], mask: &[u8]) {
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

fn increment_32(block: Block) -> Block {
    let block = u128::from_be_bytes(block);
    let counter = (block as u32).wrapping_add(1);
    ((block >> 32 << 32) | u128::from(counter)).to_be_bytes()
}

/// Two lengths in bits, as GHASH ends.
fn lengths(first: usize, second: usize) -> Block {
    (((first as u128 * 8) << 64) | (second as u128 * 8)).to_be_bytes()
}
