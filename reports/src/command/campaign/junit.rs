//! A campaign as JUnit XML, which every CI shows.
//!
//! A suite a scenario. Its cases are not seeds, of which there are too many, but what is to be
//! read: the seeds that hold, each kind of failure, each kind of doubt.

use super::tally::{Doubt, Failure, Tally};
use crate::page;
use crate::words::plural;

#[cfg(test)]
mod tests;

/// The file.
pub(super) fn xml(tallies: &[&Tally]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for tally in tallies {
        let (failed, skipped) = (tally.failures.len(), tally.unjudged.len());
        let cases = usize::from(tally.holds > 0) + failed + skipped;
        let name = escaped(&tally.scenario);
        out.push_str(&format!(
            "  <testsuite name=\"{name}\" tests=\"{cases}\" failures=\"{failed}\" errors=\"0\" \
             skipped=\"{skipped}\">\n"
        ));
        if tally.holds > 0 {
            let holds = format!("{} of {}", plural(tally.holds, "seed"), tally.seeds);
            out.push_str(&case(&name, &format!("{holds} hold"), ""));
        }
        tally.failures.iter().for_each(|failure| out.push_str(&failed_case(&name, failure)));
        tally.unjudged.iter().for_each(|doubt| out.push_str(&skipped_case(&name, doubt)));
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn case(suite: &str, name: &str, inside: &str) -> String {
    let head = format!("    <testcase classname=\"{suite}\" name=\"{}\"", escaped(name));
    match inside {
        "" => head + "/>\n",
        inside => format!("{head}>\n{inside}    </testcase>\n"),
    }
}

fn failed_case(suite: &str, failure: &Failure) -> String {
    let Failure { signature, seeds, seed, sentence, replay, .. } = failure;
    let text = format!("{}, the smallest is {seed}\n{replay}", plural(*seeds, "seed"));
    let inside = format!(
        "      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
        escaped(&signature.law),
        escaped(sentence),
        escaped(&text)
    );
    case(suite, &signature.to_string(), &inside)
}

fn skipped_case(suite: &str, doubt: &Doubt) -> String {
    let Doubt { begins, seeds, first_seed, cause, why, .. } = doubt;
    let message = format!("{} from seed {first_seed} on: {why}", plural(*seeds, "run"));
    let inside = format!("      <skipped message=\"{}\"/>\n", escaped(&message));
    case(suite, &format!("{}: {begins}", cause.label()), &inside)
}

/// Text for an attribute, where a line break would become a blank.
fn escaped(text: &str) -> String {
    page::escaped(text).replace('\n', "&#10;")
}
