//! What headers say of the trace that a request is part of, in the formats that Kong knows.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tower_lua::{SpanId, Trace, TraceId};

use super::encode::hex;
use crate::request::trace::{Parent, TRACEPARENT, parent, unhex};

/// A format of headers, by Kong's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Format {
    W3c,
    B3,
    B3Single,
    Jaeger,
    Ot,
    Aws,
    Gcp,
    Datadog,
}

/// All that are read, in the order in which Kong looks for them where nothing else is said.
pub(super) const ALL: [Format; 7] = [
    Format::B3,
    Format::W3c,
    Format::Jaeger,
    Format::Ot,
    Format::Datadog,
    Format::Aws,
    Format::Gcp,
];

const JAEGER: HeaderName = HeaderName::from_static("uber-trace-id");
const AWS: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const GCP: HeaderName = HeaderName::from_static("x-cloud-trace-context");
const B3: HeaderName = HeaderName::from_static("b3");

impl Format {
    /// What the headers say in this format, and the one that they say it in.
    pub(super) fn extract(self, headers: &HeaderMap) -> Option<(Parent, Self)> {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let found = match self {
            Self::W3c => parent(headers.get(TRACEPARENT)?)?,
            Self::B3 | Self::B3Single => {
                if let Some(single) = text("b3").and_then(b3_single) {
                    return Some((single, Self::B3Single));
                }
                let is_sampled = match (text("x-b3-flags"), text("x-b3-sampled")) {
                    (Some("1"), _) | (_, Some("1" | "true")) => Some(true),
                    (_, Some("0" | "false")) => Some(false),
                    _ => None,
                };
                of(text("x-b3-traceid")?, text("x-b3-spanid")?, is_sampled)?
            }
            Self::Jaeger => {
                let mut parts = text(JAEGER.as_str())?.split(':');
                let (trace_id, span_id) = (parts.next()?, parts.next()?);
                let flags = u8::from_str_radix(parts.nth(1)?, 16).ok()?;
                of(trace_id, span_id, Some(flags & 1 == 1))?
            }
            Self::Ot => {
                let sampled = text("ot-tracer-sampled");
                let is_sampled = sampled.map(|sampled| ["1", "true"].contains(&sampled));
                of(text("ot-tracer-traceid")?, text("ot-tracer-spanid")?, is_sampled)?
            }
            Self::Datadog => {
                let number = |name| text(name)?.parse::<u64>().ok();
                let low = number("x-datadog-trace-id").filter(|id| *id > 0)?;
                let priority = text("x-datadog-sampling-priority");
                Parent {
                    trace_id: u128::from(low).to_be_bytes(),
                    span_id: number("x-datadog-parent-id").map(u64::to_be_bytes),
                    is_sampled: priority.and_then(|text| text.parse::<i64>().ok()).map(|n| n > 0),
                }
            }
            Self::Aws => aws(text(AWS.as_str())?)?,
            Self::Gcp => {
                let (trace_id, rest) = text(GCP.as_str())?.split_once('/')?;
                let (span_id, options) = rest.split_once(';').unwrap_or((rest, ""));
                Parent {
                    trace_id: unhex(&trace_id.to_ascii_lowercase())?,
                    span_id: span_id.parse::<u64>().ok().map(u64::to_be_bytes),
                    is_sampled: options.strip_prefix("o=").map(|flag| flag == "1"),
                }
            }
        };
        (found.trace_id != [0; 16]).then_some((found, self))
    }

