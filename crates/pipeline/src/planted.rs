//! Bugs that can be planted, one at a time, to prove that the simulation of faults would find them. Only tests are built
//! with the feature `planted`; without it none of this is there.

/// A bug of the engine, as its authors might have made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A commit of fold says nothing of where to go on.
    OffsetsNotSent,
    /// Ids accepted in an aborted commit stay known, so that their events count as copies when they come again.
    DedupNotRolledBack,
    /// Ids are forgotten before a copy of them would be late.
    EvictionEarly,
    /// A new owner of a partition does not know how far its sources had come.
    FrontierLostOnTakeover,
    /// A tick of the planners is made twice.
    TickAppliedTwice,
    /// A snapshot says that it holds one record more than it does, or one less.
    SnapshotOneOff,
    /// A member that the group has given up may commit.
    ZombieUnfenced,
    /// A plan is committed without the position of the step that made it.
    PlanWithoutTick,
    /// Partials that are fetched again are merged again.
    PartialMergedTwice,
    /// What an aborted commit of merge would have written is written with the next one.
    AbortedRowsKept,
    /// A source is said to be idle before its partition was read to the end.
    IdleTooEarly,
    /// Rows that were made while state was restored leave again.
    FinalRowTwice,
    /// A retraction that comes again takes back the version that has come since.
    RetractionAppliedTwice,
    /// A part of a step is committed, and nothing says how far within its record it goes.
    SplitNotMarked,
    /// A delta of the intake state is deleted before slices stand for what it says.
    DeltaGivenUpEarly,
    /// A query that was added tells windows of which it has seen a part.
    WindowToldInPart,
    /// A backfill stops one record before the place of its hand-over.
    BackfillTooShort,
    /// Nobody writes down how far a backfill has told.
    BackfillToldTwice,
    /// Rows that wait for corrections are not handed over with the state of a backfill.
    WaitingLeftBehind,
    /// A query that was mended tells from now on, not from where it stopped.
    MendedFromNow,
    /// The revisions of a query that is taken up anew begin at 0 again.
    LifeNotCounted,
    /// Rows of a source that was idle are dropped in silence if their windows are final.
    LateUntold,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 22] = [
        Bug::WindowToldInPart,
        Bug::BackfillTooShort,
        Bug::BackfillToldTwice,
        Bug::WaitingLeftBehind,
        Bug::MendedFromNow,
        Bug::LifeNotCounted,
        Bug::LateUntold,
        Bug::OffsetsNotSent,
        Bug::DedupNotRolledBack,
        Bug::EvictionEarly,
        Bug::FrontierLostOnTakeover,
        Bug::TickAppliedTwice,
        Bug::SnapshotOneOff,
        Bug::ZombieUnfenced,
        Bug::PlanWithoutTick,
        Bug::PartialMergedTwice,
        Bug::AbortedRowsKept,
        Bug::IdleTooEarly,
        Bug::FinalRowTwice,
        Bug::RetractionAppliedTwice,
        Bug::SplitNotMarked,
        Bug::DeltaGivenUpEarly,
    ];
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug into what runs on this thread from now on, or takes it out.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Is this bug planted?
#[cfg(feature = "planted")]
pub(crate) fn has(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Never.
#[cfg(not(feature = "planted"))]
pub(crate) const fn has(_: Bug) -> bool {
    false
}
