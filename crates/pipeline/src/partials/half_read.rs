//! Commits of fold that take several records, on their way.

use std::collections::BTreeMap;

use events::internal::Partials;

use super::input;

/// Commits of fold of which some records were read and the last one was not: those of several folds may lie mixed.
#[derive(Debug, Default)]
pub struct HalfRead {
    /// By topic and partition of the first input that the commit stands for.
    commits: BTreeMap<(String, i32), Begun>,
}

#[derive(Debug)]
struct Begun {
    /// The first input that the commit stands for.
    from: i64,
    /// Where the first of its records that was read lies.
    offset: i64,
    /// Records that were read.
    read: u32,
}

impl HalfRead {
    /// To be told of each record that is read, with its offset. False if it ends a commit of which not all records were. At
    /// least once the rest of a commit may never come: the next one over its input stands in its place.
    pub fn read(&mut self, message: &Partials, offset: i64) -> bool {
        if message.parts <= 1 && self.commits.is_empty() {
            return true;
        }
        let Some(first) = input(message).first() else {
            return true;
        };
        let key = (first.topic.clone(), first.partition);
        if message.part + 1 >= message.parts {
            let begun = self.commits.get(&key);
            let begun = begun.filter(|begun| begun.from == first.from);
            let before = begun.map_or(0, |begun| begun.read);
            let is_whole = message.part == 0 || before == message.part;
            for input in input(message) {
                self.commits.remove(&(input.topic.clone(), input.partition));
            }
            return is_whole;
        }
        let begun = self.commits.get_mut(&key);
        match begun.filter(|begun| begun.from == first.from && message.part > 0) {
            Some(begun) => begun.read += 1,
            // Reading may begin within a commit.
            None => {
                let begun = Begun {
                    from: first.from,
                    offset,
                    read: 1,
                };
                self.commits.insert(key, begun);
            }
        }
        true
    }

    /// True where all commits are here whole, or not at all.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// The first record of the oldest of them.
    pub fn oldest(&self) -> Option<i64> {
        self.commits.values().map(|begun| begun.offset).min()
    }
}

#[cfg(test)]
mod tests {
    use events::internal::Covered;

    use super::*;

    fn record(partition: i32, from: i64, part: u32, parts: u32) -> Partials {
        let input = vec![Covered {
            topic: "container".to_owned(),
            partition,
            from,
            to: from + 10,
            ..Covered::default()
        }];
        let is_last = part + 1 == parts;
        Partials {
            part,
            parts,
            covered: if is_last { input.clone() } else { Vec::new() },
            input: if is_last { Vec::new() } else { input },
            ..Partials::default()
        }
    }

    #[test]
    fn mixed_commits_are_whole_each_with_its_last_record() {
        let mut half_read = HalfRead::default();
        assert!(half_read.read(&record(0, 0, 0, 1), 1));
        assert!(half_read.is_empty());
        for (offset, partition, part) in [(2, 0, 0), (3, 1, 0), (4, 0, 1), (5, 1, 1)] {
            assert!(half_read.read(&record(partition, 10, part, 3), offset));
            assert_eq!(half_read.oldest(), Some(2));
        }
        assert!(half_read.read(&record(0, 10, 2, 3), 6));
        assert_eq!(half_read.oldest(), Some(3));
        assert!(half_read.read(&record(1, 10, 2, 3), 7));
        assert!(half_read.is_empty());
    }

    #[test]
    fn a_commit_whose_beginning_was_not_read_is_not_whole() {
        let mut half_read = HalfRead::default();
        assert!(half_read.read(&record(0, 0, 1, 3), 1));
        assert!(!half_read.is_empty());
        assert!(!half_read.read(&record(0, 0, 2, 3), 2));
        assert!(half_read.read(&record(0, 10, 0, 1), 3));
    }

    #[test]
    fn a_commit_of_which_the_rest_never_came_gives_way_to_the_next() {
        let mut half_read = HalfRead::default();
        assert!(half_read.read(&record(0, 0, 0, 3), 1));
        assert!(half_read.read(&record(0, 0, 0, 2), 2));
        assert_eq!(half_read.oldest(), Some(2));
        assert!(half_read.read(&record(0, 0, 1, 2), 3));
        assert!(half_read.read(&record(0, 10, 0, 3), 4));
        assert!(half_read.read(&record(0, 10, 0, 1), 5));
        assert!(half_read.is_empty());
        // The next one may begin with input of another partition.
        assert!(half_read.read(&record(1, 0, 0, 3), 6));
        let mut next = record(0, 20, 0, 1);
        next.covered.extend(record(1, 0, 0, 1).covered);
        assert!(half_read.read(&next, 7));
        assert!(half_read.is_empty());
    }
}
