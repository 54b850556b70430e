//! Timer tokens: a kind in the top byte, a task in the next 16 bits, a generation in the low 32.

use crate::ids::{Generation, TaskId};

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// Send what is in open batches.
    Flush(TaskId, Generation),
    /// Ask the broker for records.
    Poll(TaskId, Generation),
    /// See whether barriers have waited long enough.
    Alignment(TaskId, Generation),
    /// Say that the worker lives.
    Heartbeat,
    /// Look again for the coordinator that leads.
    Seek,
    /// Tell the ackers what was acked.
    Acks(TaskId, Generation),
    /// The message timeout of an executor's source tasks makes a turn.
    Tick(TaskId, Generation),
    /// Have a source's position kept.
    Commit(TaskId, Generation),
    /// Connect to the broker or the store again.
    Reconnect(Service, Generation),
    /// Ask the receiver again to commit.
    Retry(TaskId, Generation),
}

/// A service whose connection is opened again after a loss.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Service {
    Broker,
    /// A store, by its place.
    Store(u16),
}

pub(super) const fn flush(task: TaskId, generation: Generation) -> u64 {
    pack(1, task.0, generation)
}
pub(super) const fn poll(task: TaskId, generation: Generation) -> u64 {
    pack(2, task.0, generation)
}
pub(super) const HEARTBEAT: u64 = pack(3, 0, Generation(0));
pub(super) const SEEK: u64 = pack(4, 0, Generation(0));
pub(super) const fn reconnect(service: Service, generation: Generation) -> u64 {
    let number = match service {
        Service::Broker => 0,
        Service::Store(store) => 1 + store,
    };
    pack(5, number, generation)
}
pub(super) const fn acks(task: TaskId, generation: Generation) -> u64 {
    pack(6, task.0, generation)
}
pub(super) const fn tick(executor: TaskId, generation: Generation) -> u64 {
    pack(7, executor.0, generation)
}
pub(super) const fn commit(task: TaskId, generation: Generation) -> u64 {
    pack(8, task.0, generation)
}
pub(super) const fn retry(task: TaskId, generation: Generation) -> u64 {
    pack(9, task.0, generation)
}
pub(super) const fn alignment(task: TaskId, generation: Generation) -> u64 {
    pack(10, task.0, generation)
}

const fn pack(kind: u64, number: u16, generation: Generation) -> u64 {
    kind << 56 | (number as u64) << 32 | generation.0 as u64
}

pub(super) fn unpack(token: u64) -> Token {
    let (number, generation) = ((token >> 32) as u16, Generation(token as u32));
    match token >> 56 {
        1 => Token::Flush(TaskId(number), generation),
        2 => Token::Poll(TaskId(number), generation),
        3 => Token::Heartbeat,
        4 => Token::Seek,
        5 if number == 0 => Token::Reconnect(Service::Broker, generation),
        5 => Token::Reconnect(Service::Store(number - 1), generation),
        6 => Token::Acks(TaskId(number), generation),
        7 => Token::Tick(TaskId(number), generation),
        8 => Token::Commit(TaskId(number), generation),
        9 => Token::Retry(TaskId(number), generation),
        10 => Token::Alignment(TaskId(number), generation),
        _ => unreachable!("no other token is made"),
    }
}
