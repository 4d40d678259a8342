//! Where in a JSON instance an object stands of which the problem says that it makes no sense.

/// The line, from 1, of the field that a fault's message begins with, in the object that the fault names ("call MSC-1",
/// "weights"); of the object if the field is not there.
pub fn line_of(content: &str, object: &str, message: &str) -> Option<usize> {
    let (kind, id) = object.split_once(' ').unwrap_or((object, ""));
    let list = match kind {
        "call" => "calls",
        "berth" => "berths",
        "crane" => "cranes",
        "rotation" => "rotations",
        other => other,
    };
    let (section, _) = key(content, list, 0)?;
    let (from, to) = match kind {
        "call" | "berth" | "crane" => named(content, section, id).unwrap_or((section, section)),
        _ => (section, content.len()),
    };
    let field = message.split([' ', ':', '[']).next().unwrap_or_default();
    let at = key(content, field, from).map(|(at, _)| at);
    let at = at.filter(|at| *at < to).unwrap_or(from);
    Some(1 + content.get(..at)?.matches('\n').count())
}

/// The object behind `from` with this id: from its id to the next one.
fn named(content: &str, from: usize, id: &str) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let (at, value) = key(content, "id", from)?;
        let rest = content.get(value..)?.trim_start();
        if rest
            .strip_prefix('"')
            .and_then(|rest| rest.strip_prefix(id))
            .is_some_and(|rest| rest.starts_with('"'))
        {
            let next = key(content, "id", value).map_or(content.len(), |(next, _)| next);
            return Some((at, next));
        }
        from = value;
    }
}

/// The next key of this name behind `from`: where it begins, and where its value does.
fn key(content: &str, name: &str, from: usize) -> Option<(usize, usize)> {
    let quoted = format!("\"{name}\"");
    let mut from = from;
    loop {
        let at = from + content.get(from..)?.find(&quoted)?;
        let after = at + quoted.len();
        let rest = content.get(after..)?;
        if let Some(value) = rest.trim_start().strip_prefix(':') {
            return Some((at, content.len() - value.len()));
        }
        from = after;
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;

    const FILE: &str = r#"{
  "berths": [{ "id": "A", "to_m": 90 }],
  "calls": [
    { "id": "A", "length_m": 10 },
    {
      "id": "B",
      "preferred": { "berth": "A" },
      "length_m": -5
    }
  ],
  "weights": {
    "late_per_min": -1
  }
}"#;

    #[test]
    fn faults_are_found_in_the_object_that_they_name() {
        let line = |object: &str, message: &str| line_of(FILE, object, message);
        assert_eq!(line("call B", "length_m is -5, give 1 or more"), Some(8));
        assert_eq!(line("call A", "length_m is 10"), Some(4));
        assert_eq!(line("call B", "the id is used twice"), Some(6));
        assert_eq!(line("berth A", "depth_cm is 0"), Some(2));
        assert_eq!(line("weights", "late_per_min is -1"), Some(12));
        assert_eq!(line("water", "levels are not ascending"), None);
    }
}
