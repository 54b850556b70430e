//! The format, by the rules that Prometheus publishes.

use super::{Page, nanos, pairs};
use stormglass_scenarios::outcome::Quantiles;
use stormglass_sim::time::Span;

#[test]
fn seconds_are_exact() {
    let texts = [0, 1, 1_500_000_000, 12_000_000_000, 1_000_000_001].map(nanos);
    assert_eq!(texts, ["0", "0.000000001", "1.5", "12", "1.000000001"]);
}

#[test]
fn labels_are_escaped() {
    assert_eq!(pairs(&[("a", "1"), ("b", "x\"y\\z\n")]), r#"a="1",b="x\"y\\z\n""#);
}

#[test]
fn a_summary_without_samples_has_no_quantiles() {
    let page = |quantiles| {
        let mut page = Page { text: String::new(), labels: "seed=\"7\"".to_string() };
        page.summary("latency_seconds", "How long.", &quantiles);
        page.text
    };
    insta::assert_snapshot!(page(Quantiles::default()), @r#"
    # HELP stormglass_latency_seconds How long.
    # TYPE stormglass_latency_seconds summary
    stormglass_latency_seconds_count{seed="7"} 0
    "#);
    let [p50, p95, p99, max] = [1, 2, 3, 4].map(Span::millis);
    insta::assert_snapshot!(page(Quantiles { count: 9, p50, p95, p99, max }), @r#"
    # HELP stormglass_latency_seconds How long.
    # TYPE stormglass_latency_seconds summary
    stormglass_latency_seconds{seed="7",quantile="0.5"} 0.001
    stormglass_latency_seconds{seed="7",quantile="0.95"} 0.002
    stormglass_latency_seconds{seed="7",quantile="0.99"} 0.003
    stormglass_latency_seconds{seed="7",quantile="1"} 0.004
    stormglass_latency_seconds_count{seed="7"} 9
    "#);
}
