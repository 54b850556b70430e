use super::*;

#[test]
fn schema_and_reference_say_the_same_of_every_action() {
    let schema = schema();
    let said =
        |of: &serde_json::Value| of["description"].as_str().map(|text| text.replace('\n', " "));
    for &kind in ActionKind::ALL {
        let entry = kind.entry();
        assert_eq!((entry.kind, kind.entry().doc.is_empty()), (kind, false));
        let fault = &schema["$defs"]["Fault"]["properties"][kind.name()];
        assert_eq!(said(fault).as_deref(), Some(entry.doc), "{kind}");
        let definition = &schema["$defs"][format!("{kind:?}")];
        for key in entry.keys {
            let property = &definition["properties"][key.name];
            assert_eq!(said(property).as_deref(), Some(key.doc), "{kind}.{}", key.name);
            let required = definition["required"].as_array().unwrap();
            assert_ne!(required.contains(&key.name.into()), key.optional, "{kind}.{}", key.name);
        }
        let keys = definition["properties"].as_object().unwrap().len();
        assert_eq!(keys, entry.keys.len(), "{kind}");
    }
}

/// The worst that somebody may write of an action, and what they are told.
fn mistake(kind: ActionKind) -> (&'static str, &'static str) {
    match kind {
        ActionKind::Crash => ("{ who = 'leader' }", "nobody restarts a coordinator"),
        ActionKind::CrashLoop => {
            ("{ who = 'worker', times = 0, after = '1s' }", "it dies at least once")
        }
        ActionKind::Pause => ("{ who = 'worker', for = '0s' }", "it takes no time at all"),
        ActionKind::SlowCpu => {
            ("{ who = 'worker', factor = 0, for = '1s' }", "a factor of 0 would be infinitely fast")
        }
        ActionKind::CrashMachine => {
            ("{ who = 'store', down = '1s', leaves = 'most' }", "`most` is not a remainder")
        }
        ActionKind::WipeAndRejoin => ("{ who = 'store', down = '0s' }", "it takes no time at all"),
        ActionKind::PowerLoss => {
            ("{ who = 'store', down = '1s', of = 'row' }", "`row` is not a failure domain")
        }
        ActionKind::RollingRestart => (
            "{ who = 'worker', down = '2s', every = '1s' }",
            "the next would go before the last is back",
        ),
        ActionKind::Isolate => ("{ who = 'worker', for = '1s', ways = 'up' }", "`up` is not a way"),
        ActionKind::Cut => {
            ("{ from = 'worker-1', to = 'supervisor-1', for = '1s' }", "share one machine")
        }
        ActionKind::Partition => (
            "{ who = 'store', shape = 'halves', among = 'workers', for = '1s' }",
            "`store` is none of the workers",
        ),
        ActionKind::SlowLink => {
            ("{ from = 'worker', to = 'store', for = '1s' }", "the key `extra` is missing")
        }
        ActionKind::Clog => ("{ who = 'worker', for = '0s..1s' }", "it takes no time at all"),
        ActionKind::ThrottleLink | ActionKind::ThrottleCard => {
            ("{ who = 'worker', speed = '0B/s', for = '1s' }", "nothing would pass")
        }
        ActionKind::LosePackets => {
            ("{ who = 'worker', share = '0%', for = '1s' }", "it may happen to no packet")
        }
        ActionKind::DuplicatePackets => {
            ("{ who = 'worker', share = '200%', for = '1s' }", "`200%` is more than the whole")
        }
        ActionKind::ReorderPackets => (
            "{ who = 'worker', share = '20%', late = '0s', for = '1s' }",
            "no time to be overtaken in",
        ),
        ActionKind::CorruptPackets => {
            ("{ who = 'worker', share = 0.2, for = '1s' }", "`0.2` is not a share")
        }
        ActionKind::HeavyTail => (
            "{ who = 'worker', share = '2%', extra = '2s', most = '1s', for = '1s' }",
            "the most is less than the least",
        ),
        ActionKind::BreakConnections => {
            ("{ who = 'worker', how = 'loudly' }", "`loudly` is not a way to break")
        }
        ActionKind::DropMessage => {
            ("{ from = 'worker', to = 'store', nth = 0 }", "there is no message 0")
        }
        ActionKind::DelayMessage => {
            ("{ from = 'worker', to = 'store', by = 5 }", "`5` is not a duration")
        }
        ActionKind::DuplicateMessage => {
            ("{ from = 'worker-1', to = 'supervisor-1' }", "share one machine")
        }
        ActionKind::ReplayMessage => {
            ("{ from = 'worker', to = 'store' }", "the key `after` is missing")
        }
        ActionKind::CorruptMessage => {
            ("{ from = 'worker', to = 'store', bit = 'x' }", "`x` is not a whole number")
        }
        ActionKind::LoseReply => {
            ("{ from = 'worker', to = 'store', nth = '3..1' }", "ends before it begins")
        }
        ActionKind::SlowDisk => {
            ("{ who = 'store', factor = 0, for = '1s' }", "a factor of 0 would be infinitely fast")
        }
        ActionKind::ThrottleDisk => {
            ("{ who = 'store', speed = '0B/s', for = '1s' }", "nothing would be read or written")
        }
        ActionKind::StallDisk => ("{ who = 'store', for = '0s' }", "it takes no time at all"),
        ActionKind::Rot | ActionKind::Wipe | ActionKind::FailWrites => {
            ("{ who = 'query-client' }", "a query-client keeps nothing that it may lose")
        }
        ActionKind::LoseDisk => ("{ who = 'store' }", "the key `for` is missing"),
        ActionKind::FailReads
        | ActionKind::FullDisk
        | ActionKind::CorruptReads
        | ActionKind::RottenReads
        | ActionKind::MisdirectedReads
        | ActionKind::MisdirectedWrites => ("{ who = 'store', count = 0 }", "it happens 0 times"),
        ActionKind::FailSyncs => ("{ who = 'store', within = 3 }", "`3` is not a duration"),
        ActionKind::ForgetfulSyncs => ("{ who = 'store', count = -1 }", "is not a whole number"),
        ActionKind::LyingSyncs => ("{ who = 'stroe' }", "there is no role `stroe`"),
        ActionKind::PhantomWrites => ("{ who = 'store', cuont = 1 }", "unknown key `cuont`"),
        ActionKind::DriftClock => (
            "{ who = 'worker', by = '-60%', for = '1s' }",
            "a clock that runs at less than half its rate is broken",
        ),
        ActionKind::StepClock => ("{ who = 'worker', by = '0s' }", "the clock does not jump"),
        ActionKind::SetClock => ("{ who = 'worker', by = 'noon' }", "`noon` is not a duration"),
        ActionKind::FreezeClock => {
            ("{ who = 'worker', for = '1s', then = 'melts' }", "`melts` is not a way to go on")
        }
        ActionKind::SmearClock => {
            ("{ who = 'worker', by = '-3s', for = '2s' }", "the clock would run backwards")
        }
        ActionKind::StrobeClock => (
            "{ who = 'worker', by = '1s', period = '5s', for = '2s' }",
            "that is no period of a strobe",
        ),
        ActionKind::LimitMemory => {
            ("{ who = 'worker', size = '0B', for = '2s' }", "nothing runs in no memory")
        }
        ActionKind::RefuseMemory => (
            "{ who = 'worker', at = 'store-buffers' }",
            "a worker asks for no memory for its store-buffers",
        ),
        ActionKind::Rewind => {
            ("{ who = 'broker', records = 0, for = '2s' }", "it may go back by nothing")
        }
        ActionKind::Trim => {
            ("{ who = 'store', keep = 9 }", "a store keeps no records of the input")
        }
    }
}

#[test]
fn every_misuse_is_told_with_its_place() {
    for &kind in ActionKind::ALL {
        let (action, told) = mistake(kind);
        let problem = with(&format!("[[fault]]\nat = '50%'\n{kind} = {action}")).unwrap_err();
        assert!(problem.to_string().contains(told), "{problem}");
        let line = problem.place.as_ref().map(|place| place.line);
        assert_eq!(line, Some(6), "{problem}");
    }
}
