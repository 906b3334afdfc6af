//! `quittance apex`: what the package's Apex does on the sandbox's runtime, and how far that runtime can be trusted.

mod limits;
mod opinion;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::sandbox::org::EventSink;
use crate::sandbox::org::host::Record;

/// Tests run on a thread with this much stack: a call of Apex is several calls of the evaluator.
const STACK: usize = 64 << 20;

#[derive(Parser)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the package's Apex tests here. Evidence that the code does what it says, not a Salesforce test result.
    Test(test::Args),
    /// Hold the runtime itself against what Salesforce documents: small programs, each with its result and its source.
    Opinion(opinion::Args),
    /// What transactions of 200 records spend of the governor limits, as the page for architects has it.
    Limits(limits::Args),
}

/// Nobody listens to these orgs' events.
struct Nowhere;

impl EventSink for Nowhere {
    fn publish(&self, _event: Record) {}
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let work = std::thread::Builder::new().name("apex".to_owned()).stack_size(STACK);
    let work = work.spawn(move || match args.command {
        Command::Test(args) => test::run(&args),
        Command::Opinion(args) => opinion::run(&args),
        Command::Limits(args) => limits::run(&args),
    });
    work?.join().map_err(|_| anyhow::anyhow!("the Apex runtime ended with a panic; see above"))?
}
