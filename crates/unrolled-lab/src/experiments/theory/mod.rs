//! `theory`: what is proven of codes and gradients of the unrolled encoder, measured at the user's sizes.

mod config;
mod ledger;
mod measure;
mod plan;
mod problem;
mod report;
mod results;
mod verdicts;

use std::sync::Arc;

use crate::check::Estimate;
use crate::config::{Kind, Reader};
use crate::devices::guarded;
use crate::experiment::{Experiment, Plan as Planned, Session};
use crate::report::page::Section;
use crate::report::{Figures, Subject};
use crate::{Configuration, Error, RunDirectory};
use ledger::Ledger;
use plan::Plan;

/// The experiment.
#[derive(Debug)]
pub struct Theory;

impl Kind for Theory {
    fn name(&self) -> &'static str {
        "theory"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn crate::config::Sections> {
        Arc::new(config::Sections::read(reader))
    }
}

impl Experiment for Theory {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Planned + 'a>, Error> {
        let plan = |run| Plan::new(run).map_err(|error| run.locate(error));
        let plans = configuration.runs.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(Plans { configuration, plans }))
    }

    fn report(&self, subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
        report::sections(subject, figures)
    }

    fn template(&self) -> &'static str {
        include_str!("template.toml")
    }
}

/// The runs of a configuration.
struct Plans<'a> {
    configuration: &'a Configuration,
    plans: Vec<Plan<'a>>,
}

impl Planned for Plans<'_> {
    fn estimate(&self, threads: usize) -> Result<Estimate, Error> {
        let mut estimate = Estimate::default();
        for plan in &self.plans {
            guarded(&plan.run.config.device, || plan.estimate(threads, &mut estimate))
                .map_err(|error| plan.run.locate(error))?;
        }
        estimate.affordable()
    }

    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error> {
        let total = self.plans.iter().map(Plan::measurements).sum::<usize>();
        let mut ledgers = Vec::new();
        for plan in &self.plans {
            let (name, identity) = (&plan.run.name, plan.identity.clone());
            ledgers.push(Ledger::open(directory, name, identity, session.observer));
        }
        let done = ledgers.iter().map(Ledger::len).sum::<usize>();
        session.observer.begin(total as u64, done as u64, "measurements");
        let mut measured = Vec::new();
        let mut work = || -> Result<(), Error> {
            for (plan, ledger) in self.plans.iter().zip(&mut ledgers) {
                let device = &plan.run.config.device;
                let found = guarded(device, || plan.measure(ledger, session));
                measured.push(found.map_err(|error| plan.run.locate(error))?);
            }
            Ok(())
        };
        let outcome = work();
        session.observer.end();
        outcome?;
        let seconds: f64 = ledgers.iter().map(Ledger::seconds).sum();
        let took = (session.threads, seconds);
        results::write(self.configuration, &self.plans, &measured, directory, took)?;
        ledgers.into_iter().for_each(Ledger::remove);
        Ok(())
    }
}
