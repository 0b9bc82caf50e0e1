//! What the values of flags are read by: each says what it would have taken.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

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

pub(crate) fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected 'on' or 'off'"),
    }
}
