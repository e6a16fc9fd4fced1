//! The simulation itself: it is deterministic, it holds for the seeds that once failed and for a share of others, and
//! what it calls a failure can be run again.

mod regressions;

use ackd_sim::{Faults, Plan, run};

#[test]
fn the_same_plan_gives_the_same_history_byte_for_byte() {
    for seed in 0..4 {
        let plan = Plan::new(seed, 300);
        let (first, second) = (run(&plan), run(&plan));
        assert_eq!(first.log.text(), second.log.text(), "seed {seed}");
        assert_eq!(first.figures, second.figures);
    }
}

#[test]
fn another_seed_gives_another_history() {
    let text = |seed| run(&Plan::new(seed, 100)).log.text().to_owned();
    assert_ne!(text(1), text(2));
}

#[test]
fn a_share_of_all_seeds_holds() {
    for seed in 0..60 {
        let plan = Plan::new(seed, 400);
        let run = run(&plan);
        assert!(
            run.violation.is_none(),
            "{plan}: {}\n{}",
            run.violation.unwrap(),
            run.log.tail(40)
        );
    }
}

#[test]
fn without_faults_nothing_is_delivered_twice_and_nothing_ends() {
    let plan = Plan { faults: Faults::none(), ..Plan::new(5, 600) };
    let run = run(&plan);
    assert!(run.violation.is_none(), "{}", run.violation.unwrap());
    let figures = run.figures;
    assert_eq!((figures.crashes, figures.restarts, figures.poisoned), (0, 0, 0));
    assert!(100 < figures.accepted && figures.accepted <= figures.delivered, "{figures:?}");
}

#[test]
fn every_fault_happens_in_some_run() {
    let figures = (0..30).fold(ackd_sim::Figures::default(), |sum, seed| {
        sum.plus(&run(&Plan::new(seed, 400)).figures)
    });
    assert!(0 < figures.crashes && 0 < figures.restarts && 0 < figures.poisoned, "{figures:?}");
    assert!(0 < figures.repeats && 0 < figures.redelivered && 0 < figures.passing, "{figures:?}");
    assert!(0 < figures.binary && 0 < figures.live && 0 < figures.missed, "{figures:?}");
    assert!(0 < figures.presence, "{figures:?}");
    let archive = figures.archive;
    assert!(
        1_000 < archive.moved && 1_000 < archive.read && 1_000 < archive.reclaimed,
        "{archive:?}"
    );
    assert!(10 < archive.checkpoints && 0 < archive.full && 0 < archive.failed, "{archive:?}");
}
