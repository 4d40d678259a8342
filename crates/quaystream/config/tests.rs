use super::*;

fn faults(text: &str) -> Vec<String> {
    match Config::parse("q.toml", text, |_| Ok(Folder::shipped())) {
        Ok(_) => Vec::new(),
        Err(ConfigError::Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_shipped_configuration_is_sound_and_what_an_empty_file_gives() {
    let shipped = Config::shipped().expect("the shipped configuration is sound");
    let empty =
        Config::parse("q.toml", "", |_| Ok(Folder::shipped())).expect("an empty file is sound");
    assert_eq!(format!("{shipped:?}"), format!("{empty:?}"));
}

#[test]
fn every_option_is_described() {
    let docs = include_str!("../../../docs/CONFIGURATION.md");
    let table = toml::de::DeTable::parse(SHIPPED)
        .expect("the shipped file is TOML")
        .into_inner();
    for (section, value) in &table {
        assert!(
            docs.contains(section.get_ref().as_ref()),
            "docs/CONFIGURATION.md lacks [{}]",
            section.get_ref()
        );
        let toml::de::DeValue::Table(options) = value.get_ref() else {
            continue;
        };
        for option in options.keys() {
            let text = format!("`{}`", option.get_ref());
            assert!(
                docs.contains(&text) || docs.contains(option.get_ref().as_ref()),
                "docs lack {text}"
            );
        }
    }
}

#[test]
fn sources_are_those_of_the_simulated_port() {
    let config = Config::shipped().expect("sound");
    for source in portsim::sources() {
        let found = config
            .engine
            .sources
            .iter()
            .find(|found| found.name == source.name);
        let found = found.unwrap_or_else(|| panic!("{} is not listed", source.name));
        assert_eq!(found.streams, source.streams, "{}", source.name);
        assert_eq!(
            found.out_of_order_max.as_secs(),
            u64::from(source.out_of_order_max_s),
            "{}",
            source.name
        );
    }
}

#[test]
fn all_faults_of_a_file_are_told_with_their_places() {
    let text = "[application]\nname = 7\ncolour = \"red\"\n\n[delivery]\ncommit_interval_ms = 9000\nguarantee = \"perhaps\"\n\n[nonsense]\nx = 1\n\n[topics.vessel]\npartitions = 0\n";
    let faults = faults(text);
    let expected = [
        "q.toml:2:8:",
        "q.toml:3:1:",
        "q.toml:6:22:",
        "q.toml:7:13:",
        "q.toml:9:2:",
        "q.toml:13:14:",
    ];
    for place in expected {
        assert!(
            faults.iter().any(|fault| fault.starts_with(place)),
            "{place} in {faults:#?}"
        );
    }
    assert!(
        faults.iter().all(|fault| fault.ends_with(')')),
        "each has a mend: {faults:#?}"
    );
}

#[test]
fn an_unknown_topic_and_a_doubled_one_are_faults() {
    let faults =
        faults("[topics.vessels]\nname = \"x\"\n\n[topics.rail]\nname = \"port.vessel\"\n");
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].contains("topics.vessels"), "{faults:#?}");
    assert!(faults[1].contains("port.vessel"), "{faults:#?}");
}

#[test]
fn syntax_errors_have_a_place() {
    let faults = faults("[kafka\nbootstrap = \"a:1\"\n");
    assert!(
        faults.iter().any(|fault| fault.starts_with("q.toml:1:")),
        "{faults:#?}"
    );
}

#[test]
fn the_shipped_queries_are_sound() {
    let config = Config::shipped().expect("sound");
    let faults: Vec<String> = config
        .query_faults()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
