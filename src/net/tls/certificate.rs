//! What of a certificate is read here: who has issued it to whom, and for how long (RFC 5280).

/// A certificate's names and validity, as they are encoded.
pub(super) struct Certificate<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    validity: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a impl AsRef<[u8]>) -> Option<Self> {
        let (_, certificate, _) = element(der.as_ref())?;
        let (_, mut body, _) = element(certificate)?;
        let mut next = || {
            let (tag, content, rest) = element(body)?;
            body = rest;
            Some((tag, content))
        };
        // The version, where there is one, comes before the serial number.
        if next()?.0 == VERSION {
            next()?;
        }
        let _algorithm = next()?;
        let (_, issuer) = next()?;
        let (_, validity) = next()?;
        let (_, subject) = next()?;
        Some(Self { issuer, subject, validity })
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// The first and last second, since 1970.
    pub(super) fn validity(&self) -> Option<(u64, u64)> {
        let (tag, first, rest) = element(self.validity)?;
        let (last_tag, last, _) = element(rest)?;
        Some((seconds(tag, first)?, seconds(last_tag, last)?))
    }
}

const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;

/// The tag and content of the first element, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 4 {
            return None;
        }
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// A time, in seconds since 1970.
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let (year, rest) = if tag == UTC_TIME {
        let (year, rest) = text.split_at_checked(2)?;
        let year: u64 = year.parse().ok()?;
        (if year < 50 { 2000 + year } else { 1900 + year }, rest)
    } else {
        let (year, rest) = text.split_at_checked(4)?;
        (year.parse().ok()?, rest)
    };
    let field = |at: usize| rest.get(at..at + 2)?.parse::<u64>().ok();
    let (month, day) = (field(0)?, field(2)?);
    let (hour, minute, second) = (field(4)?, field(6)?, field(8)?);
    if year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return Some(0);
    }
    // Days since 1970, counting years from March so that leap days come last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days.saturating_sub(719_468);
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(seconds(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(seconds(UTC_TIME, b"000229120000Z"), Some(951_825_600));
        assert_eq!(seconds(0x18, b"20380119031407Z"), Some(2_147_483_647));
        assert_eq!(seconds(0x18, b"x"), None);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for der in [&b""[..], b"\x30", b"\x30\x82\xff\xff", b"\x30\x02\x30\x00"] {
            assert!(Certificate::parse(&der).is_none());
        }
    }
}
