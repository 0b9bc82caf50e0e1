//! Prometheus' text format.

use std::fmt::Write;

use super::family::{Family, Kind, Labels, Value};

/// All families in text.
pub(super) fn render(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let Family { name, help, points, .. } = family;
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for point in points {
            match &point.value {
                Value::Number(value) => sample(&mut text, name, &point.labels, *value),
                Value::Histogram { bounds, counts, sum } => {
                    buckets(&mut text, name, &point.labels, bounds, counts, *sum);
                }
            }
        }
    }
    text
}

fn buckets(
    text: &mut String,
    name: &str,
    labels: &Labels,
    bounds: &[f64],
    counts: &[u64],
    sum: f64,
) {
    let mut below = 0;
    for (at, count) in counts.iter().enumerate() {
        below += count;
        let bound = bounds.get(at).map_or_else(|| "+Inf".to_owned(), f64::to_string);
        let mut labels = labels.clone();
        labels.push(("le", bound));
        sample(text, &format!("{name}_bucket"), &labels, super::family::count(below));
    }
    sample(text, &format!("{name}_count"), labels, super::family::count(below));
    sample(text, &format!("{name}_sum"), labels, sum);
}

fn sample(text: &mut String, name: &str, labels: &Labels, value: f64) {
    let escaped =
        |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<_> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    let labels =
        if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{name}{labels} {value}");
}
