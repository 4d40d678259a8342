//! The schema stays readable for whoever has written or read it before: fields and enum numbers are never changed.
//!
//! `proto/baseline.txt` holds a line for each field and each enum value. Whatever stands there must be so for ever.
//! What is new is added to it by `QUAYSTREAM_BASELINE=write cargo test -p quaystream-events --test events`, which
//! still refuses to change or drop a line.
use std::collections::BTreeMap;
use std::path::PathBuf;

use events::describe::fields;

const HEADER: &str = "# Every field and enum value ever released: never edit or remove a line. CONTRIBUTING says what may change.\n";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto/baseline.txt")
}

/// `message.number` to `name label type`, `enum.number` to the value's name.
fn now() -> BTreeMap<(String, i64), String> {
    let mut lines = BTreeMap::new();
    for message in events::pool()
        .all_messages()
        .filter(|message| is_public(message.full_name()))
    {
        for field in fields(&message) {
            let oneof = message
                .get_field(field.number)
                .and_then(|field| field.containing_oneof());
            let oneof = oneof
                .filter(|oneof| !oneof.is_synthetic())
                .map(|oneof| format!("oneof({})", oneof.name()));
            let label = oneof.unwrap_or_else(|| {
                if field.label.is_empty() {
                    "single".into()
                } else {
                    field.label.into()
                }
            });
            let text = format!("{} {label} {}", field.name, field.type_name);
            lines.insert(
                (message.full_name().to_owned(), i64::from(field.number)),
                text,
            );
        }
    }
    for descriptor in events::pool()
        .all_enums()
        .filter(|descriptor| is_public(descriptor.full_name()))
    {
        for value in descriptor.values() {
            lines.insert(
                (descriptor.full_name().to_owned(), i64::from(value.number())),
                value.name().to_owned(),
            );
        }
    }
    lines
}

/// The internal package may change: it carries its format's number.
fn is_public(full_name: &str) -> bool {
    full_name.starts_with("quaystream.v1.")
}

fn parse(text: &str) -> BTreeMap<(String, i64), String> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let parsed = lines.map(|line| {
        let (place, text) = line
            .split_once(" = ")
            .expect("a line is `message.number = field`");
        let (owner, number) = place.rsplit_once('.').expect("a place is `message.number`");
        (
            (
                owner.to_owned(),
                number.parse().expect("the number is a number"),
            ),
            text.to_owned(),
        )
    });
    parsed.collect()
}

/// What breaks readers or writers of the old schema.
fn faults(
    old: &BTreeMap<(String, i64), String>,
    new: &BTreeMap<(String, i64), String>,
) -> Vec<String> {
    let mut faults = Vec::new();
    for ((owner, number), was) in old {
        match new.get(&(owner.clone(), *number)) {
            Some(is) if is == was => {}
            Some(is) => faults.push(format!(
                "{owner}.{number} was `{was}` and is now `{is}`: restore it, use a new number"
            )),
            None => faults.push(format!(
                "{owner}.{number} was `{was}` and is gone: restore it, mark it deprecated"
            )),
        }
    }
    faults
}

#[test]
fn the_schema_is_backward_compatible() {
    let new = now();
    let committed = std::fs::read_to_string(path()).unwrap_or_default();
    let old = parse(&committed);
    let faults = faults(&old, &new);
    assert!(
        faults.is_empty(),
        "the schema is not backward compatible:\n  {}",
        faults.join("\n  ")
    );
    let write = std::env::var("QUAYSTREAM_BASELINE").is_ok_and(|value| value == "write");
    let lines: String = new
        .iter()
        .map(|((owner, number), text)| format!("{owner}.{number} = {text}\n"))
        .collect();
    if write {
        std::fs::write(path(), format!("{HEADER}{lines}"))
            .expect("proto/baseline.txt can be written");
        return;
    }
    let added: Vec<_> = new
        .keys()
        .filter(|place| !old.contains_key(*place))
        .map(|(o, n)| format!("{o}.{n}"))
        .collect();
    assert!(
        added.is_empty(),
        "new in the schema and not in proto/baseline.txt: {}\nif they are to stay for ever, run \
         QUAYSTREAM_BASELINE=write cargo test -p quaystream-events --test events",
        added.join(", ")
    );
}

#[test]
fn each_kind_of_breaking_change_is_seen() {
    let old = now();
    let place = ("quaystream.v1.Envelope".to_owned(), 2);
    assert_eq!(old[&place], "source single string");
    let changed = |text: Option<&str>| {
        let mut new = old.clone();
        match text {
            Some(text) => new.insert(place.clone(), text.to_owned()),
            None => new.remove(&place),
        };
        faults(&old, &new)
    };
    for text in [
        "origin single string",
        "source single bytes",
        "source optional string",
        "source repeated string",
    ] {
        assert_eq!(changed(Some(text)).len(), 1, "{text}");
    }
    assert_eq!(changed(None).len(), 1);
    let mut more = old.clone();
    more.insert(
        ("quaystream.v1.Envelope".to_owned(), 99),
        "more single string".to_owned(),
    );
    assert!(faults(&old, &more).is_empty(), "a new field breaks nobody");
    assert_eq!(
        parse(
            &old.iter()
                .map(|((o, n), t)| format!("{o}.{n} = {t}\n"))
                .collect::<String>()
        ),
        old
    );
}
