use super::*;

/// Roles that share a column promise the same, and no role is left out.
#[test]
fn columns_speak_for_all_their_roles() {
    for (name, roles) in COLUMNS {
        for (harm, spared) in Harm::ALL.iter().flat_map(|harm| [(harm, true), (harm, false)]) {
            let cells = roles.iter().map(|role| cell(*harm, *role, spared));
            let first = cell(*harm, roles[0], spared);
            cells.for_each(|cell| assert_eq!(cell, first, "{harm} of {name}"));
        }
    }
    let shown: usize = COLUMNS.iter().map(|(_, roles)| roles.len()).sum();
    assert_eq!(shown, Role::ALL.len());
}
