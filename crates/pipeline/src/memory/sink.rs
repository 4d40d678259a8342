//! A writer to a log in memory: one transaction a commit.

use super::faults::{CRASH, CommitFault, Step, Survival};
use super::shelf::{Shelf, Transaction};
use super::{Member, MemoryLog};
use crate::log::{Commit, LogError, Sink};
use crate::planted::{Bug, has};

/// A writer to a [`MemoryLog`].
#[derive(Debug)]
pub struct MemorySink {
    log: MemoryLog,
    group: String,
    member: Member,
    producer: String,
    epoch: u64,
}

impl MemorySink {
    pub(super) fn new(
        log: MemoryLog,
        group: &str,
        member: Member,
        producer: String,
        epoch: u64,
    ) -> Self {
        MemorySink {
            log,
            group: group.to_owned(),
            member,
            producer,
            epoch,
        }
    }

    /// Why the group does not take these positions from this member.
    fn refusal(&self, shelf: &Shelf, commit: &Commit) -> Option<String> {
        if has(Bug::ZombieUnfenced) {
            return None;
        }
        let group = shelf.groups.get(&self.group);
        if !group.is_some_and(|group| group.is_member(self.member)) {
            return Some("the group has given this member up".to_owned());
        }
        let foreign = commit.positions.iter().find(|(partition, _)| {
            !group.is_some_and(|group| group.is_owner(self.member, partition))
        });
        foreign.map(|(partition, _)| format!("{partition} belongs to another member"))
    }
}

/// What a fault makes of a transaction that was not asked to end.
fn broken(
    shelf: &mut Shelf,
    transaction: Option<Transaction>,
    fault: CommitFault,
) -> Result<(), LogError> {
    match (fault.survival, transaction) {
        (Survival::Dies, _) => Err(LogError::Fatal(CRASH.to_owned())),
        (Survival::Lives, transaction) => {
            if let Some(transaction) = transaction {
                shelf.decide(transaction, false);
            }
            let step = fault.step;
            Err(LogError::Aborted(format!("asked for, {step:?}")))
        }
    }
}

impl Sink for MemorySink {
    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        let mut shelf = self.log.lock();
        if shelf.pending(self.member).unreachable > 0 {
            return Err(LogError::Aborted("the log cannot be reached".to_owned()));
        }
        let mut fault = shelf.pending(self.member).strike();
        if fault.is_none() && shelf.aborts_due > 0 {
            shelf.aborts_due -= 1;
            fault = Some(CommitFault {
                step: Step::AfterProduce,
                survival: Survival::Lives,
            });
        }
        let at = |step: Step| fault.filter(|fault| fault.step == step);
        if let Some(fault) = at(Step::BeforeProduce) {
            return broken(&mut shelf, None, fault);
        }
        if !shelf.is_current(&self.producer, self.epoch) {
            let producer = &self.producer;
            return Err(LogError::Fenced(format!("transactional id {producer}")));
        }
        let transaction = shelf.begin(&self.producer, self.epoch, self.member, &self.group);
        let refusal = self.refusal(&shelf, &commit);
        let half = commit.records.len() / 2;
        for (place, record) in commit.records.into_iter().enumerate() {
            if let Some(fault) = at(Step::MidProduce).filter(|_| place == half) {
                return broken(&mut shelf, Some(transaction), fault);
            }
            shelf.append(record, Some(transaction))?;
        }
        if let Some(fault) = at(Step::AfterProduce).or(at(Step::MidProduce)) {
            return broken(&mut shelf, Some(transaction), fault);
        }
        if let Some(reason) = refusal {
            shelf.decide(transaction, false);
            return Err(LogError::Aborted(reason));
        }
        shelf.set_positions(transaction, commit.positions);
        if let Some(fault) = at(Step::AfterPositions) {
            return broken(&mut shelf, Some(transaction), fault);
        }
        let is_committed = !matches!(
            fault,
            Some(CommitFault {
                step: Step::Ambiguous {
                    is_committed: false
                },
                ..
            })
        );
        shelf.decide(transaction, is_committed);
        match fault {
            Some(fault) if fault.survival == Survival::Dies => {
                Err(LogError::Fatal(CRASH.to_owned()))
            }
            Some(_) if !is_committed => Err(LogError::Aborted("the answer was lost".to_owned())),
            _ => Ok(()),
        }
    }

    fn is_atomic(&self) -> bool {
        true
    }
}
