//! What can be asked to go wrong.

use super::{Member, MemoryLog};

/// The step of a commit at which it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Before the first record.
    BeforeProduce,
    /// After half of the records.
    MidProduce,
    /// After the records, before the positions.
    AfterProduce,
    /// After the positions, before the end of the transaction is asked for.
    AfterPositions,
    /// The end was asked for and the answer is lost; the broker had decided so.
    Ambiguous {
        /// Whether it was committed.
        is_committed: bool,
    },
    /// It was committed, and the engine does not go on with that.
    AfterCommit,
}

/// What becomes of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survival {
    /// It lives: the commit is aborted, or what happened is read back.
    Lives,
    /// It dies on the spot: the commit returns [`CRASH`] and the worker has to be dropped.
    Dies,
}

/// The message of the error that stands for the death of the process.
pub const CRASH: &str = "the process died here";

/// One commit that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitFault {
    /// Where.
    pub step: Step,
    /// Whether the process lives on.
    pub survival: Survival,
}

/// What goes wrong at one member.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// One commit goes wrong, after so many that go well.
    pub(super) commit: Option<(CommitFault, usize)>,
    /// Records that were fetched already come again.
    pub(super) again: usize,
    /// Fetches that bring nothing.
    pub(super) silent: usize,
    /// Fetches that bring records without the group's word.
    pub(super) blind: usize,
    /// The next partitions come so many fetches later than they are given, and by then the member is out of the group.
    pub(super) stale: usize,
    /// Fetches and commits that cannot reach the log.
    pub(super) unreachable: usize,
}

impl Pending {
    /// What goes wrong with a commit that is made now.
    pub(super) fn strike(&mut self) -> Option<CommitFault> {
        match &mut self.commit {
            Some((_, before @ 1..)) => {
                *before -= 1;
                None
            }
            _ => self.commit.take().map(|(fault, _)| fault),
        }
    }
}

impl MemoryLog {
    /// A commit of a member goes wrong, after `before` that go well: of those that a step is split into, one in the midst.
    pub fn fail_commit(&self, member: Member, fault: CommitFault, before: usize) {
        self.lock().pending(member).commit = Some((fault, before));
    }

    /// True while the commit has not come that [`Self::fail_commit`] wants to go wrong.
    pub fn awaits_failure(&self, member: Member) -> bool {
        self.lock().pending(member).commit.is_some()
    }

    /// Makes the next `count` commits fail as aborted, whosesoever they are; the others are waited for.
    pub fn abort_next(&self, count: usize) {
        self.lock().aborts_due = count;
    }

    /// The next fetch of a member brings so many records again that it has seen.
    pub fn fetch_again(&self, member: Member, records: usize) {
        self.lock().pending(member).again = records;
    }

    /// The next fetches of a member bring nothing.
    pub fn delay_fetches(&self, member: Member, fetches: usize) {
        self.lock().pending(member).silent = fetches;
    }

    /// The next fetches of a member bring what its client had in its queues, and no word of the group: so a process goes
    /// on that was stopped for long.
    pub fn blind(&self, member: Member, fetches: usize) {
        self.lock().pending(member).blind = fetches;
    }

    /// Between hearing of the next partitions with their offsets, and taking them up, a member sleeps for so many fetches, and
    /// the group gives it up: so a process goes on that was stopped while it read state.
    pub fn sleep_at_start(&self, member: Member, fetches: usize) {
        self.lock().pending(member).stale = fetches;
    }

    /// The next fetches and commits of a member do not reach the log; it is told so.
    pub fn cut_off(&self, member: Member, calls: usize) {
        self.lock().pending(member).unreachable = calls;
    }

    /// In each partition of a topic a record is lost: of those with a value and of these keys the one that lies `back` before
    /// the last one.
    pub fn lose(&self, topic: &str, is_meant: &dyn Fn(&[u8]) -> bool, back: usize) {
        let mut shelf = self.lock();
        for partition in shelf.partitions(&topic.into()) {
            shelf.lose(&partition, is_meant, back);
        }
    }

    /// The coordinator gives a member up, as after `session.timeout.ms`: its partitions go to the others. If it lives it
    /// learns so at its next fetch.
    pub fn expel(&self, member: Member) {
        self.lock().leave(member);
    }

    /// Owners of partitions change.
    pub fn rebalance(&self, group: &str) {
        self.lock().rebalance(group);
    }

    /// Ends of transactions are decided, but not yet written into the partitions, until [`Self::settle`].
    pub fn hold_markers(&self) {
        self.lock().holds_markers = true;
    }

    /// Writes the ends of decided transactions, and aborts those of producers that are gone (`transaction.timeout.ms`).
    pub fn settle(&self) {
        self.lock().settle();
    }

    /// True while some transaction has no end.
    pub fn is_unsettled(&self) -> bool {
        self.lock().is_unsettled()
    }
}
