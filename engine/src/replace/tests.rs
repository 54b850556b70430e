//! A new file gets its name when it is durable, and counts when its name is.

use alloc::string::{String, ToString};

use super::*;

/// What comes back, and what follows: operations, `-` for none, or how it ends.
type Case = (&'static str, Proof, &'static [(&'static str, &'static str)]);

const CASES: [Case; 12] = [
    (
        "each step follows the one before",
        Proof::Synced,
        &[("write ok", "-"), ("sync ok", "rename names"), ("rename ok", "-"), ("names ok", "Done")],
    ),
    (
        "what is read back is what was written",
        Proof::ReadBack,
        &[
            ("write ok", "-"),
            ("sync ok", "read"),
            ("read same", "rename names"),
            ("rename ok", "-"),
            ("names ok", "Done"),
        ],
    ),
    (
        "what was not written gets no name, though its sync succeeds",
        Proof::Synced,
        &[("write fails", "Failed"), ("sync ok", "-")],
    ),
    (
        "a name does not come before the content, whatever comes back first",
        Proof::Synced,
        &[("sync ok", "-"), ("write fails", "Failed")],
    ),
    (
        "what was not synced gets no name",
        Proof::Synced,
        &[("write ok", "-"), ("sync fails", "Failed"), ("sync ok", "-")],
    ),
    (
        "what was not synced is not read back",
        Proof::ReadBack,
        &[("write ok", "-"), ("sync fails", "Failed"), ("sync ok", "-")],
    ),
    (
        "what differs when it is read back gets no name",
        Proof::ReadBack,
        &[("write ok", "-"), ("sync ok", "read"), ("read other", "Failed"), ("read same", "-")],
    ),
    (
        "what cannot be read back gets no name",
        Proof::ReadBack,
        &[("write ok", "-"), ("sync ok", "read"), ("read fails", "Failed"), ("read same", "-")],
    ),
    (
        "what comes back from a reading is data",
        Proof::ReadBack,
        &[("write ok", "-"), ("sync ok", "read"), ("read ok", "Failed")],
    ),
    (
        "without the name it is not done, though the names are synced",
        Proof::Synced,
        &[
            ("write ok", "-"),
            ("sync ok", "rename names"),
            ("rename fails", "Failed"),
            ("names ok", "-"),
        ],
    ),
    (
        "a name that is not durable is not enough",
        Proof::Synced,
        &[
            ("write ok", "-"),
            ("sync ok", "rename names"),
            ("rename ok", "-"),
            ("names fails", "Failed"),
            ("names ok", "-"),
        ],
    ),
    (
        "what is not its own changes nothing",
        Proof::ReadBack,
        &[
            ("foreign fails", "-"),
            ("write ok", "-"),
            ("foreign ok", "-"),
            ("sync ok", "read"),
            ("write fails", "-"),
            ("foreign same", "-"),
            ("read same", "rename names"),
            ("foreign other", "-"),
            ("rename ok", "-"),
            ("sync fails", "-"),
            ("names ok", "Done"),
            ("names fails", "-"),
        ],
    ),
];

fn data() -> Payload {
    Payload::new([1, 2, 3])
}

/// What was asked for, in the order of the tickets; a ticket that is not there is foreign.
#[derive(Default)]
struct Asked(Vec<&'static str>);

impl Asked {
    fn take(&mut self, op: DiskOp) -> DiskTicket {
        let (new, file) = (FileName::from("log.new"), FileName::from("log"));
        let name = match op {
            DiskOp::Write { file, data: of } if (&file, &of) == (&new, &data()) => "write",
            DiskOp::Sync { file } if file == new => "sync",
            DiskOp::Read { file } if file == new => "read",
            DiskOp::Rename { from, to } if (&from, &to) == (&new, &file) => "rename",
            DiskOp::SyncDir => "names",
            other => panic!("nobody needs {other:?}"),
        };
        self.0.push(name);
        DiskTicket(self.0.len() as u64)
    }

    fn ticket(&self, name: &str) -> DiskTicket {
        DiskTicket(self.0.iter().position(|of| *of == name).map_or(0, |at| at as u64 + 1))
    }
}

/// What follows a reply.
fn follows(of: &mut Replacement, reply: &str, asked: &mut Asked) -> String {
    let (op, result) = reply.split_once(' ').expect("an operation and its result");
    let result = match result {
        "ok" => Ok(DiskReply::Done),
        "same" => Ok(DiskReply::Data(data())),
        "other" => Ok(DiskReply::Data(Payload::new([1, 2, 4]))),
        "fails" => Err(DiskError::Io),
        other => panic!("{other} is no result"),
    };
    let (ticket, before) = (asked.ticket(op), asked.0.len());
    match of.on_disk(ticket, result.as_ref(), |op| asked.take(op)) {
        Progress::More if asked.0.len() == before => "-".to_string(),
        Progress::More => asked.0[before..].join(" "),
        Progress::Done => "Done".to_string(),
        Progress::Failed => "Failed".to_string(),
    }
}

#[test]
fn a_file_gets_its_name_when_it_is_durable() {
    for (story, proof, steps) in CASES {
        let mut asked = Asked::default();
        let (new, file) = (FileName::from("log.new"), FileName::from("log"));
        let mut of = Replacement::begin(new, file, data(), proof, |op| asked.take(op));
        assert_eq!(asked.0, ["write", "sync"], "{story}");
        for (reply, then) in steps {
            assert_eq!(follows(&mut of, reply, &mut asked), *then, "{story}: {reply}");
        }
    }
}
