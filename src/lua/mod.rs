//! Lua itself: its values, its errors, and how much time and memory they may take. Nothing here knows of
//! requests.

#[cfg(feature = "testing")]
mod allocated;
mod budget;
mod buffer;
#[cfg(feature = "testing")]
mod coverage;
mod error;
mod foreign;
mod memory;
mod meter;
mod pace;
mod portable;
mod profile;
pub(crate) mod raw;
pub(crate) mod shortcut;
pub(crate) mod tape;
mod texts;
mod value;

#[cfg(feature = "testing")]
pub(crate) use self::allocated::Allocated;
pub use self::budget::Budget;
pub(crate) use self::budget::{
    check, enforce, look_at_clock, meter_of, short_string, string, tick, without_limit,
};
pub(crate) use self::buffer::Buffer;
#[cfg(feature = "testing")]
pub use self::coverage::Coverage;
pub(crate) use self::error::{
    PRELUDE_NAME, position, raise, raise_at, raised_at, traceback, traceback_of, without_position,
};
pub(crate) use self::foreign::{begin_foreign, end_foreign, watched};
pub(crate) use self::memory::{Charge, Memory, OutOfMemory, Share, counted};
pub(crate) use self::meter::{Exhausted, Look, Meter, Place};
pub(crate) use self::portable::{Copies, NotPortable, Portable};
pub use self::profile::Profile;
pub(crate) use self::profile::{Sampler, Samples};
pub(crate) use self::texts::Texts;
pub(crate) use self::value::{as_number, type_name};
