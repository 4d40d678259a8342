//! Ids as bytes: 16 each, or 15 where there are many, since they can stand in the order of their first byte.

use events::internal::{EventCopies, IdRun};

use crate::intake::ids::EventHash;

/// From so many ids on the counts of first bytes pay.
const GROUPED_FROM: usize = 512;
const ID_BYTES: usize = 16;
const COUNTS_BYTES: usize = 512;

/// Ids of the source of an index and of one minute. At most 65,535 may begin with the same byte; that many ids are never in
/// one record.
pub fn run(source: u32, minute: i64, ids: &[EventHash]) -> IdRun {
    let mut run = IdRun {
        source,
        minute,
        ..IdRun::default()
    };
    match ids.len() >= GROUPED_FROM && ids.len() <= usize::from(u16::MAX) {
        true => run.ids_by_first_byte = grouped(ids),
        false => run.ids = ids.iter().flat_map(|id| id.0.to_be_bytes()).collect(),
    }
    run
}

fn first_byte(id: &EventHash) -> usize {
    (id.0 >> 120) as usize
}

fn grouped(ids: &[EventHash]) -> Vec<u8> {
    let mut counts = [0_u16; 256];
    for id in ids {
        counts[first_byte(id)] += 1;
    }
    let mut next = [0_usize; 256];
    let mut at = COUNTS_BYTES;
    for (next, count) in next.iter_mut().zip(counts) {
        *next = at;
        at += usize::from(count) * (ID_BYTES - 1);
    }
    let mut bytes = vec![0; at];
    for (place, count) in counts.iter().enumerate() {
        bytes[2 * place..2 * place + 2].copy_from_slice(&count.to_be_bytes());
    }
    for id in ids {
        let at = &mut next[first_byte(id)];
        bytes[*at..*at + ID_BYTES - 1].copy_from_slice(&id.0.to_be_bytes()[1..]);
        *at += ID_BYTES - 1;
    }
    bytes
}

/// How many ids a run has.
pub fn count(run: &IdRun) -> usize {
    match run.ids_by_first_byte.len() {
        0 => run.ids.len() / ID_BYTES,
        bytes => bytes.saturating_sub(COUNTS_BYTES) / (ID_BYTES - 1),
    }
}

/// Visits the ids of a run; an error if it is cut off.
pub fn visit(run: &IdRun, mut take: impl FnMut(EventHash)) -> Result<(), String> {
    let (ids, rest) = run.ids.as_chunks::<ID_BYTES>();
    ids.iter()
        .for_each(|id| take(EventHash(u128::from_be_bytes(*id))));
    let grouped = run.ids_by_first_byte.as_slice();
    if rest.is_empty() && grouped.is_empty() {
        return Ok(());
    }
    let cut = || format!("ids of minute {} are cut off", run.minute);
    if !rest.is_empty() || grouped.len() < COUNTS_BYTES {
        return Err(cut());
    }
    let (counts, ids) = grouped.split_at(COUNTS_BYTES);
    let (counts, _) = counts.as_chunks::<2>();
    let (ids, rest) = ids.as_chunks::<{ ID_BYTES - 1 }>();
    let all: usize = counts
        .iter()
        .map(|count| usize::from(u16::from_be_bytes(*count)))
        .sum();
    if all != ids.len() || !rest.is_empty() {
        return Err(cut());
    }
    let mut ids = ids.iter();
    for (first, count) in counts.iter().enumerate() {
        let of_byte = ids.by_ref().take(usize::from(u16::from_be_bytes(*count)));
        for id in of_byte {
            let mut whole = [0; ID_BYTES];
            whole[0] = first as u8;
            whole[1..].copy_from_slice(id);
            take(EventHash(u128::from_be_bytes(whole)));
        }
    }
    Ok(())
}

/// The rows of columns: id, index of the source, minute, records seen.
pub fn rows(
    columns: &EventCopies,
) -> Result<impl Iterator<Item = (EventHash, u32, i64, u32)> + '_, String> {
    let count = columns.id_high.len();
    let others = [
        columns.id_low.len(),
        columns.source.len(),
        columns.minute.len(),
        columns.copies.len(),
    ];
    if others.iter().any(|other| *other != count) {
        return Err("the columns of copies are not of one length".to_owned());
    }
    Ok((0..count).map(|row| {
        let high = u128::from(columns.id_high[row]) << 64;
        let id = EventHash(high | u128::from(columns.id_low[row]));
        let (source, minute) = (columns.source[row], columns.minute[row]);
        (id, source, minute, columns.copies[row])
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<EventHash> {
        let ids = (0..count as i64).map(|at| EventHash::new("tos", &at.to_string(), at));
        ids.collect()
    }

    #[test]
    fn ids_come_back_and_take_15_bytes_where_there_are_many() {
        for amount in [0, 1, 511, 512, 513, 32_768, 65_536] {
            let written = ids(amount);
            let run = run(2, 7, &written);
            assert_eq!(count(&run), amount);
            let mut read = Vec::new();
            visit(&run, |id| read.push(id)).expect("whole");
            let mut expected = written;
            if !run.ids_by_first_byte.is_empty() {
                expected.sort_by_key(first_byte);
            }
            assert_eq!(read, expected);
        }
        let bytes = run(2, 7, &ids(32_768)).ids_by_first_byte.len();
        assert_eq!(bytes, 512 + 15 * 32_768);
    }

    #[test]
    fn what_is_cut_off_is_noticed() {
        for amount in [3, 600] {
            for cut in [1, 14] {
                let mut run = run(2, 7, &ids(amount));
                let bytes = match amount {
                    3 => &mut run.ids,
                    _ => &mut run.ids_by_first_byte,
                };
                bytes.truncate(bytes.len() - cut);
                assert!(visit(&run, |_| ()).is_err());
            }
        }
        let mut run = run(2, 7, &ids(600));
        run.ids_by_first_byte.truncate(512 + 15 * 599);
        assert!(visit(&run, |_| ()).is_err(), "an id is missing");
    }
}
