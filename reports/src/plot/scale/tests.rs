use super::*;

#[test]
fn numbers_have_three_digits_and_a_unit() {
    for (value, unit, told) in [
        (6.6812, Unit::Seconds, "6.68 s"),
        (20.0, Unit::Seconds, "20 s"),
        (0.9999, Unit::Seconds, "1 s"),
        (0.5, Unit::Seconds, "500 ms"),
        (0.000_25, Unit::Seconds, "250 us"),
        (0.0, Unit::Seconds, "0 s"),
        (5_400.0, Unit::Seconds, "5,400 s"),
        (9_000.0, Unit::Seconds, "2.5 h"),
        (0.714_31, Unit::Share, "71.4 %"),
        (1.234e9, Unit::Bytes, "1.23 GB"),
        (999_999.0, Unit::Bytes, "1 MB"),
        (12.5e6, Unit::BytesPerSecond, "12.5 MB/s"),
        (1_200.0, Unit::PerSecond, "1,200/s"),
        (0.05, Unit::PerHour, "0.05/h"),
        (123_456.0, Unit::Number, "123,000"),
    ] {
        assert_eq!(quantity(value, unit), told);
    }
}

fn labels(from: f64, to: f64, log: bool, unit: Unit, most: usize) -> Vec<String> {
    let axis = Axis { label: String::new(), unit, log, from, to };
    let ticks = ticks(&axis, most).into_iter().map(|tick| tick.label);
    ticks.filter(|label| !label.is_empty()).collect()
}

#[test]
fn ticks_are_round_and_not_too_many() {
    assert_eq!(
        labels(0.0, 1.0, false, Unit::Share, 6),
        ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    );
    assert_eq!(labels(0.0, 9.7, false, Unit::Seconds, 5), ["0 s", "2 s", "4 s", "6 s", "8 s"]);
    assert_eq!(
        labels(0.4, 70.0, true, Unit::Seconds, 8),
        ["500 ms", "1 s", "2 s", "5 s", "10 s", "20 s", "50 s"]
    );
    assert_eq!(labels(0.4, 70.0, true, Unit::Seconds, 3), ["1 s", "10 s"]);
    assert_eq!(
        labels(1e3, 1e12, true, Unit::Bytes, 5),
        ["10 kB", "1 MB", "100 MB", "10 GB", "1 TB"]
    );
    // Too short for ratios.
    assert_eq!(labels(41.0, 48.0, true, Unit::Number, 4), ["42", "44", "46", "48"]);
}
