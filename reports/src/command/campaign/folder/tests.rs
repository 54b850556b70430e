use super::*;
use crate::command::folder::Manifest as _;

fn manifest() -> Manifest {
    let word_count = Written {
        name: "word-count".to_string(),
        source: "word-count.toml".to_string(),
        settings: vec!["input.rate=5k/s".to_string()],
        text: "name = \"word-count\"".to_string(),
    };
    Manifest::new(vec![word_count], Vec::new(), vec!["0..9".to_string()], "1/1".to_string())
}

#[test]
fn what_differs_is_told() {
    let ours = manifest();
    assert_eq!(ours.differs_at_all(&manifest()), None);
    let differs = |change: fn(&mut Manifest)| {
        let mut other = manifest();
        change(&mut other);
        ours.differs_at_all(&other).unwrap()
    };
    assert_eq!(
        differs(|m| m.seeds = vec!["0..7".to_string()]),
        "its seeds are 0..9 (shard 1/1), not 0..7 (shard 1/1)"
    );
    assert!(differs(|m| m.shard = "2/3".to_string()).contains("(shard 2/3)"));
    assert_eq!(
        differs(|m| m.bugs = vec!["shared-counter".to_string()]),
        "its planted bugs are none, not shared-counter"
    );
    assert_eq!(
        differs(|m| m.scenarios[0].settings.clear()),
        "its settings of word-count are input.rate=5k/s, not none"
    );
    assert!(differs(|m| m.scenarios[0].text.push('#')).contains("written differently"));
    assert!(differs(|m| m.scenarios.clear()).contains("not none"));
    assert!(differs(|m| m.program.push('1')).contains("it is of stormglass"));
}
