//! Values: what tuples carry and state holds.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use smol_str::SmolStr;
use stormglass_sim::hash::Mixer;

/// One field of a tuple, or one cell of state.
///
/// Equality, order and encoding are total and by contents; floats compare by `total_cmp`.
#[derive(Clone)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A 64-bit integer (Java's `long`).
    Int(i64),
    /// A double.
    Float(f64),
    /// A string; up to 23 bytes are stored inline.
    Str(SmolStr),
    /// A byte string.
    Bytes(Arc<[u8]>),
    /// A list of values. Whoever holds it alone may change it in place (`Arc::make_mut`).
    List(Arc<Vec<Value>>),
}

impl Value {
    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }
    /// The double, if it is one.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(x) => Some(*x),
            _ => None,
        }
    }
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }
    /// The size of the canonical encoding in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Value::Null => 1,
            Value::Bool(_) => 2,
            Value::Int(_) | Value::Float(_) => 9,
            Value::Str(s) => 5 + s.len() as u64,
            Value::Bytes(b) => 5 + b.len() as u64,
            Value::List(items) => 5 + items.iter().map(Value::size).sum::<u64>(),
        }
    }

    const fn tag(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 2,
            Value::Float(_) => 3,
            Value::Str(_) => 4,
            Value::Bytes(_) => 5,
            Value::List(_) => 6,
        }
    }

    /// Appends the canonical encoding: a tag byte, then little-endian contents with 32-bit lengths.
    pub fn encode(&self, out: &mut Vec<u8>) {
        // Each arm appends arrays of a known length: one check of the room for several bytes.
        match self {
            Value::Null => out.push(self.tag()),
            Value::Bool(b) => out.extend_from_slice(&[self.tag(), u8::from(*b)]),
            Value::Int(n) => encode_word(self.tag(), *n as u64, out),
            Value::Float(x) => encode_word(self.tag(), x.to_bits(), out),
            Value::Str(s) => encode_bytes(self.tag(), s.as_bytes(), out),
            Value::Bytes(b) => encode_bytes(self.tag(), b, out),
            Value::List(items) => {
                encode_len(self.tag(), items.len(), out);
                items.iter().for_each(|item| item.encode(out));
            }
        }
    }

    /// Reads one value off the front of `bytes`; none if they are not an encoding.
    pub fn decode(bytes: &mut &[u8]) -> Option<Value> {
        let (&tag, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(match tag {
            0 => Value::Null,
            1 => Value::Bool(take::<1>(bytes)?[0] != 0),
            2 => Value::Int(i64::from_le_bytes(take(bytes)?)),
            3 => Value::Float(f64::from_bits(u64::from_le_bytes(take(bytes)?))),
            4 => Value::Str(SmolStr::new(core::str::from_utf8(take_bytes(bytes)?).ok()?)),
            5 => Value::Bytes(Arc::from(take_bytes(bytes)?)),
            6 => {
                let len = u32::from_le_bytes(take(bytes)?);
                let items: Option<Vec<Value>> = (0..len).map(|_| Value::decode(bytes)).collect();
                Value::List(Arc::new(items?))
            }
            _ => return None,
        })
    }

    /// Mixes the contents into a digest.
    #[inline]
    pub fn digest(&self, into: &mut Mixer) {
        match self {
            Value::Int(n) => into.pair(2, *n as u64),
            Value::Str(s) => into.text(4, s.as_bytes()),
            other => other.digest_rare(into),
        }
    }

    fn digest_rare(&self, into: &mut Mixer) {
        match self {
            Value::Null | Value::Bool(_) => {
                into.word(
                    u64::from(self.tag()) | u64::from(matches!(self, Value::Bool(true))) << 8,
                );
            }
            Value::Int(n) => into.pair(2, *n as u64),
            Value::Float(x) => into.pair(3, x.to_bits()),
            Value::Str(s) => into.text(4, s.as_bytes()),
            Value::Bytes(b) => {
                into.word(5);
                into.bytes(b);
            }
            Value::List(items) => {
                into.pair(6, items.len() as u64);
                items.iter().for_each(|item| item.digest(into));
            }
        }
    }
}

/// The fingerprint of a row of values.
pub fn fingerprint(values: &[Value]) -> u64 {
    let mut mixer = Mixer::new();
    mixer.word(values.len() as u64);
    values.iter().for_each(|value| value.digest(&mut mixer));
    mixer.finish64()
}

#[inline]
fn encode_word(tag: u8, word: u64, out: &mut Vec<u8>) {
    let mut bytes = [tag; 9];
    bytes[1..].copy_from_slice(&word.to_le_bytes());
    out.extend_from_slice(&bytes);
}

#[inline]
fn encode_len(tag: u8, len: usize, out: &mut Vec<u8>) {
    let mut bytes = [tag; 5];
    bytes[1..].copy_from_slice(&(len as u32).to_le_bytes());
    out.extend_from_slice(&bytes);
}

#[inline]
fn encode_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    encode_len(tag, bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = u32::from_le_bytes(take(bytes)?) as usize;
    let (head, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(head)
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Str(a), Value::Str(b)) => a.as_str().cmp(b.as_str()),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => a.cmp(b),
            _ => self.tag().cmp(&other.tag()),
        }
    }
}
impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Value {
    /// What `cmp` calls equal, without its search for the first difference: keys are looked up by
    /// it.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            _ => false,
        }
    }
}
impl Eq for Value {}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(n) => write!(f, "{n}"),
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Str(s) => write!(f, "{:?}", s.as_str()),
            Value::Bytes(b) => write!(f, "{} bytes", b.len()),
            Value::List(items) => f.debug_list().entries(items.iter()).finish(),
        }
    }
}
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Value::Int(n)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}
impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Value::Float(x)
    }
}
impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Value::Str(SmolStr::new(s))
    }
}
