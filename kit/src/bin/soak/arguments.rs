//! The arguments of the command line.

pub(crate) const USAGE: &str =
    "soak [--operations N] [--recorders N] [--threads N, at least 2] [--seed N]";

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
            let value = words.next().and_then(|value| value.parse().ok());
            let number = value.ok_or_else(|| format!("{name} needs a number"))?;
            match (name.as_str(), number) {
                ("--operations", 1..) => arguments.operations = number,
                ("--recorders", 1..) => arguments.recorders = number as usize,
                ("--threads", 2..) => arguments.threads = number as usize,
                ("--seed", _) => arguments.seed = number,
                _ => return Err(format!("{name} {number} is not possible")),
            }
        }
        Ok(arguments)
    }
}
