//! The search for one order of all operations on a register that explains every answer.
//!
//! After Wing and Gong, and Lowe: operations are put in order as late as possible, when one of them
//! is answered. What is remembered of an order is the value it leads to and which of the open
//! operations are in it. An operation without an answer may happen at any later time or never: it
//! is put in order only if an answer cannot be explained without it, and of two orders that differ
//! in such operations alone, the one that has spent fewer is enough.

use std::collections::BTreeMap;

use stormglass_engine::observation::Call;

/// An operation, as the search sees it. Times are places in the one story of observations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) call: Call,
    pub(super) invoked: u64,
    /// When it was answered, and what.
    pub(super) answered: Option<(u64, u64)>,
}

/// What a search ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// There is such an order.
    Order,
    /// There is none that explains this operation's answer, counted in the list, and all before.
    Contradiction(usize),
    /// The work was not worth it.
    TooMuch,
}

/// An order so far.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Order {
    /// None if it can be anything.
    value: Option<u64>,
    /// The open operations that are in it, one bit each.
    done: u64,
    /// How many of each call without an answer are in it.
    spent: Vec<u16>,
}

/// Orders that lead to the same: for each value and set of open operations, the cheapest.
#[derive(Debug, Default)]
struct Orders(BTreeMap<(Option<u64>, u64), Vec<Vec<u16>>>);

impl Orders {
    /// False if there is one already that can do all this one can.
    fn add(&mut self, order: &Order) -> bool {
        let spent = self.0.entry((order.value, order.done)).or_default();
        let within = |a: &[u16], b: &[u16]| a.iter().zip(b).all(|(a, b)| a <= b);
        if spent.iter().any(|known| within(known, &order.spent)) {
            return false;
        }
        spent.retain(|known| !within(&order.spent, known));
        spent.push(order.spent.clone());
        true
    }
    fn into_orders(self) -> impl Iterator<Item = Order> {
        self.0.into_iter().flat_map(|((value, done), all)| {
            all.into_iter().map(move |spent| Order { value, done, spent })
        })
    }
}

/// The search in one register's operations.
struct Search<'a> {
    ops: &'a [Op],
    /// The open operations that will be answered, each in the slot of its bit.
    open: Vec<Option<usize>>,
    /// Calls without an answer, and how many of each may have happened by now.
    lost: Vec<(Call, u16)>,
    orders: Vec<Order>,
}

/// Looks for an order that starts at a value, or with none at any. Takes from the budget.
pub(super) fn search(ops: &[Op], start: Option<u64>, budget: &mut u64) -> Found {
    let mut lost: Vec<(Call, u16)> = Vec::new();
    for op in ops.iter().filter(|op| op.answered.is_none() && op.call != Call::Read) {
        if !lost.iter().any(|(call, _)| *call == op.call) {
            lost.push((op.call, 0));
        }
    }
    let orders = vec![Order { value: start, done: 0, spent: vec![0; lost.len()] }];
    let mut search = Search { ops, open: Vec::new(), lost, orders };
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * ops.len());
    for (at, op) in ops.iter().enumerate() {
        events.push((op.invoked, false, at));
        events.extend(op.answered.map(|(when, _)| (when, true, at)));
    }
    events.sort_unstable();
    for (_, answered, at) in events {
        if !answered {
            if !search.invoke(at) {
                return Found::TooMuch;
            }
        } else {
            match search.answer(at, budget) {
                None => return Found::TooMuch,
                Some(false) => return Found::Contradiction(at),
                Some(true) => {}
            }
        }
    }
    Found::Order
}