    /// Says in this format of which trace and span a request is part.
    pub(super) fn inject(self, headers: &mut HeaderMap, trace: &Trace, span_id: SpanId) {
        let id = trace.id();
        let (trace_hex, span_hex) = (hex(&id), hex(&span_id));
        let (sampled, number) = (trace.is_sampled(), u64::from_be_bytes(span_id));
        let flag = u8::from(sampled);
        let low = u64::from_be_bytes(id[8..].try_into().expect("8 of 16 bytes"));
        let mut set = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        let named = HeaderName::from_static;
        match self {
            Self::W3c => set(TRACEPARENT, trace.traceparent(span_id)),
            Self::B3 => {
                set(named("x-b3-traceid"), trace_hex);
                set(named("x-b3-spanid"), span_hex);
                set(named("x-b3-sampled"), flag.to_string());
            }
            Self::B3Single => set(B3, format!("{trace_hex}-{span_hex}-{flag}")),
            Self::Jaeger => set(JAEGER, format!("{trace_hex}:{span_hex}:0:{flag:02x}")),
            Self::Ot => {
                set(named("ot-tracer-traceid"), trace_hex);
                set(named("ot-tracer-spanid"), span_hex);
                set(named("ot-tracer-sampled"), flag.to_string());
            }
            Self::Aws => {
                let (time, rest) = trace_hex.split_at(8);
                set(AWS, format!("Root=1-{time}-{rest};Parent={span_hex};Sampled={flag}"));
            }
            Self::Gcp => set(GCP, format!("{trace_hex}/{number};o={flag}")),
            Self::Datadog => {
                set(named("x-datadog-trace-id"), low.to_string());
                set(named("x-datadog-parent-id"), number.to_string());
                set(named("x-datadog-sampling-priority"), flag.to_string());
            }
        }
    }
}

fn b3_single(text: &str) -> Option<Parent> {
    let mut parts = text.split('-');
    let (trace_id, span_id) = (parts.next()?, parts.next()?);
    let is_sampled = parts.next().map(|sampled| ["1", "d"].contains(&sampled));
    of(trace_id, span_id, is_sampled)
}

fn aws(text: &str) -> Option<Parent> {
    let field = |name: &str| {
        let fields = text.split(';').filter_map(|field| field.trim().split_once('='));
        fields.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    };
    let (time, rest) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
    let is_sampled = field("Sampled").map(|sampled| sampled == "1");
    of(&format!("{time}{rest}"), field("Parent")?, is_sampled)
}

/// Ids in hexadecimal digits, of which there may be fewer than the ids have.
fn of(trace_id: &str, span_id: &str, is_sampled: Option<bool>) -> Option<Parent> {
    let trace_id: TraceId = unhex(&format!("{:0>32}", trace_id.to_ascii_lowercase()))?;
    let span_id: SpanId = unhex(&format!("{:0>16}", span_id.to_ascii_lowercase()))?;
    Some(Parent { trace_id, span_id: Some(span_id), is_sampled })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_format_says_it_reads_again() {
        let trace = Trace::new([0x1a; 16], [2; 8], drop);
        for format in [
            Format::W3c,
            Format::B3,
            Format::B3Single,
            Format::Jaeger,
            Format::Ot,
            Format::Aws,
            Format::Gcp,
            Format::Datadog,
        ] {
            let mut headers = HeaderMap::new();
            format.inject(&mut headers, &trace, [3; 8]);
            let (parent, found) = format.extract(&headers).expect("what it says");
            assert_eq!((parent.span_id, parent.is_sampled), (Some([3; 8]), Some(true)));
            assert_eq!(parent.trace_id[8..], [0x1a; 8], "{format:?}");
            assert_eq!(found, format);
            for other in ALL.into_iter().filter(|other| *other != format) {
                let is_b3 = [format, other] == [Format::B3Single, Format::B3];
                assert!(is_b3 || other.extract(&headers).is_none(), "{format:?} {other:?}");
            }
        }
    }

    #[test]
    fn nonsense_is_no_parent() {
        for (name, value) in [
            ("b3", "x-y-1"),
            ("b3", "0"),
            ("uber-trace-id", "1:2"),
            ("x-amzn-trace-id", "Root=1-5759e988;Parent=53995c3f42cd8ad8"),
            ("x-cloud-trace-context", "105445aa7843bc8bf206b12000100000"),
            ("x-datadog-trace-id", "-1"),
            ("ot-tracer-traceid", "1"),
            ("x-b3-traceid", "00000000000000000000000000000000"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            for format in ALL {
                assert_eq!(format.extract(&headers), None, "{name} {value} {format:?}");
            }
        }
    }
}
