//! One run of one plan, and what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::log::Log;
use crate::model::Figures;
use crate::plan::Plan;
use crate::violation::{Promise, Violation};
use crate::world::World;

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// What happened.
    pub log: Log,
    /// The same, counted.
    pub figures: Figures,
    /// The first promise that was broken.
    pub violation: Option<Violation>,
}

/// Runs a plan. A panic, in the product or in the simulation, is a violation too.
pub fn run(plan: &Plan) -> Run {
    let mut world = World::new(plan);
    let ended = catch_unwind(AssertUnwindSafe(|| world.run()));
    let panic = ended.err().map(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Violation { promise: Promise::Panic, what: text.unwrap_or("a panic").to_owned() }
    });
    let violation = panic.or_else(|| world.watch.model.violation().cloned());
    let figures = world.watch.model.figures;
    Run { log: world.watch.log, figures, violation }
}
