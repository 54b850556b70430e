use super::*;

fn says<T: Text + fmt::Debug>(text: &str) -> String {
    T::parse(text).unwrap_err().to_string()
}

#[test]
fn durations() {
    for (text, nanos) in [
        ("2s", 2_000_000_000),
        ("500ms", 500_000_000),
        ("0.5 s", 500_000_000),
        ("1.000000001s", 1_000_000_001),
        ("90min", 5_400_000_000_000),
        ("1h", 3_600_000_000_000),
        ("0s", 0),
        ("250us", 250_000),
        ("7ns", 7),
    ] {
        let span = Span::parse(text).unwrap();
        assert_eq!(span, Span::nanos(nanos), "{text}");
        assert_eq!(Span::parse(&span.print()), Ok(span), "{text}");
    }
    insta::assert_snapshot!(says::<Span>("5"), @r#"
    `5` has no unit
    write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(says::<Span>("5 sec"), @r#"
    `sec` is not a unit of duration
    write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(says::<Span>("soon"), @r#"
    `soon` is not a duration
    write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(says::<Span>("-2s"), @r#"
    `-2s` is not a duration
    write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(says::<Span>("0.5ns"), @r#"
    `0.5ns` is not a whole number of nanoseconds
    write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(says::<Span>("99999999999h"), @r#"
    `99999999999h` is too large
    write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    for text in ["", ".5s", "1.s", "1.2.3s", "1e3s", "999999999999999999999s", "1 000s", "2S"] {
        assert!(Span::parse(text).is_err(), "{text}");
    }
}

#[test]
fn bandwidths_and_sizes() {
    assert_eq!(Bandwidth::parse("1Gbit/s"), Ok(Bandwidth(125_000_000)));
    assert_eq!(Bandwidth::parse("64MiB/s"), Ok(Bandwidth(64 << 20)));
    assert_eq!(Bandwidth::parse("1.5kB/s"), Ok(Bandwidth(1_500)));
    assert_eq!(Size::parse("64MiB"), Ok(Size(64 << 20)));
    assert_eq!(Size::parse("1TB"), Ok(Size(1_000_000_000_000)));
    assert_eq!(Size(64 << 20).print(), "64MiB");
    assert_eq!(Bandwidth(200_000_000).print(), "200MB/s");
    assert!(says::<Bandwidth>("3bit/s").contains("not a whole number of bytes a second"));
    assert!(says::<Bandwidth>("1Gbps").starts_with(
        "`Gbps` is not a unit of bandwidth
write"
    ));
    insta::assert_snapshot!(says::<Size>("64mib"), @r#"
    `mib` is not a unit of size
    did you mean `MiB`?
    "#);
}

#[test]
fn rates_are_exact() {
    assert_eq!(Rate::parse("200/s"), Ok(Rate::a_second(200)));
    assert_eq!(Rate::parse("5k/s"), Ok(Rate::a_second(5_000)));
    assert_eq!(Rate::parse("0.5k/s"), Ok(Rate::a_second(500)));
    assert_eq!(Rate::parse("120/min"), Ok(Rate::a_second(2)));
    assert_eq!(Rate::parse("90/min"), Ok(Rate { records: 90, per: Span::secs(60) }));
    assert_eq!(Rate::parse("0.5/s"), Ok(Rate { records: 30, per: Span::secs(60) }));
    assert_eq!(Rate::parse("90/min").unwrap().print(), "90/min");
    insta::assert_snapshot!(says::<Rate>("0/s"), @r#"
    `0/s` never lets a record arrive
    write a rate above zero, such as "200/s"
    "#);
    insta::assert_snapshot!(says::<Rate>("5k"), @r#"
    `k` is not a unit of rate
    write a rate such as "200/s"; units are /s, k/s, M/s, /min, k/min
    "#);
    insta::assert_snapshot!(says::<Rate>("0.001/s"), @r#"
    `0.001/s` is not a whole number of records a minute
    write a rate such as "200/s"; units are /s, k/s, M/s, /min, k/min
    "#);
}

#[test]
fn shares() {
    assert_eq!(Share::parse("0.1%"), Ok(Share(1_000)));
    assert_eq!(Share::parse("30%"), Ok(Share::percent(30)));
    assert_eq!(Share::parse("25ppm"), Ok(Share(25)));
    assert_eq!(Share(1_250).print(), "0.125%");
    insta::assert_snapshot!(says::<Share>("101%"), @r#"
    `101%` is more than the whole
    write a share of at most "100%"
    "#);
    insta::assert_snapshot!(says::<Share>("0.1"), @r#"
    `0.1` has no unit
    write a share such as "0.1%"; units are %, ppm
    "#);
}

#[test]
fn ranges() {
    let range = Between::<Span>::parse("10s..14s").unwrap();
    assert_eq!(range, (Span::secs(10)..=Span::secs(14)).into());
    assert_eq!(range.print(), "10s..14s");
    assert_eq!(Between::<Span>::parse("1.5s..2s").unwrap().min, Span::millis(1_500));
    assert_eq!(Between::<u32>::parse("3..9"), Ok((3..=9).into()));
    assert_eq!(Between::<u32>::from_number(7), Some(Between::just(7)));
    insta::assert_snapshot!(says::<Between<Span>>("14s..10s"), @r#"
    the range `14s..10s` ends before it begins
    write "10s..14s"
    "#);
    insta::assert_snapshot!(says::<Between<Span>>("1..10s"), @r#"
    `1` has no unit
    write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(says::<Between<u32>>("3..many"), @r#"
    `many` is not a whole number below 4294967296
    write it in digits, such as 7
    "#);
}

proptest::proptest! {
    #[test]
    fn what_is_printed_is_read_again(nanos: u64, ppm in 0..=1_000_000u32) {
        assert_eq!(Span::parse(&Span::nanos(nanos).print()), Ok(Span::nanos(nanos)));
        assert_eq!(Share::parse(&Share(ppm).print()), Ok(Share(ppm)));
    }

    #[test]
    fn no_text_is_too_odd(text in ".{0,40}") {
        let _ = Between::<Span>::parse(&text);
        let _ = Bandwidth::parse(&text);
        let _ = Rate::parse(&text);
        let _ = Between::<Share>::parse(&text);
    }
}
