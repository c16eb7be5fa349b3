//! The arguments of the command line.

use std::str::FromStr;

pub(crate) const USAGE: &str =
    "soak [--operations N] [--recorders N] [--threads N, at least 2] [--seed N]";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments {
    pub(crate) operations: u64,
    pub(crate) recorders: usize,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { operations: 20_000_000, recorders: 24, threads: 4, seed: 1 };
        while let Some(name) = words.next() {
            let value = words.next();
            match name.as_str() {
                "--operations" => arguments.operations = number(&name, value, 1)?,
                "--recorders" => arguments.recorders = number(&name, value, 1)?,
                "--threads" => arguments.threads = number(&name, value, 2)?,
                "--seed" => arguments.seed = number(&name, value, 0)?,
                _ => return Err(format!("{name} is unknown")),
            }
        }
        Ok(arguments)
    }
}

fn number<T: FromStr + PartialOrd>(
    name: &str,
    value: Option<String>,
    least: T,
) -> Result<T, String> {
    value
        .and_then(|value| value.parse().ok())
        .filter(|number| *number >= least)
        .ok_or_else(|| format!("{name} wants a number"))
}
