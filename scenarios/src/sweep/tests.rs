use super::grid::Axis;
use super::*;
use crate::catalog;

fn sweep() -> Sweep {
    let base = catalog::load("interval", &["input.words.count=300"]).unwrap();
    let axes = ["checkpoint.interval=5s,20s", "cluster.restart-delay=1s,2s,3s"];
    let axes = axes.map(|text| Axis::parse(text).unwrap()).to_vec();
    Sweep::new(&base, Grid { axes }, 3..5).unwrap()
}

fn rows(sweep: &Sweep, jobs: usize, wanted: &(dyn Fn(u64) -> bool + Sync)) -> Vec<Row> {
    let mut rows = Vec::new();
    let each = |row| {
        rows.push(row);
        Next::Continue
    };
    sweep.run(&Registry::default(), &catalog::file, jobs, wanted, each).unwrap();
    rows
}

#[test]
fn runs_are_numbered_cell_by_cell() {
    let sweep = sweep();
    assert_eq!(sweep.runs(), 12);
    let row = sweep.one(&Registry::default(), &catalog::file, 9).unwrap();
    assert_eq!((row.cell, row.seed), (4, 4));
    assert_eq!(row.at, ["20s", "2s"]);
    assert_eq!(sweep.number(4, 4), 9);
    assert_eq!(row.facts.verdict, "holds");
}

#[test]
fn threads_and_parts_change_nothing() {
    let sweep = sweep();
    let all = rows(&sweep, 1, &|_| true);
    assert_eq!(all.len(), 12);
    assert_eq!(rows(&sweep, 3, &|_| true), all);
    let mut parts = rows(&sweep, 2, &|number| number % 2 == 1);
    parts.extend(rows(&sweep, 1, &|number| number % 2 == 0));
    let lines =
        |swept: Swept| -> Vec<Row> { swept.points.into_iter().flat_map(|p| p.runs).collect() };
    assert_eq!(lines(Swept::new(&sweep.grid, parts)), all);
}

#[test]
fn a_row_is_the_same_when_it_is_read_again() {
    let row = sweep().one(&Registry::default(), &catalog::file, 0).unwrap();
    let line = serde_json::to_string(&row).unwrap();
    assert_eq!(serde_json::from_str::<Row>(&line).unwrap(), row);
}

#[test]
fn cells_are_found_along_an_axis() {
    let sweep = sweep();
    let labelled = Swept {
        grid: sweep.grid.clone(),
        points: (0..6).map(|cell| Point { runs: vec![row(&sweep, cell)] }).collect(),
    };
    let cells = |axis: usize, others: &[usize]| -> Vec<(f64, usize)> {
        let along = labelled.along(axis, others);
        along.into_iter().map(|(number, point)| (number, point.runs[0].cell)).collect()
    };
    assert_eq!(cells(0, &[2]), [(5.0, 2), (20.0, 5)]);
    assert_eq!(cells(1, &[1]), [(1.0, 3), (2.0, 4), (3.0, 5)]);
}

fn row(sweep: &Sweep, cell: usize) -> Row {
    Row { cell, at: sweep.grid.labels(cell), seed: 0, facts: Facts::default() }
}

#[test]
fn a_cell_that_makes_no_sense_is_told_before_anything_runs() {
    let base = catalog::load("interval", &["input.words.count=300"]).unwrap();
    let axis = Axis::parse("checkpoint.intervall=1s,2s").unwrap();
    let problem = Sweep::new(&base, Grid { axes: vec![axis] }, 0..1).unwrap_err();
    assert!(problem.to_string().contains("did you mean `interval`"), "{problem}");
}

#[test]
fn a_sweep_stops_when_it_is_told_to() {
    let (sweep, mut seen) = (sweep(), 0);
    let each = |_| {
        seen += 1;
        Next::Stop
    };
    sweep.run(&Registry::default(), &catalog::file, 1, &|_| true, each).unwrap();
    assert!(seen < 12, "{seen}");
}
