//! Reading small texts: instants, decimals, ids.

use chrono::{DateTime, NaiveDateTime};

/// An instant with its offset, as DCSA and Digitraffic write it: `2021-01-09T14:12:56+01:00`,
/// `2019-10-22T04:00:00.000+0000`, `2025-01-23T01:23:45Z`. Microseconds since the epoch.
pub(crate) fn instant_us(text: &str) -> Option<i64> {
    let text = text.trim();
    let parsed = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()?;
    plausible(parsed.timestamp_micros())
}

/// An instant as the Danish AIS files write it, in UTC: `05/09/2026 00:00:00` is the fifth of September.
pub(crate) fn danish_instant_us(text: &str) -> Option<i64> {
    let parsed = NaiveDateTime::parse_from_str(text.trim(), "%d/%m/%Y %H:%M:%S").ok()?;
    plausible(parsed.and_utc().timestamp_micros())
}

/// After 1970, before 2200: the rest is a mistake, and zero means "absent" in an event.
fn plausible(at_us: i64) -> Option<i64> {
    (1..7_258_118_400_000_000).contains(&at_us).then_some(at_us)
}

/// A decimal number times ten to the power of `places`, exactly; digits beyond that are rounded. None for what is no
/// plain decimal number or too large.
pub(crate) fn scaled(text: &str, places: u32) -> Option<i64> {
    let text = text.trim();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = |part: &str| part.len() <= 15 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole)
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
        || (whole.is_empty() && fraction.is_empty())
    {
        return None;
    }
    let mut value: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut following = fraction.bytes().map(|byte| i64::from(byte - b'0'));
    for _ in 0..places {
        value = value
            .checked_mul(10)?
            .checked_add(following.next().unwrap_or(0))?;
    }
    if following.next().is_some_and(|digit| digit >= 5) {
        value += 1;
    }
    Some(if is_negative { -value } else { value })
}

/// The same, for amounts that are not below zero.
pub(crate) fn amount(text: &str, places: u32) -> Option<u32> {
    u32::try_from(scaled(text, places)?).ok()
}

/// FNV-1a over a text: short, and the same on every machine. Tells rows apart, protects nothing.
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_the_spellings_of_the_formats() {
        let expected = Some(1_571_716_800_000_000);
        assert_eq!(instant_us("2019-10-22T04:00:00.000+0000"), expected);
        assert_eq!(instant_us("2019-10-22T04:00:00Z"), expected);
        assert_eq!(instant_us("2019-10-22T06:00:00+02:00"), expected);
        assert_eq!(danish_instant_us("22/10/2019 04:00:00"), expected);
        for wrong in [
            "",
            "2021 01 01 14:12:56",
            "2019/11/12 07:41:00 +08:30",
            "2019-10-22",
            "1969-01-01T00:00:00Z",
        ] {
            assert_eq!(instant_us(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn decimals_are_scaled_exactly() {
        assert_eq!(scaled("55.921028", 7), Some(559_210_280));
        assert_eq!(scaled("-1.1", 1), Some(-11));
        assert_eq!(scaled("48.85855004", 7), Some(488_585_500));
        assert_eq!(scaled("2.29449206", 7), Some(22_944_921));
        assert_eq!(scaled(".5", 2), Some(50));
        for wrong in ["", ".", "1e5", "12a", "NaN", "--1", "99999999999999999"] {
            assert_eq!(scaled(wrong, 7), None, "{wrong}");
        }
        assert_eq!(amount("-0.1", 1), None);
        assert_eq!(amount("12.5", 2), Some(1250));
    }
}
