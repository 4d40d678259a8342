//! Customs and the cut-offs by kind.

use super::{on, to_milan};
use crate::rail::{Customs, CutOff, CutOffKind, Milestone, Rule, Unit};

/// What a train of 11,500 with a cut-off at 11,000 says to a unit.
fn cut(kind: CutOffKind, change: impl FnOnce(&mut Unit)) -> Vec<Rule> {
    to_milan(|unit, slot| {
        slot.cut_offs = vec![CutOff {
            kind,
            at_min: 11_000,
        }];
        // Known long ago, but for what the test changes.
        unit.vgm = Milestone::At(9_000);
        unit.documents = Milestone::At(9_000);
        unit.declaration = Milestone::At(9_000);
        change(unit);
    })
}

/// A kind, who is concerned, and how a moment becomes that of the milestone.
type Kind = (CutOffKind, fn(&mut Unit), fn(&mut Unit, i64));

const KINDS: [Kind; 7] = [
    (
        CutOffKind::Documentation,
        |_| {},
        |unit, at| {
            unit.documents = Milestone::At(at);
        },
    ),
    (
        CutOffKind::VerifiedGrossMass,
        |_| {},
        |unit, at| {
            unit.vgm = Milestone::At(at);
        },
    ),
    (
        CutOffKind::FullDelivery,
        |_| {},
        |unit, at| {
            unit.ready_at_min = at;
        },
    ),
    (
        CutOffKind::Terminal,
        |_| {},
        |unit, at| {
            unit.ready_at_min = at;
        },
    ),
    (
        CutOffKind::Reefer,
        |unit| unit.cargo.is_reefer = true,
        |unit, at| unit.ready_at_min = at,
    ),
    (
        CutOffKind::DangerousGoods,
        |unit| unit.cargo.dangerous_class = Some("3".into()),
        |unit, at| unit.declaration = Milestone::At(at),
    ),
    (
        CutOffKind::OutOfGauge,
        |unit| unit.cargo.is_out_of_gauge = true,
        |unit, at| unit.ready_at_min = at,
    ),
];

#[test]
fn every_kind_asks_for_its_own_milestone() {
    for (kind, concern, set) in KINDS {
        let at = |at_min: i64| {
            cut(kind, |unit| {
                concern(unit);
                set(unit, at_min);
            })
        };
        assert_eq!(at(11_000), [], "{kind:?}");
        assert_eq!(at(11_001), [Rule::CutOff(kind)], "{kind:?}");
    }
}

#[test]
fn a_kind_does_not_concern_every_unit() {
    let empty = |unit: &mut Unit| {
        unit.cargo.is_empty = true;
        unit.vgm = Milestone::At(11_001);
    };
    assert_eq!(cut(CutOffKind::VerifiedGrossMass, empty), []);
    let late_and_empty = |unit: &mut Unit| {
        unit.cargo.is_empty = true;
        unit.ready_at_min = 11_001;
    };
    assert_eq!(cut(CutOffKind::FullDelivery, late_and_empty), []);
    let terminal = cut(CutOffKind::Terminal, late_and_empty);
    assert_eq!(terminal, [Rule::CutOff(CutOffKind::Terminal)]);
    let late = |unit: &mut Unit| unit.ready_at_min = 11_001;
    assert_eq!(cut(CutOffKind::Reefer, late), []);
    assert_eq!(cut(CutOffKind::OutOfGauge, late), []);
    let undeclared = |unit: &mut Unit| unit.declaration = Milestone::At(11_001);
    assert_eq!(cut(CutOffKind::DangerousGoods, undeclared), []);
    // The earliest delivery binds the gate, not the train.
    assert_eq!(cut(CutOffKind::EarliestDelivery, late), []);
}

#[test]
fn what_is_unknown_may_still_come_until_the_cut_off() {
    let unknown = |at_min: i64| {
        to_milan(|unit, slot| {
            slot.cut_offs = vec![CutOff {
                kind: CutOffKind::VerifiedGrossMass,
                at_min,
            }];
            unit.vgm = Milestone::Unknown;
        })
    };
    assert_eq!(unknown(10_000), []);
    let passed = [Rule::CutOff(CutOffKind::VerifiedGrossMass)];
    assert_eq!(unknown(9_999), passed);
}

#[test]
fn on_a_later_leg_the_train_before_brings_the_unit_but_not_its_papers() {
    let second = |kind: CutOffKind, at_min: i64| {
        on(&["A", "B"], |problem| {
            problem.trains[1].cut_offs = vec![CutOff { kind, at_min }];
            problem.units[0].documents = Milestone::At(12_001);
        })
    };
    // Train A arrives at 12,000.
    assert_eq!(second(CutOffKind::Terminal, 12_000), []);
    let terminal = [Rule::CutOff(CutOffKind::Terminal)];
    assert_eq!(second(CutOffKind::Terminal, 11_999), terminal);
    assert_eq!(second(CutOffKind::Documentation, 12_001), []);
    let papers = [Rule::CutOff(CutOffKind::Documentation)];
    assert_eq!(second(CutOffKind::Documentation, 12_000), papers);
}

#[test]
fn customs_releases_before_the_cut_off_or_the_departure() {
    let released = |customs: Customs, cut_off: Option<i64>| {
        to_milan(|unit, slot| {
            unit.customs = customs;
            slot.cut_offs.extend(cut_off.map(|at_min| CutOff {
                kind: CutOffKind::Customs,
                at_min,
            }));
        })
    };
    assert_eq!(released(Customs::Released, Some(0)), []);
    assert_eq!(released(Customs::Expected(11_500), None), []);
    assert_eq!(released(Customs::Expected(11_501), None), [Rule::Customs]);
    assert_eq!(released(Customs::Expected(11_000), Some(11_000)), []);
    let late = released(Customs::Expected(11_001), Some(11_000));
    assert_eq!(late, [Rule::Customs]);
    assert_eq!(released(Customs::Held, None), [Rule::Customs]);
}
