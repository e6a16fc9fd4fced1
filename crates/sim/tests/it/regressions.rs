//! Plans that once broke a promise. They stay.

use ackd_sim::{Plan, run};

#[test]
fn what_once_failed_holds() {
    for text in PLANS {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let plan = Plan::parse(&words).expect("a plan as it was printed");
        let run = run(&plan);
        assert!(run.violation.is_none(), "{plan}: {}", run.violation.unwrap());
    }
}

/// As the simulation has printed them.
const PLANS: &[&str] = &[
    "--seed 0 --steps 166",
    "--seed 2 --steps 532",
    // The end of a mailbox was forgotten where its last messages were in the archive only.
    "--seed 28 --steps 1000",
    // What could not be fetched from a failed archive freed its place in the window.
    "--seed 1239 --steps 953",
    "--seed 1929 --steps 351",
];
