//! Processes that launch, kill, exit, crash and come back; machines that lose power.

use super::*;
use crate::world::Ended;

const CHILD: NodeId = NodeId::new(0, 5);

/// Launches a child at start; kills it at a timer.
fn parent(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start => {
            let child: Script = |_, _, event, cx| {
                if let Event::Datagram { .. } = event {
                    cx.spend(Lane(0), Span::millis(2));
                    cx.exit();
                }
            };
            assert!(cx.launch(5, actor(child)));
            assert!(!cx.launch(5, actor(child)), "the port is taken at once");
            cx.set_timer(Lane(0), Span::millis(50), 0);
        }
        Event::Timer { .. } => cx.kill(5),
        _ => {}
    }
}

#[test]
fn a_parent_hears_how_its_child_ended() {
    let end = |what: fn(&mut Lab)| {
        let mut lab = lab(parent, |_, _, _, _| {});
        lab.run_until(ms(1));
        assert!(lab.is_up(CHILD));
        what(&mut lab);
        assert_eq!(lab.run_until(ms(100)), Ended::Idle);
        assert!(!lab.is_up(CHILD));
        let lines = lab.watcher().lines.iter();
        let exits: Vec<_> = lines.filter(|(_, text)| text.starts_with("Exited")).collect();
        assert_eq!((exits.len(), exits[0].0.node), (1, A));
        (exits[0].1.clone(), exits[0].0.time)
    };
    let killed = end(|_| {});
    assert_eq!(killed, ("Exited { node: m0:5, exit: Killed }".to_string(), ms(50)));
    let crashed = end(|lab| {
        lab.hurt(Fault::Crash { node: CHILD });
    });
    assert_eq!(crashed, ("Exited { node: m0:5, exit: Crashed }".to_string(), ms(1)));
}

#[test]
fn an_exit_waits_for_the_work_before_it() {
    let mut lab = lab(quiet, |_, _, event, cx| {
        if let Event::Start = event {
            cx.spend(Lane(0), Span::millis(4));
            cx.send(A, say(1));
            cx.exit();
        }
    });
    lab.run_until(ms(3));
    assert!(lab.is_up(B));
    lab.run_until(ms(50));
    assert!(!lab.is_up(B));
    assert_eq!(lab.heard(A), [1]);
}

#[test]
fn a_machine_that_starts_boots_its_services_and_no_children() {
    let mut lab = lab(parent, quiet);
    lab.run_until(ms(1));
    let effect = lab.hurt(Fault::CrashMachine { machine: MA });
    assert_eq!((effect.took_effect, effect.processes_lost), (true, 2));
    assert!(!lab.hurt(Fault::CrashMachine { machine: MA }).took_effect);
    assert!(!lab.is_machine_up(MA) && !lab.is_up(A) && !lab.is_up(CHILD));
    lab.run_until(ms(200));
    lab.hurt(Fault::StartMachine { machine: MA });
    lab.run_until(ms(201));
    assert_eq!((lab.incarnation(A), lab.incarnation(CHILD)), (2, 2), "relaunched by its parent");
    assert!(!lab.seen(A).iter().any(|text| text.starts_with("Exited") || text.contains("Timer")));
}

#[test]
fn every_life_begins_with_the_pristine_image() {
    let mut lab = lab(
        |me, _, event, cx| {
            me.memory.push(1);
            let length = me.memory.len();
            note(cx, length);
            if let Event::Start = event {
                cx.set_timer(Lane(0), Span::millis(1), 0);
            }
        },
        quiet,
    );
    lab.run_until(ms(5));
    lab.hurt(Fault::Crash { node: A });
    lab.hurt(Fault::Start { node: A });
    lab.hurt(Fault::Start { node: A });
    lab.run_until(ms(10));
    let lengths: Vec<&str> = lab.seen(A).into_iter().filter(|t| t.len() == 1).collect();
    assert_eq!(lengths, ["1", "2", "1", "2"]);
    assert_eq!(lab.incarnation(A), 2);
}

#[test]
fn timers_of_a_dead_life_never_fire_in_the_next() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                let token = u64::from(cx.incarnation());
                cx.set_timer(Lane(0), Span::millis(10), token);
            }
        },
        quiet,
    );
    lab.run_until(ms(5));
    lab.hurt(Fault::Crash { node: A });
    lab.hurt(Fault::Start { node: A });
    lab.run_until(ms(50));
    let timers: Vec<&str> = lab.seen(A).into_iter().filter(|t| t.contains("token")).collect();
    assert_eq!(timers.len(), 1);
    assert!(timers[0].ends_with("token: 2 }"));
}
