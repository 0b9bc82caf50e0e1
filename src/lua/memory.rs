//! What Rust holds for functions: bodies, headers, output. Lua's allocator knows nothing of it, so it
//! is counted here.
//!
//! A [`Share`] belongs to a request, and may take at most half of what is left to its VM: whoever
//! takes much leaves something for others, however often it is tried. What was taken counts until
//! it is dropped, wherever it has got to by then: a body that the client has yet to read is memory,
//! too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// What Rust holds for the functions of a VM.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    request_limit: usize,
    held: AtomicUsize,
}

/// What Rust holds for a request. It belongs to a VM from the first function on.
#[derive(Debug, Default)]
pub(crate) struct Share {
    vm: Option<Arc<Memory>>,
    /// Made with the first [`Charge`]: most requests hold nothing.
    held: Option<Arc<AtomicUsize>>,
}

/// Some bytes of a share, which are given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    vm: Arc<Memory>,
    held: Arc<AtomicUsize>,
    bytes: usize,
}

/// There is no room for what a function wants to have held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

/// What a piece of memory takes beside its bytes: itself, its owner, its charge.
const OVERHEAD: usize = 128;

/// What is shorter is not counted where a request can have no more than one of its kind.
const SMALL: usize = 1024;

impl Memory {
    /// What may be held for all requests of the VM, and for one of them, in bytes.
    pub(crate) const fn new(limit: usize, request_limit: usize) -> Self {
        Self { limit, request_limit, held: AtomicUsize::new(0) }
    }

    /// What a request that holds `own` may have in all.
    fn allowed(&self, own: usize) -> usize {
        let others = self.held.load(Ordering::Relaxed).saturating_sub(own);
        self.request_limit.min(self.limit.saturating_sub(others) / 2)
    }

    /// How long a buffer may become that belongs to no request.
    pub(crate) fn room(&self) -> usize {
        self.allowed(0)
    }
}

impl Share {
    /// Makes this a share of `vm`, unless it is one already.
    pub(crate) fn bind(&mut self, vm: &Arc<Memory>) {
        self.vm.get_or_insert_with(|| Arc::clone(vm));
    }

    fn held(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.load(Ordering::Relaxed))
    }

    /// How many bytes more the request may have held.
    pub(crate) fn room(&self) -> usize {
        let held = self.held();
        self.vm.as_ref().map_or(usize::MAX, |vm| vm.allowed(held).saturating_sub(held))
    }

    /// Whether other requests have no more than half of what the VM may have held.
    pub(crate) fn others_leave_half(&self) -> bool {
        self.vm.as_ref().is_none_or(|vm| {
            vm.held.load(Ordering::Relaxed).saturating_sub(self.held()) <= vm.limit / 2
        })
    }

    /// Counts `bytes` until the charge is dropped; none for a request that no VM has seen.
    ///
    /// # Errors
    ///
    /// When there is no room for them.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<Option<Charge>, OutOfMemory> {
        let Some(vm) = &self.vm else { return Ok(None) };
        let mut charge = Charge {
            vm: Arc::clone(vm),
            held: Arc::clone(self.held.get_or_insert_default()),
            bytes: 0,
        };
        charge.grow(bytes)?;
        Ok(Some(charge))
    }

    /// A copy of `bytes` that counts until its last clone is dropped.
    ///
    /// # Errors
    ///
    /// When there is no room for it. Nothing has been copied then.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> Result<Bytes, OutOfMemory> {
        self.keep_with(bytes, 0)
    }

    /// The same with `beside` bytes that are kept beside them.
    ///
    /// # Errors
    ///
    /// As [`keep`](Self::keep).
    pub(crate) fn keep_with(&mut self, bytes: &[u8], beside: usize) -> Result<Bytes, OutOfMemory> {
        let charge = self.charge(bytes.len().saturating_add(beside).saturating_add(OVERHEAD))?;
        let mut copy = Vec::new();
        copy.try_reserve_exact(bytes.len()).map_err(|_| OutOfMemory)?;
        copy.extend_from_slice(bytes);
        Ok(counted(copy, charge))
    }

    /// The same for something of which the request has one at most: a short one is not counted.
    pub(crate) fn keep_one(&mut self, bytes: &[u8]) -> Result<Bytes, OutOfMemory> {
        if bytes.len() <= SMALL { Ok(Bytes::copy_from_slice(bytes)) } else { self.keep(bytes) }
    }

    /// The bytes of a buffer, which count until their last clone is dropped.
    ///
    /// # Errors
    ///
    /// When there is no room for them.
    pub(crate) fn own(&mut self, bytes: Vec<u8>) -> Result<Bytes, OutOfMemory> {
        let charge = self.charge(bytes.capacity().saturating_add(OVERHEAD))?;
        Ok(counted(bytes, charge))
    }

    /// The same for something of which the request has one at most.
    pub(crate) fn own_one(&mut self, bytes: Vec<u8>) -> Result<Bytes, OutOfMemory> {
        if bytes.capacity() <= SMALL { Ok(bytes.into()) } else { self.own(bytes) }
    }
}

impl Charge {
    /// Counts `bytes` more.
    ///
    /// # Errors
    ///
    /// When there is no room for them.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        let held = self.held.load(Ordering::Relaxed);
        let grown = held.checked_add(bytes).ok_or(OutOfMemory)?;
        if grown > self.vm.allowed(held) {
            return Err(OutOfMemory);
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.vm.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
        self.vm.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl From<OutOfMemory> for mlua::Error {
    #[cold]
    fn from(_: OutOfMemory) -> Self {
        Self::MemoryError("not enough memory".to_owned())
    }
}

/// Bytes and what counts them.
struct Counted {
    bytes: Vec<u8>,
    _charge: Charge,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// `bytes`, which count as long as they are there.
pub(crate) fn counted(bytes: Vec<u8>, charge: Option<Charge>) -> Bytes {
    match charge {
        Some(charge) if !bytes.is_empty() => Bytes::from_owner(Counted { bytes, _charge: charge }),
        _ => bytes.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm() -> Arc<Memory> {
        Arc::new(Memory::new(1 << 20, 1 << 18))
    }

    fn share(vm: &Arc<Memory>) -> Share {
        let mut share = Share::default();
        share.bind(vm);
        share
    }

    #[test]
    fn what_is_held_counts_until_its_last_clone_is_dropped() {
        let vm = vm();
        let mut share = share(&vm);
        let before = share.room();
        let bytes = share.keep(&[b'a'; 1000]).unwrap();
        assert_eq!(share.room(), before - 1000 - OVERHEAD);
        let part = bytes.slice(500..);
        drop(bytes);
        assert_eq!(share.room(), before - 1000 - OVERHEAD);
        drop((part, share));
        assert_eq!(vm.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_request_has_its_limit_and_at_most_half_of_what_is_left() {
        let vm = vm();
        let mut greedy: Vec<_> = (0..20).map(|_| share(&vm)).collect();
        assert_eq!(greedy[0].keep(&[0; 1 << 18]), Err(OutOfMemory));
        let mut held = Vec::new();
        for share in &mut greedy {
            let most = share.room() - OVERHEAD;
            held.push(share.keep(&vec![0; most]).unwrap());
            assert_eq!(share.keep(&[0]), Err(OutOfMemory));
            if most < 10_000 {
                break;
            }
        }
        assert!(share(&vm).keep(&[0; 1000]).is_ok(), "others have something left");
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let vm = Arc::new(Memory::new(usize::MAX, usize::MAX));
        let mut share = share(&vm);
        assert!(share.keep(&[0; 1 << 20]).is_ok());
        assert!(share.charge(1 << 40).is_ok());
    }
}
