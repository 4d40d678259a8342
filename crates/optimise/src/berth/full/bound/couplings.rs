//! Options that no option left of a coupled call agrees with: mates of a barge, locked orders.

use super::super::model::{Model, Relation};
use super::ascent::Bound;
use super::options::{Options, Start};
use std::rc::Rc;

/// Rounds in which what one call lost is told to the others.
const ROUNDS: usize = 4;

/// When a call may begin and be done, over the options left at one terminal.
#[derive(Debug, Clone, Copy)]
struct Span {
    terminal: usize,
    first_start_min: i64,
    last_start_min: i64,
    first_end_min: i64,
}

impl Bound {
    /// Drops options that fit none of those left to a coupled call which has a stay in every plan below the last value that
    /// options were fixed for.
    pub fn agree(&mut self, model: &Model<'_>) {
        let mut has_changed = false;
        for _ in 0..ROUNDS {
            let mut changes = false;
            for (call, compiled) in model.calls.iter().enumerate() {
                for (mate, relation) in &compiled.couplings {
                    if self.options[*mate as usize].price.is_none() {
                        let spans = self.spans(model, *mate as usize);
                        changes |= self.keep_agreeing(model, call, *relation, &spans);
                    }
                }
            }
            has_changed |= changes;
            if !changes {
                break;
            }
        }
        if has_changed {
            self.shorten();
        }
    }

    fn spans(&self, model: &Model<'_>, call: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let options = &self.options[call];
        for group in options.groups.iter() {
            let terminal = terminal(model, call, group.spot);
            let starts = &options.profiles[group.profile as usize].starts;
            for start in group.starts.iter().map(|start| &starts[*start as usize]) {
                let span = Span {
                    terminal,
                    first_start_min: start.start_min,
                    last_start_min: start.start_min,
                    first_end_min: start.end_min,
                };
                match spans.iter_mut().find(|span| span.terminal == terminal) {
                    None => spans.push(span),
                    Some(all) => {
                        all.first_start_min = all.first_start_min.min(span.first_start_min);
                        all.last_start_min = all.last_start_min.max(span.last_start_min);
                        all.first_end_min = all.first_end_min.min(span.first_end_min);
                    }
                }
            }
        }
        spans
    }

    /// True if an option was dropped.
    fn keep_agreeing(
        &mut self,
        model: &Model<'_>,
        call: usize,
        relation: Relation,
        spans: &[Span],
    ) -> bool {
        let options = &mut self.options[call];
        let agrees = |options: &Options, group: usize, start: u32| {
            let group = &options.groups[group];
            let here = terminal(model, call, group.spot);
            let start = &options.profiles[group.profile as usize].starts[start as usize];
            spans
                .iter()
                .any(|span| fits(model, relation, (here, start), span))
        };
        let all_agree = (0..options.groups.len()).all(|group| {
            let starts = options.groups[group].starts.iter();
            starts.copied().all(|start| agrees(options, group, start))
        });
        if all_agree {
            return false;
        }
        let kept: Vec<Vec<u32>> = (0..options.groups.len())
            .map(|group| {
                let starts = options.groups[group].starts.iter().copied();
                starts
                    .filter(|start| agrees(options, group, *start))
                    .collect()
            })
            .collect();
        let profiles = &options.profiles;
        let groups = Rc::make_mut(&mut options.groups);
        for (group, starts) in groups.iter_mut().zip(kept) {
            let all = &profiles[group.profile as usize].starts;
            let costs = starts.iter().map(|start| all[*start as usize].cost);
            group.floor = costs.min().map_or(i64::MAX, |cost| cost + group.place_cost);
            group.starts = starts;
        }
        groups.retain(|group| !group.starts.is_empty());
        groups.sort_by_key(|group| (group.floor, group.row_from, group.profile));
        true
    }
}

fn terminal(model: &Model<'_>, call: usize, spot: u32) -> usize {
    let berth = model.calls[call].spots[spot as usize].berth;
    model.problem.berths[berth as usize].terminal
}

/// True if some stay in `span` may stand beside a stay of the call at terminal `here`.
fn fits(model: &Model<'_>, relation: Relation, (here, stay): (usize, &Start), span: &Span) -> bool {
    let there_min = model.problem.travel_between_min(here, span.terminal);
    let back_min = model.problem.travel_between_min(span.terminal, here);
    let is_first = span.last_start_min >= stay.end_min + there_min;
    let is_second = span.first_end_min + back_min <= stay.start_min;
    match relation {
        Relation::Apart => is_first || is_second,
        Relation::Before => is_first,
        Relation::After => is_second,
        Relation::StartsBefore => span.last_start_min >= stay.start_min,
        Relation::StartsAfter => span.first_start_min <= stay.start_min,
    }
}
