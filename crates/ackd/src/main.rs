//! The `ackd` program: a server, and the commands that talk to one. Reads flags and the environment, prints, and decides
//! the exit status; everything else is the libraries'.

mod backup;
mod bench;
mod completions;
mod config;
mod connection;
mod failure;
mod health;
mod listen;
mod logging;
mod open_files;
mod reload;
mod repair;
mod restore;
mod send;
mod serve;
mod supervisor;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Message server for WebSocket clients that does not lose messages. Without a command it runs the server.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: config::ConfigArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server.
    Serve(config::ConfigArgs),
    /// Sends a message, or one a line of standard input; prints the ID of each that the server keeps.
    Send(send::SendArgs),
    /// Prints the messages to an identity, and acknowledges each once it is printed.
    Listen(listen::ListenArgs),
    /// Loads a server, and checks it while it measures.
    Bench(bench::BenchArgs),
    /// Copies the store of a server, while it runs (--url) or not (--data-dir), to a directory.
    Backup(backup::BackupArgs),
    /// Makes a new data directory of a backup.
    Restore(restore::RestoreArgs),
    /// Mends a store whose journal is damaged: copies what is whole, and says what is not.
    Repair(repair::RepairArgs),
    /// Asks a server whether it takes clients; exit status 0 if it does.
    Health(health::HealthArgs),
    /// Checks or prints the configuration.
    Config(config::ConfigCommand),
    /// Prints a shell's completions: `ackd completions bash >> ~/.bash_completion`
    Completions(completions::CompletionsArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(&args),
        Command::Send(args) => send::run(args),
        Command::Listen(args) => listen::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Repair(args) => repair::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Config(command) => config::run(&command),
        Command::Completions(args) => completions::run::<Cli>(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ackd: {error:#}");
            failure::status(&error)
        }
    }
}
