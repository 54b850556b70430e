//! Steady rates: each kind of fault is a Poisson process of its own.

use std::collections::BTreeMap;

use stormglass_sim::time::Span;

use super::Field;
use super::repertoire::strains;
use crate::plan::PlannedFault;
use crate::plan::generate::Keyed;
use crate::scenario::ActionKind;

pub(super) fn faults(
    field: &Field<'_>,
    keyed: &Keyed,
    mean: &BTreeMap<ActionKind, Span>,
) -> Vec<PlannedFault> {
    let mut faults = Vec::new();
    for (kind, mean) in mean {
        let strains = strains(*kind, field);
        for (at, keyed) in field.rain(*mean, &keyed.named(kind.name())) {
            let strain = keyed.one_of("strain", &strains);
            faults.extend(strain.and_then(|strain| field.at(strain, at, &keyed)));
        }
    }
    faults
}
