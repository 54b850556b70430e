use super::*;

fn outages(x: f64, phases: [f64; 5]) -> Outages {
    let whole = phases.iter().sum();
    let whole = Summary { samples: 9, mean: whole, p50: whole, ..Summary::default() };
    Outages { x, phases, whole }
}
fn axis() -> Varied {
    let mut axis = Varied::parse("checkpoint.interval=1s,10s").unwrap();
    axis.name = "interval".to_string();
    axis
}

#[test]
fn the_title_says_how_outages_grow_and_what_they_are_made_of() {
    let [short, middle, long] = [
        outages(1.0, [5.0, 0.1, 0.5, 1.0, 1.0]),
        outages(5.0, [5.0, 0.1, 0.5, 3.0, 3.0]),
        outages(10.0, [5.0, 0.1, 0.5, 7.0, 8.0]),
    ];
    assert_eq!(
        title(&axis(), &[short, middle, long]),
        "Outages grow from 7.6 s to 20.6 s with the interval; from 5 s on most of each is work \
         done again and catching up"
    );
    assert_eq!(
        title(&axis(), &[middle, long]),
        "Outages grow from 11.6 s to 20.6 s with the interval; most of each is work done again \
         and catching up"
    );
    assert_eq!(
        title(&axis(), &[short, outages(10.0, [5.0, 0.1, 0.5, 1.2, 1.0])]),
        "Outages last 7.8 s whatever the interval; detection is the longest part"
    );
    assert_eq!(
        title(
            &axis(),
            &[outages(1.0, [0.1, 0.1, 9.0, 1.0, 1.0]), outages(10.0, [0.1, 0.1, 3.0, 1.0, 1.0])]
        ),
        "Outages shrink from 11.2 s to 5.2 s as the interval grows; restore is the longest part"
    );
    assert_eq!(title(&axis(), &[]), "No outage ended by itself");
}
