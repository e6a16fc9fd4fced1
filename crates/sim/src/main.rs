//! Runs plans from the command line: `cargo xtask sim` starts it. It knows how to print, nothing else.

use std::ops::Range;
use std::process::ExitCode;

use ackd_sim::{ArchiveCounts, Figures, Plan, run, shrink};
use anyhow::{Context as _, Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match start(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sim: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything held.
fn start(arguments: &[String]) -> Result<bool> {
    if arguments.iter().any(|argument| argument == "--seed") {
        let (whole, rest): (Vec<_>, Vec<_>) =
            arguments.iter().cloned().partition(|argument| argument == "--log");
        return Ok(replay(&Plan::parse(&rest)?, !whole.is_empty()));
    }
    let (mut seeds, mut first, mut steps, mut shrinks) = (1_000, 0, 1_000, SHRINK_RUNS);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!("{} needs a value", pair[0]) };
        let number = value.parse().with_context(|| format!("{name} {value} is no number"))?;
        match name.as_str() {
            "--seeds" => seeds = number,
            "--start" => first = number,
            "--steps" => steps = number,
            "--shrink" => shrinks = number,
            _ => bail!("{name} is none of --seeds --start --steps --shrink (runs), nor --seed"),
        }
    }
    Ok(search(first..first + seeds, steps, shrinks))
}

/// Runs one plan, and prints how it went.
fn replay(plan: &Plan, whole: bool) -> bool {
    let run = run(plan);
    if whole {
        print!("{}", run.log.text());
    }
    match &run.violation {
        None => println!("{plan}: everything held. {}", summary(&run.figures)),
        Some(violation) => {
            if !whole {
                print!("{}", run.log.tail(TAIL_LINES));
            }
            println!("{plan}: {violation}");
        }
    }
    run.violation.is_none()
}

/// Runs seed after seed until one fails.
fn search(seeds: Range<u64>, steps: u64, shrinks: u64) -> bool {
    let mut sum = Figures::default();
    for seed in seeds.clone() {
        let plan = Plan::new(seed, steps);
        let run = run(&plan);
        let Some(violation) = run.violation else {
            sum = sum.plus(&run.figures);
            continue;
        };
        println!("seed {seed} fails: {violation}\n\nmaking it smaller …");
        let smaller = shrink(&plan, violation.promise, shrinks);
        replay(&smaller, false);
        println!(
            "\nto run it again:\n    cargo xtask sim {smaller}\nand as it was found:\n    cargo xtask sim {plan}"
        );
        return false;
    }
    let Range { start, end } = seeds;
    println!("seeds {start}..{end} of {steps} steps: everything held. {}", summary(&sum));
    true
}

fn summary(figures: &Figures) -> String {
    let Figures { accepted, repeats, refused, passing, delivered, redelivered, .. } = figures;
    let Figures { connects, crashes, restarts, poisoned, lost, archive, .. } = figures;
    let Figures { binary, live, missed, presence, .. } = figures;
    let ArchiveCounts { moved, read, reclaimed, checkpoints, full, failed } = archive;
    format!(
        "{accepted} accepted, {repeats} repeats known, {refused} refused, {passing} put off, {delivered} delivered ({redelivered} again), {connects} connects, {crashes} crashes, {restarts} restarts, {poisoned} times unwritable, {lost} ranges lost to devices that lag; {binary} connects with MessagePack, {live} delivered from memory, {missed} missed in rooms, {presence} changes of presence told; archive: {moved} moved there, {read} read there, {reclaimed} taken out, {checkpoints} checkpoints, {full} times full, {failed} times failed"
    )
}

/// Lines of a failing run's log that are printed.
const TAIL_LINES: usize = 60;
/// Runs that making a plan smaller may take.
const SHRINK_RUNS: u64 = 600;
