//! Whom an action may strike, and which of its quantities make sense.

use stormglass_sim::time::Span;

use crate::scenario::{Action, ActionKind, ActionSpec, Among, Cluster, Role, Scope, Shape, Target};
use crate::units::{Between, Drift, Step};

/// By how much a clock may be slowed, in millionths.
const MOST_SLOWED: i32 = 500_000;

/// A mistake: at which key, what is wrong, and the remedy.
pub(super) type Mistake = (&'static str, String, String);

fn wrong<T>(
    key: &'static str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, Mistake> {
    Err((key, message.into(), help.into()))
}

/// An action against a process of a role.
pub(super) fn check(
    cluster: &Cluster,
    action: &ActionSpec,
    target: &Target,
    role: Role,
) -> Result<(), Mistake> {
    may_strike(action.kind(), target, role)?;
    restarts(action, role)?;
    quantities(action)?;
    match action {
        Action::Partition { shape, among, .. } => group(cluster, *shape, *among, target, role),
        Action::RefuseMemory { at, .. } if at.role() != role => {
            let help = format!("aim at a `{}`", at.role());
            wrong("at", format!("a {role} asks for no memory for its {at}"), help)
        }
        _ => Ok(()),
    }
}

/// Whether a process of the role can be struck by it.
fn may_strike(kind: ActionKind, target: &Target, role: Role) -> Result<(), Mistake> {
    let key = kind.entry().keys[0].name;
    let outside = matches!(role, Role::Client | Role::Operator);
    if kills(kind) && outside {
        let help = "cut it off or pause it: it has to know what it asked for";
        return wrong(key, format!("`{target}` is no part of the cluster"), help);
    }
    if matches!(kind, ActionKind::Rewind | ActionKind::Trim) && role != Role::Broker {
        let message = format!("a {role} keeps no records of the input");
        return wrong(key, message, "aim at the `broker`");
    }
    match kind.entry().scope {
        Scope::Files if outside || role == Role::QueryClient => {
            let help = "aim at a `store`, a `coordinator` or a `worker`";
            wrong(key, format!("a {role} keeps nothing that it may lose"), help)
        }
        Scope::Process
        | Scope::Machine
        | Scope::Domain
        | Scope::Role
        | Scope::Links
        | Scope::Link
        | Scope::Message
        | Scope::Group
        | Scope::Disk
        | Scope::Files
        | Scope::Clock => Ok(()),
    }
}

/// Whether whom it strikes may die of it.
const fn kills(kind: ActionKind) -> bool {
    kind.kills() || matches!(kind, ActionKind::CrashLoop | ActionKind::LimitMemory)
}

/// Whether somebody brings the dead back.
fn restarts(action: &ActionSpec, role: Role) -> Result<(), Mistake> {
    let (Action::Crash { down } | Action::CrashLoop { down, .. }) = action else { return Ok(()) };
    match (down, role) {
        (Some(_), Role::Worker) => wrong(
            "down",
            "a worker is restarted by its supervisor",
            "leave `down` out and see cluster.restart-delay",
        ),
        (None, role) if role != Role::Worker => {
            let help = "say how long it is down: `down = \"2s\"`";
            wrong("who", format!("nobody restarts a {role}"), help)
        }
        _ => Ok(()),
    }
}

/// Which quantities make sense.
fn quantities(action: &ActionSpec) -> Result<(), Mistake> {
    match action {
        Action::SlowDisk { factor, .. } if factor.min == 0 => {
            let help = "1 changes nothing, 100 is very slow";
            wrong("factor", "a factor of 0 would be infinitely fast", help)
        }
        Action::SlowCpu { factor, .. } if factor.min == 0 => {
            let help = "1 changes nothing, 10 is very slow";
            wrong("factor", "a factor of 0 would be infinitely fast", help)
        }
        Action::ThrottleLink { speed, .. } | Action::ThrottleCard { speed, .. }
            if speed.min.0 == 0 =>
        {
            wrong("speed", "nothing would pass", "write a `clog`, or such as \"10kB/s\"")
        }
        Action::ThrottleDisk { speed, .. } if speed.min.0 == 0 => {
            wrong("speed", "nothing would be read or written", "write a `stall-disk`")
        }
        Action::LosePackets { share, .. }
        | Action::DuplicatePackets { share, .. }
        | Action::ReorderPackets { share, .. }
        | Action::CorruptPackets { share, .. }
        | Action::HeavyTail { share, .. }
            if share.min.0 == 0 =>
        {
            wrong("share", "it may happen to no packet", "write a share above zero, such as \"5%\"")
        }
        Action::ReorderPackets { late, .. } if late.min.is_zero() => {
            wrong("late", "no time to be overtaken in", "write a duration such as \"20ms\"")
        }
        Action::HeavyTail { extra, .. } if extra.min.is_zero() => {
            wrong("extra", "a tail grows from something", "write a duration such as \"1ms\"")
        }
        Action::HeavyTail { extra, most, .. } if most.min < extra.max => {
            let help = format!("write \"{}\" or more", extra.max);
            wrong("most", "the most is less than the least", help)
        }
        Action::LosePackets { run, .. } if run.min == 0 => {
            wrong("run", "no packet is lost in a run of 0", "1 is each by itself")
        }
        Action::CrashLoop { times, .. } if times.min == 0 => {
            wrong("times", "it dies at least once", "write 1 or more")
        }
        Action::RollingRestart { down, every } if every.min <= down.max => {
            let help = format!("write more than \"{}\"", down.max);
            wrong("every", "the next would go before the last is back", help)
        }
        Action::DropMessage { nth, .. }
        | Action::DuplicateMessage { nth, .. }
        | Action::DelayMessage { nth, .. }
        | Action::ReplayMessage { nth, .. }
        | Action::CorruptMessage { nth, .. }
        | Action::LoseReply { nth, .. }
            if nth.min == 0 =>
        {
            wrong("nth", "there is no message 0", "the next one is 1")
        }
        Action::FailReads { count, .. }
        | Action::FailWrites { count, .. }
        | Action::FailSyncs { count, .. }
        | Action::ForgetfulSyncs { count, .. }
        | Action::LyingSyncs { count, .. }
        | Action::FullDisk { count, .. }
        | Action::CorruptReads { count, .. }
        | Action::RottenReads { count, .. }
        | Action::MisdirectedReads { count, .. }
        | Action::PhantomWrites { count, .. }
        | Action::MisdirectedWrites { count, .. }
        | Action::RefuseMemory { count, .. }
            if count.min == 0 =>
        {
            wrong("count", "it happens 0 times", "write 1 or more")
        }
        Action::Rewind { records, .. } if records.min == 0 => {
            wrong("records", "it may go back by nothing", "write 1 or more")
        }
        Action::LimitMemory { size, .. } if size.min.0 == 0 => {
            wrong("size", "nothing runs in no memory", "write such as \"1MiB\"")
        }
        _ => clocks(action),
    }?;
    match action.lasting() {
        Some(lasting) if lasting.min.is_zero() => {
            let keys = action.kind().entry().keys.iter();
            let key = keys.map(|key| key.name).find(|key| *key == "down").unwrap_or("for");
            wrong(key, "it takes no time at all", "write a duration above zero")
        }
        _ => Ok(()),
    }
}

/// Which of them a clock can follow.
fn clocks(action: &ActionSpec) -> Result<(), Mistake> {
    match action {
        Action::DriftClock { by, .. } if by.min.0 < -MOST_SLOWED => wrong(
            "by",
            "a clock that runs at less than half its rate is broken",
            "write at least \"-50%\"",
        ),
        Action::DriftClock { by, .. } if *by == Between::just(Drift(0)) => {
            wrong("by", "the clock does not drift", "write such as \"10%\"")
        }
        Action::StepClock { by } | Action::SmearClock { by, .. }
            if *by == Between::just(Step(0)) =>
        {
            wrong("by", "the clock does not jump", "write such as \"-10s\"")
        }
        Action::SmearClock { by, lasting }
            if -i128::from(by.min.0) >= i128::from(lasting.min.as_nanos()) =>
        {
            let help = "take longer, or write a smaller step";
            wrong("by", "the clock would run backwards: it is a smear, not a step", help)
        }
        Action::StrobeClock { by, .. } if by.min.is_zero() => {
            wrong("by", "the clock does not jump", "write such as \"200ms\"")
        }
        Action::StrobeClock { period, lasting, .. }
            if period.min < Span::millis(1) || period.max > lasting.min =>
        {
            let help = "write at least \"1ms\", and less than `for`";
            wrong("period", "that is no period of a strobe", help)
        }
        _ => Ok(()),
    }
}

/// Whether a group can fall apart in that shape, with the target in it.
fn group(
    cluster: &Cluster,
    shape: Shape,
    among: Among,
    target: &Target,
    role: Role,
) -> Result<(), Mistake> {
    let Some(of) = among.role() else { return Ok(()) };
    let worker = of == Role::Supervisor && role == Role::Worker;
    if role != of && !worker {
        let help = "leave `who` out, or write `among = \"all\"`";
        return wrong("who", format!("`{target}` is none of the {among}"), help);
    }
    let (members, least) = (cluster.members(of), least(shape));
    if members < least {
        let message = format!("{members} of the {among} cannot fall apart like that");
        return wrong("shape", message, format!("it takes {least}"));
    }
    Ok(())
}

/// How many there must be for a shape to cut anything.
const fn least(shape: Shape) -> u32 {
    match shape {
        Shape::Isolate | Shape::Halves | Shape::OneWay => 2,
        Shape::Minority | Shape::Bridge | Shape::MajoritiesRing => 3,
    }
}
