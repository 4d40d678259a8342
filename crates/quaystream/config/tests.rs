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
fn a_file_anywhere_runs_the_shipped_pipeline_and_a_wrong_folder_is_a_fault() {
    let base = std::env::temp_dir().join(format!("quaystream-config-{}", std::process::id()));
    let names = |folder: Folder| folder.queries.into_iter().map(|file| file.name);
    let opened = Folder::open(&base, "pipelines/duisburg").expect("it is in the program");
    assert!(names(opened).eq(names(Folder::shipped())));
    let faults = Folder::open(&base, "pipelines/hamburg").expect_err("there is no such folder");
    assert!(
        faults[0].to_string().contains("holds no query"),
        "{faults:?}"
    );
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
            found.has_corrections, source.has_corrections,
            "{}",
            source.name
        );
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

#[test]
fn shipped_prices_and_horizons_are_those_that_the_planners_are_tested_with() {
    let planners = Config::shipped().expect("sound").engine.planners;
    let berths = pipeline::plans::berths::BerthRules::default();
    let rail = pipeline::plans::rail::RailRules::default();
    assert_eq!(format!("{:?}", planners.berth_rules), format!("{berths:?}"));
    assert_eq!(format!("{:?}", planners.rail_rules), format!("{rail:?}"));
    let named = |planner: &str| format!("{planner}/watch_");
    for (planner, run) in [("berths", &planners.berths), ("rail", &planners.rail)] {
        for watch in run.triggers.tolerances.keys() {
            let file = format!("{}{watch}", named(planner));
            assert!(
                run.inputs.iter().any(|input| input.name == file),
                "no file {file}.sql for the option {watch}"
            );
        }
    }
}

#[test]
fn faults_of_prices_and_horizons_are_told_with_their_places() {
    let faults = faults(
        "[planners.berths.rules]\nfrozen_min = 2000\ntime_step_min = 7\ncone_distance_m = [0, 10, 50, -1]\n\n[planners.berths.prices]\nlate_per_min = -1\ncolour = 2\n\n[planners.rail]\nevery_s = 600\n\n[planners.rail.prices]\nroll_over = \"much\"\n",
    );
    let expected = [
        "q.toml:2:14: planners.berths.rules: frozen_min is longer than slushy_min",
        "q.toml:3:17: planners.berths.rules.time_step_min is 7, which does not divide a day",
        "q.toml:4:19: planners.berths.rules.cone_distance_m",
        "q.toml:8:1: [planners.berths.prices] unknown field `colour`",
        "q.toml:14:13: [planners.rail.prices] invalid type: string",
    ];
    for start in expected {
        assert!(
            faults.iter().any(|fault| fault.starts_with(start)),
            "{start} in {faults:#?}"
        );
    }
}

#[test]
fn a_price_out_of_range_and_an_interval_that_is_too_long_are_faults() {
    let faults =
        faults("[planners.berths.prices]\nlate_per_min = -1\n\n[planners.rail]\nevery_s = 600\n");
    let found = |start: &str| faults.iter().any(|fault| fault.starts_with(start));
    assert!(
        found("q.toml:2:16: planners.berths.prices.late_per_min is -1"),
        "{faults:#?}"
    );
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("planners.rail: triggers.interval_min_s is longer")),
        "{faults:#?}"
    );
}

#[test]
fn queries_that_are_told_on_time_or_wait_for_sources_are_checked() {
    let text = "[on_time]\nexcept = [\"nobody\"]\n\n[waits_for]\ny3_truck_turn_time = []\nb5_crane_rate = [\"toss\"]\n\n[planners]\ntick = \"wall\"\n";
    let faults = faults(text);
    let expected = [
        "q.toml:5:22: waits_for.y3_truck_turn_time names no source",
        "q.toml:6:17: waits_for.b5_crane_rate names the source \"toss\"",
        "q.toml:9:8: [planners] unknown variant `wall`",
    ];
    for start in expected {
        assert!(
            faults.iter().any(|fault| fault.starts_with(start)),
            "{start} in {faults:#?}"
        );
    }
    let text = "[on_time]\nexcept = [\"nobody\"]\n\n[waits_for]\nr1_slot_fill = [\"rail\"]\n";
    let config = Config::parse("q.toml", text, |_| Ok(Folder::shipped())).expect("sound by itself");
    let faults: Vec<String> = config
        .query_faults()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(
        faults[0].contains("on_time.except: there is no query nobody"),
        "{faults:#?}"
    );
    assert!(
        faults[1].contains("r1_slot_fill reads tables"),
        "{faults:#?}"
    );
}