impl Search<'_> {
    /// False if there are too many open operations.
    fn invoke(&mut self, at: usize) -> bool {
        let op = &self.ops[at];
        if op.answered.is_none() {
            let of_call = self.lost.iter_mut().find(|(call, _)| *call == op.call);
            of_call.into_iter().for_each(|(_, count)| *count += 1);
            return true;
        }
        match self.open.iter().position(Option::is_none) {
            Some(slot) => self.open[slot] = Some(at),
            None => self.open.push(Some(at)),
        }
        self.open.len() <= 64
    }

    /// Whether an order explains this answer as well; none if the budget is spent.
    fn answer(&mut self, at: usize, budget: &mut u64) -> Option<bool> {
        let slot = self.open.iter().position(|open| *open == Some(at))?;
        let bit = 1_u64 << slot;
        let (mut seen, mut explained) = (Orders::default(), Orders::default());
        let mut todo = std::mem::take(&mut self.orders);
        while let Some(order) = todo.pop() {
            *budget = budget.checked_sub(1)?;
            if order.done & bit != 0 {
                explained.add(&Order { done: order.done & !bit, ..order });
                continue;
            }
            let longer = self.longer(&order, budget)?;
            todo.extend(longer.into_iter().filter(|order| seen.add(order)));
        }
        self.open[slot] = None;
        self.orders = explained.into_orders().collect();
        Some(!self.orders.is_empty())
    }

    /// The orders with one operation more that has an answer, and before it what it takes of
    /// those without. None if the budget is spent.
    fn longer(&self, order: &Order, budget: &mut u64) -> Option<Vec<Order>> {
        let mut longer = Vec::new();
        for (slot, at) in self.open.iter().enumerate() {
            let Some(at) = at.filter(|_| order.done >> slot & 1 == 0) else { continue };
            let Some((_, answer)) = self.ops[at].answered else { continue };
            let done = order.done | 1 << slot;
            let ways = match self.ops[at].call {
                Call::Set(new) if new == answer => vec![order.spent.clone()],
                Call::Set(_) => Vec::new(),
                Call::Read => self.ways(order, answer, budget)?,
                Call::Add(more) => self.ways(order, answer.wrapping_sub(more), budget)?,
            };
            let order = |spent| Order { value: Some(answer), done, spent };
            longer.extend(ways.into_iter().map(order));
        }
        Some(longer)
    }

    /// The ways from an order's value to another by operations without an answer: additions, or
    /// one that sets it and then additions. Each way is what is spent then.
    fn ways(&self, order: &Order, goal: u64, budget: &mut u64) -> Option<Vec<Vec<u16>>> {
        let Some(value) = order.value.filter(|value| *value != goal) else {
            return Some(vec![order.spent.clone()]);
        };
        let mut ways = Vec::new();
        self.add_up((0, goal.wrapping_sub(value)), order.spent.clone(), &mut ways, budget)?;
        for (kind, (call, count)) in self.lost.iter().enumerate() {
            if let Call::Set(to) = *call
                && order.spent[kind] < *count
            {
                let mut spent = order.spent.clone();
                spent[kind] += 1;
                self.add_up((0, goal.wrapping_sub(to)), spent, &mut ways, budget)?;
            }
        }
        Some(ways)
    }

    /// The ways to add up to something with the kinds of calls from one on.
    fn add_up(
        &self,
        (from, goal): (usize, u64),
        spent: Vec<u16>,
        ways: &mut Vec<Vec<u16>>,
        budget: &mut u64,
    ) -> Option<()> {
        *budget = budget.checked_sub(1)?;
        if goal == 0 {
            ways.push(spent);
            return Some(());
        }
        let left = |(kind, (call, count)): (usize, &(Call, u16))| match call {
            Call::Add(more) => u128::from(*more) * u128::from(count - spent[kind]),
            _ => 0,
        };
        let most: u128 = self.lost.iter().enumerate().skip(from).map(left).sum();
        if most < u128::from(goal) {
            return Some(());
        }
        let is_left = |kind: &usize| left((*kind, &self.lost[*kind])) > 0;
        let Some(kind) = (from..self.lost.len()).find(is_left) else { return Some(()) };
        let Call::Add(more) = self.lost[kind].0 else { return Some(()) };
        // Sums wrap only if all that is left is more than a register holds.
        let wraps = most > u128::from(u64::MAX);
        let mut rest = goal;
        for count in spent[kind]..=self.lost[kind].1 {
            let mut spent = spent.clone();
            spent[kind] = count;
            self.add_up((kind + 1, rest), spent, ways, budget)?;
            if rest < more && !wraps {
                break;
            }
            rest = rest.wrapping_sub(more);
        }
        Some(())
    }
}
