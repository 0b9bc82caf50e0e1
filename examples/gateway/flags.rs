//! What the values of flags are read by: each says what it would have taken.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// A number of `range`.
pub(crate) fn number<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| match text.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("expected a number from {} to {}", range.start(), range.end())),
    }
}

/// A size as nginx has it: `128m`.
pub(crate) fn size(text: &str) -> Result<usize, &'static str> {
    let digits = text.trim_end_matches(|unit: char| "kKmMgG".contains(unit));
    let factor: usize = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => 0,
    };
    let bytes = digits.parse::<usize>().ok().and_then(|count| count.checked_mul(factor));
    bytes.filter(|_| factor > 0).ok_or("expected a size, as in 128m")
}

/// A time as nginx has it: `50ms`, `5s`.
pub(crate) fn time(text: &str) -> Result<Duration, &'static str> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "us" => Some(Duration::from_micros(1)),
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "m" => Some(Duration::from_secs(60)),
        _ => None,
    };
    let count = digits.parse::<u32>().ok();
    let time = unit.zip(count).and_then(|(unit, count)| unit.checked_mul(count));
    time.filter(|time| !time.is_zero()).ok_or("expected a time, as in 50ms or 5s")
}

pub(crate) fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected 'on' or 'off'"),
    }
}

/// `counts=10m`, or `counts 10m` as nginx has it.
pub(crate) fn shared_dict(text: &str) -> Result<(String, usize), String> {
    let expected = "expected a name and a size, as in counts=10m";
    let (name, bytes) = text.trim().split_once(['=', ' ']).ok_or(expected)?;
    match size(bytes.trim()) {
        Ok(bytes) if !name.is_empty() => Ok((name.trim().to_owned(), bytes)),
        _ => Err(expected.to_owned()),
    }
}

/// A number of workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workers(pub(crate) usize);

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(std::thread::available_parallelism().map_or(1, usize::from)));
        }
        match text.parse() {
            Ok(count @ 1..=1024) => Ok(Self(count)),
            _ => Err("expected 'auto' or a number from 1 to 1024".to_owned()),
        }
    }
}
