//! What is run: a seed and how much of what it leads to. A plan has a text, so that a failing one can be run again.

use std::fmt;
use std::ops::Range;

use anyhow::{Context as _, Result, bail};

/// One run, fixed to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where all randomness comes from.
    pub seed: u64,
    /// Steps before the faults stop and everything has to settle.
    pub steps: u64,
    /// Identities, each with one client or several; at least 2.
    pub identities: u64,
    /// What may go wrong.
    pub faults: Faults,
    /// Steps in which nothing happens. Those behind them are what they were.
    pub skipped: Vec<Range<u64>>,
}

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Connections are cut; what is on its way is lost from some point on, and both ends hear of it.
    Cut,
    /// A client vanishes and comes back while the server still holds its old connection.
    Vanish,
    /// A connection carries nothing for a while.
    Stall,
    /// A client does not read what it is sent.
    Slow,
    /// A client asks what it must not: acks beyond the end, unreadable frames.
    Rude,
    /// The server's process is killed; what it wrote is in the page cache.
    Kill,
    /// The power goes, at any operation of the disk: what was not synced is lost, kept or torn.
    Power,
    /// The server drains and starts again.
    Restart,
    /// The disk is full for a while.
    Full,
    /// An operation of the disk fails once.
    Error,
    /// The clock jumps forward.
    Jump,
}

/// A set of kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults(u16);

impl Plan {
    /// The seed with everything that can go wrong.
    pub fn new(seed: u64, steps: u64) -> Self {
        let identities = IDENTITIES;
        Self { seed, steps, identities, faults: Faults::all(), skipped: Vec::new() }
    }

    /// Whether nothing happens in this step.
    pub(crate) fn skips(&self, step: u64) -> bool {
        self.skipped.iter().any(|range| range.contains(&step))
    }

    /// Reads what [`Plan`]'s `Display` writes, all but the seed optional.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut plan = Self::new(0, STEPS);
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().with_context(|| format!("{name} needs a value"))?;
            let number = || value.parse().with_context(|| format!("{name} {value} is no number"));
            match name.as_str() {
                "--seed" => plan.seed = number()?,
                "--steps" => plan.steps = number()?,
                "--identities" => plan.identities = number()?.max(2),
                "--without" => plan.faults = Faults::without(value)?,
                "--skip" => plan.skipped = ranges(value)?,
                _ => bail!("{name} is none of --seed --steps --identities --without --skip"),
            }
        }
        Ok(plan)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--seed {} --steps {}", self.seed, self.steps)?;
        if self.identities != IDENTITIES {
            write!(f, " --identities {}", self.identities)?;
        }
        let without: Vec<&str> = self.faults.missing().map(Fault::name).collect();
        if !without.is_empty() {
            write!(f, " --without {}", without.join(","))?;
        }
        if !self.skipped.is_empty() {
            let ranges = self.skipped.iter().map(|range| format!("{}..{}", range.start, range.end));
            write!(f, " --skip {}", ranges.collect::<Vec<_>>().join(","))?;
        }
        Ok(())
    }
}

fn ranges(text: &str) -> Result<Vec<Range<u64>>> {
    let range = |part: &str| -> Result<Range<u64>> {
        let (start, end) = part.split_once("..").context("a range is written 10..20")?;
        Ok(start.parse()?..end.parse()?)
    };
    text.split(',').map(range).collect()
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Cut,
        Self::Vanish,
        Self::Stall,
        Self::Slow,
        Self::Rude,
        Self::Kill,
        Self::Power,
        Self::Restart,
        Self::Full,
        Self::Error,
        Self::Jump,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Vanish => "vanish",
            Self::Stall => "stall",
            Self::Slow => "slow",
            Self::Rude => "rude",
            Self::Kill => "kill",
            Self::Power => "power",
            Self::Restart => "restart",
            Self::Full => "full",
            Self::Error => "error",
            Self::Jump => "jump",
        }
    }
}

impl Faults {
    /// Everything goes wrong.
    pub fn all() -> Self {
        Self(Fault::ALL.iter().fold(0, |set, fault| set | 1 << *fault as u8))
    }

    /// Nothing does.
    pub fn none() -> Self {
        Self(0)
    }

    /// Whether this may happen.
    pub fn has(self, fault: Fault) -> bool {
        self.0 & 1 << fault as u8 != 0
    }

    /// All of them but this one.
    #[must_use]
    pub fn but(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << fault as u8))
    }

    /// Those that do not happen.
    pub fn missing(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |fault| !self.has(*fault))
    }

    fn without(names: &str) -> Result<Self> {
        let mut set = Self::all();
        for name in names.split(',') {
            let fault = Fault::ALL.into_iter().find(|fault| fault.name() == name);
            set = set.but(fault.with_context(|| format!("`{name}` is no kind of fault"))?);
        }
        Ok(set)
    }
}

/// Identities of a run, where nothing else is said.
const IDENTITIES: u64 = 4;
/// Steps of a run, where nothing else is said.
const STEPS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_is_written() {
        let mut plan = Plan::new(7, 300);
        assert_eq!(plan.to_string(), "--seed 7 --steps 300");
        plan.identities = 2;
        plan.faults = Faults::all().but(Fault::Full).but(Fault::Cut);
        plan.skipped = vec![3..9, 20..21];
        let text = plan.to_string();
        assert_eq!(
            text,
            "--seed 7 --steps 300 --identities 2 --without cut,full --skip 3..9,20..21"
        );
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        assert_eq!(Plan::parse(&words).unwrap(), plan);
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        let refuse = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            assert!(Plan::parse(&words).is_err(), "{text}");
        };
        ["--seed x", "--seed", "--without rain", "--skip 3", "--sead 1"]
            .into_iter()
            .for_each(refuse);
    }
}
