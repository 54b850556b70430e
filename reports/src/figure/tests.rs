use super::*;

#[test]
fn shipped_figures_are_well_formed() {
    let all = presets();
    for preset in &all {
        let grid = preset.grid().unwrap();
        preset.draw.check(&grid).unwrap();
        let base = stormglass_scenarios::catalog::load(&preset.scenario, &preset.set).unwrap();
        let sweep = stormglass_scenarios::sweep::Sweep::new(&base, grid, 0..preset.seeds);
        sweep.unwrap_or_else(|problem| panic!("{}: {problem}", preset.name));
        assert!(preset.asks.ends_with('?'), "{}", preset.name);
        assert_eq!(find(&preset.name).unwrap(), *preset);
    }
    let mut names: Vec<&str> = all.iter().map(|preset| preset.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len());
}

#[test]
fn an_unknown_figure_is_answered_with_the_nearest() {
    let problem = find("work-by-intervall").unwrap_err().to_string();
    assert!(problem.contains("did you mean `work-by-interval`"), "{problem}");
}

#[test]
fn what_has_no_numbers_cannot_be_drawn() {
    let drawing = Drawing::Lines { measures: vec![Measure::Outage], says: None };
    let grid = |text: &str| Grid { axes: vec![Axis::parse(text).unwrap()] };
    assert!(drawing.check(&grid("a=1s,2s")).is_ok());
    let problem = drawing.check(&grid("state.backend=file,log")).unwrap_err().to_string();
    assert!(problem.contains("no numbers") && problem.contains("such as checkpoint.interval="));
    assert!(drawing.check(&Grid { axes: Vec::new() }).is_err());
}
