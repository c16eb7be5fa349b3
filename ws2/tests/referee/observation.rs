//! What a step shows.

use std::fmt;

use wsp_events::spi::SOCKET_ERROR;
use wsp_events::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};

/// What stands, before every call, wherever the call may write.
pub(crate) const UNTOUCHED: i32 = 0x5A5A_5A5A;

/// What a call returned, and its error code, if it has set one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) returned: i32,
    pub(crate) error: Option<i32>,
}

impl Answer {
    pub(crate) fn of(result: Result<usize, i32>) -> Self {
        match result {
            Ok(length) => Self { returned: length.try_into().unwrap(), error: None },
            Err(code) => Self { returned: SOCKET_ERROR, error: Some(code) },
        }
    }
}

/// A WSANETWORKEVENTS after the call, with [`UNTOUCHED`] where nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) mask: i32,
    pub(crate) codes: [i32; FD_MAX_EVENTS],
}

impl Written {
    pub(crate) const UNTOUCHED: Self = Self { mask: UNTOUCHED, codes: [UNTOUCHED; FD_MAX_EVENTS] };
}

/// All that a program could see of a step, in one world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    /// Of the call, if the operation is one on a socket.
    pub(crate) answer: Option<Answer>,
    /// Of an enumeration.
    pub(crate) written: Option<Written>,
    /// Of a receive.
    pub(crate) bytes: Option<Vec<u8>>,
    /// Whether e and f are set, once the world has come to rest.
    pub(crate) set: [bool; 2],
}

/// `0, FD_READ|FD_CLOSE 10054, set: e`.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Answer { returned, error }) = self.answer {
            match returned {
                SOCKET_ERROR => f.write_str("SOCKET_ERROR")?,
                returned => write!(f, "{returned}")?,
            }
            if let Some(error) = error {
                write!(f, " {error}")?;
            }
            f.write_str(", ")?;
        }
        if let Some(written) = &self.written {
            write!(f, "{written}, ")?;
        }
        if let Some(bytes) = &self.bytes {
            write!(f, "{:?}, ", String::from_utf8_lossy(bytes))?;
        }
        f.write_str("set:")?;
        for (name, set) in ["e", "f"].into_iter().zip(self.set) {
            if set {
                write!(f, " {name}")?;
            }
        }
        if self.set == [false; 2] {
            f.write_str(" none")?;
        }
        Ok(())
    }
}

/// `FD_READ|FD_CLOSE 10054`, and what was written beside it (E2).
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNTOUCHED {
            return f.write_str("nothing written");
        }
        if self.mask == 0 {
            f.write_str("no events")?;
        }
        let reported = NetworkEvents::from_mask(self.mask);
        for (at, event) in reported.members().enumerate() {
            let code = self.codes[event.bit_position()];
            f.write_str(if at == 0 { "" } else { "|" })?;
            f.write_str(event.name())?;
            match code {
                0 => {}
                UNTOUCHED => f.write_str(" without a code")?,
                code => write!(f, " {code}")?,
            }
        }
        if reported.mask() != self.mask {
            write!(f, " (mask {:#x})", self.mask)?;
        }
        let others: Vec<_> = NetworkEvent::ALL
            .into_iter()
            .filter(|event| !reported.contains(event.flag()))
            .map(NetworkEvent::bit_position)
            .filter(|&at| self.codes[at] != UNTOUCHED)
            .map(|at| format!("[{at}] = {}", self.codes[at]))
            .collect();
        if !others.is_empty() {
            write!(f, " and besides iErrorCode{}", others.join(", "))?;
        }
        Ok(())
    }
}
