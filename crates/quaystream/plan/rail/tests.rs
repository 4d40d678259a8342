//! The command on small files.

use std::path::PathBuf;

use clap::Parser;

use super::{Args, run};
use crate::plan::check;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// Two units, room for one.
const TWO_FOR_ONE: &str = r#"{"version": 1, "now_at_min": 0,
 "trains": [{"id": "T1", "origin": "DEDUI", "destination": "PLMAA", "departure_at_min": 600, "arrival_at_min": 1900,
   "max_teu_quarters": 8, "max_gross_kg": 1600000, "cut_offs": {"VCO": 300, "FCO": 420}}],
 "units": [
  {"id": "U1", "origin": "DEDUI", "destination": "PLMAA", "teu_quarters": 8, "length_dm": 122, "gross_kg": 21000,
   "ready_at_min": 60, "vgm_at_min": 30, "documents_at_min": 0, "roll_over_price": 1500},
  {"id": "U2", "origin": "DEDUI", "destination": "PLMAA", "teu_quarters": 8, "length_dm": 122, "gross_kg": 21000,
   "ready_at_min": 60, "vgm_at_min": 30, "documents_at_min": 0, "roll_over_price": 1600}]}"#;

/// A file of this test alone, removed when it is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Self {
        let file =
            std::env::temp_dir().join(format!("quaystream-rail-{}-{name}", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Temporary(file)
    }

    fn arg(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn command(words: &[&str]) -> Result<String, String> {
    let words = std::iter::once("plan rail").chain(words.iter().copied());
    let command = Command::try_parse_from(words).map_err(|error| error.to_string())?;
    run(&command.args).map_err(|error| error.to_string())
}

#[test]
fn the_dearer_unit_goes_and_the_other_says_why() {
    let file = Temporary::new("two.json", TWO_FOR_ONE);
    let json = command(&[file.arg(), "--iterations", "1000", "--out", "json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["plan"]["assignments"][0]["unit"], "U2");
    assert_eq!(answer["plan"]["rolled_over"][0]["reason"], "NO_ROOM");
    assert_eq!(
        (&answer["proved"], &answer["gap"]),
        (&true.into(), &0.0.into())
    );
    assert_eq!(answer["value"], answer["bound"]);
    for field in ["seconds", "iterations", "version", "cost"] {
        assert!(!answer[field].is_null(), "{field}");
    }
    let plan = Temporary::new("plan.json", &json);
    let checked = command(&[file.arg(), "--check", plan.arg()]).unwrap();
    assert!(
        checked.starts_with("the plan keeps every rule and costs 1518"),
        "{checked}"
    );
    let why = command(&[file.arg(), "--iterations", "1000", "--explain", "U1"]).unwrap();
    assert!(why.contains("T1 at 18, but T1 lacks 2 TEU"), "{why}");
    assert!(why.contains("if U2 goes not at all"), "{why}");
    let why = command(&[
        file.arg(),
        "--iterations",
        "1000",
        "--explain",
        "U1",
        "--out",
        "json",
    ]);
    let why: serde_json::Value = serde_json::from_str(&why.unwrap()).unwrap();
    assert_eq!(why["taken"]["legs"], serde_json::json!([]));
    let gives = &why["others"][0]["give_way"];
    assert_eq!(gives["units"][0]["unit"], "U2");
    assert!(gives["price"].as_i64().unwrap() >= 0, "{gives}");
}

#[test]
fn a_wrong_plan_is_refused_with_the_rule() {
    let file = Temporary::new("wrong.json", TWO_FOR_ONE);
    let both = r#"{"assignments": [{"unit": "U1", "legs": ["T1"]}, {"unit": "U2", "legs": ["T1"]}], "rolled_over": []}"#;
    let plan = Temporary::new("both.json", both);
    let fault = command(&[file.arg(), "--check", plan.arg()]).unwrap_err();
    assert!(
        fault.contains("train T1: 4 TEU aboard, room for 2 TEU"),
        "{fault}"
    );
}

#[test]
fn bad_files_name_line_field_and_reason() {
    let bad = TWO_FOR_ONE.replace("\"VCO\"", "\"XYZ\"");
    let file = Temporary::new("bad.json", &bad);
    let fault = command(&[file.arg()]).unwrap_err();
    assert!(
        fault.ends_with("train T1: \"XYZ\" is no cut-off code of DCSA"),
        "{fault}"
    );
    let file = Temporary::new("short", "2 2\n1 2\n3 4\n5 6\n");
    let fault = command(&[file.arg()]).unwrap_err();
    assert!(
        fault.contains("line 4, weight of job 0 at agent 1: the text ends here"),
        "{fault}"
    );
}

#[test]
fn bare_instances_are_solved_and_checked() {
    let file = Temporary::new("gap", "2 2\n1 2\n4 3\n5 6\n5 6\n6 6\n");
    let json = command(&[file.arg(), "--iterations", "1000", "--out", "json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["value"], 4);
    assert_eq!(answer["plan"]["train"], serde_json::json!([0, 1]));
    let plan = Temporary::new("gap.json", &json);
    let checked = command(&[file.arg(), "--check", plan.arg()]).unwrap();
    assert_eq!(checked, "the plan keeps every rule and costs 4\n");
    let tight = Temporary::new("tight", "1 2\n1 2\n5 6\n6\n");
    assert!(
        command(&[tight.arg(), "--iterations", "1000"])
            .unwrap_err()
            .contains("no plan within the capacities")
    );
}

#[test]
fn trains_with_wagons_are_loaded_and_their_wagons_known_beforehand() {
    // One Sgns cannot carry two forties, whatever the slot's TEU say.
    let consist =
        r#""consist": {"wagons": [{"number": "1", "type": "Sgns"}]}, "max_teu_quarters": 80"#;
    let text = TWO_FOR_ONE.replace("\"max_teu_quarters\": 8", consist);
    let file = Temporary::new("wagons.json", &text);
    let json = command(&[file.arg(), "--iterations", "1000", "--out", "json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["plan"]["assignments"].as_array().unwrap().len(), 1);
    assert_eq!(answer["loads"]["loadings"]["T1"][0]["unit"], "U2");
    assert_eq!(answer["loads"]["held"]["T1"]["teu_quarters"], 8);
    assert_eq!(answer["loads"]["cuts"], serde_json::json!([]));
    let drawn = command(&[file.arg(), "--iterations", "1000"]).unwrap();
    assert!(drawn.contains("T1 loaded: [1]"), "{drawn}");
    assert!(
        drawn.contains("T1: its wagons hold 2 TEU, 12.2 m"),
        "{drawn}"
    );
    let why = command(&[file.arg(), "--iterations", "1000", "--explain", "U1"]).unwrap();
    assert!(why.contains("TEU"), "{why}");
    let unknown = text.replace("Sgns", "Sgnx");
    let file = Temporary::new("type.json", &unknown);
    assert!(
        command(&[file.arg()])
            .unwrap_err()
            .contains("wagon type \"Sgnx\" is not one of")
    );
}

/// `quaystream plan check` tells by the files which planner they belong to.
#[test]
fn plan_check_knows_rail_plans_of_every_format() {
    let check = |file: &Temporary, plan: &Temporary, format| {
        let (file, plan) = (file.0.clone(), plan.0.clone());
        check::run(&check::CheckArgs { file, plan, format }).map_err(|error| error.to_string())
    };
    let file = Temporary::new("check.json", TWO_FOR_ONE);
    let json = command(&[file.arg(), "--iterations", "1000", "--out", "json"]).unwrap();
    let plan = Temporary::new("check-plan.json", &json);
    for format in [None, Some(check::Format::Json)] {
        let checked = check(&file, &plan, format).unwrap();
        assert!(checked.contains("every rule and costs 1518"), "{checked}");
    }
    let both = r#"{"assignments": [{"unit": "U1", "legs": ["T1"]}, {"unit": "U2", "legs": ["T1"]}], "rolled_over": []}"#;
    let both = Temporary::new("check-both.json", both);
    let fault = check(&file, &both, None).unwrap_err();
    assert!(
        fault.contains("train T1: 4 TEU aboard, room for 2 TEU"),
        "{fault}"
    );
    assert!(fault.contains("check-both.json"), "{fault}");

    let bare = Temporary::new("check-gap", "2 2\n1 2\n4 3\n5 6\n5 6\n6 6\n");
    for (train, costs) in [("[0, 1]", Some("costs 4")), ("[0, 0]", None)] {
        let plan = format!(r#"{{"plan": {{"train": {train}}}}}"#);
        let plan = Temporary::new("check-train.json", &plan);
        for format in [None, Some(check::Format::Gap)] {
            match (check(&bare, &plan, format), costs) {
                (Ok(checked), Some(costs)) => assert!(checked.contains(costs), "{checked}"),
                (Err(fault), None) => assert!(fault.contains("breaks 1 rule"), "{fault}"),
                (other, _) => panic!("{other:?} for {train}"),
            }
        }
    }
}

/// Twelve units for room for ten, two of five of which do not come.
fn careless_customers() -> String {
    let unit = |nth: usize| {
        format!(
            r#"{{"id": "U{nth:02}", "origin": "DEDUI", "destination": "PLMAA", "teu_quarters": 8, "length_dm": 122,
   "gross_kg": 20000, "ready_at_min": 60, "vgm_at_min": 30, "documents_at_min": 0, "roll_over_price": {},
   "customer": "ACME", "service": "DUI-MAA", "present": {}}}"#,
            1_500 + nth,
            nth == 0
        )
    };
    let units: Vec<String> = (0..12).map(unit).collect();
    format!(
        r#"{{"version": 1, "now_at_min": 0,
 "trains": [{{"id": "T1", "origin": "DEDUI", "destination": "PLMAA", "departure_at_min": 600, "arrival_at_min": 1900,
   "max_teu_quarters": 80, "max_gross_kg": 1600000}}],
 "overbooking": {{"confidence_permille": 900, "rates": [{{"customer": "ACME", "service": "DUI-MAA", "shows": 600, "no_shows": 400}}]}},
 "units": [{}]}}"#,
        units.join(",\n")
    )
}

#[test]
fn a_train_is_booked_beyond_its_room_by_what_was_measured() {
    let text = careless_customers();
    let file = Temporary::new("careless.json", &text);
    let json = command(&[file.arg(), "--iterations", "1000", "--out", "json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    let train = &answer["overbooking"]["trains"]["T1"];
    assert_eq!(train["accepted"].as_array().unwrap().len(), 12, "{answer}");
    assert_eq!(train["booked_teu_quarters"], 96);
    // Eleven at Wilson's 63.0 % and one that stands there: more than ten come if eleven or twelve do.
    let p: f64 = 0.630;
    let over = p.powi(11) + 11.0 * p.powi(10) * (1.0 - p);
    let risk = train["teu_risk"].as_f64().unwrap();
    assert!((risk - over).abs() < 1e-9, "{risk} against {over}");
    let expected = train["expected_teu_quarters"].as_f64().unwrap();
    assert!(
        (expected - 8.0 * (1.0 + 11.0 * p)).abs() < 1e-9,
        "{expected}"
    );
    let first = &train["bump_order"][0];
    assert_eq!(
        (&first["unit"], &first["reason"]),
        (&"U00".into(), &"PRICE".into())
    );
    let plan = Temporary::new("careless-plan.json", &json);
    let checked = command(&[file.arg(), "--check", plan.arg()]).unwrap();
    assert!(checked.contains("1 train is booked beyond"), "{checked}");
    let drawn = command(&[file.arg(), "--iterations", "1000"]).unwrap();
    assert!(
        drawn.contains("1. U00 (rolling over costs less than for the next"),
        "{drawn}"
    );

    // The same plan at a higher confidence is refused, and such a plan is not made.
    let sure = text.replace(
        "\"confidence_permille\": 900",
        "\"confidence_permille\": 999",
    );
    let file = Temporary::new("sure.json", &sure);
    let fault = command(&[file.arg(), "--check", plan.arg()]).unwrap_err();
    assert!(
        fault.contains("train T1: 24 TEU aboard, room for 20 TEU"),
        "{fault}"
    );
    assert!(
        fault.contains("train T1: 4.63 % likely to be overfull, at most 0.1 % allowed"),
        "{fault}"
    );
    let json = command(&[file.arg(), "--iterations", "1000", "--out", "json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(answer["plan"]["assignments"].as_array().unwrap().len() < 12);

    let odd = text.replace("\"shows\": 600", "\"shows\": -600");
    let file = Temporary::new("odd.json", &odd);
    let fault = command(&[file.arg()]).unwrap_err();
    assert!(
        fault.contains("rate of customer \"ACME\" on service \"DUI-MAA\""),
        "{fault}"
    );
}

#[test]
fn loadings_of_a_plan_file_are_checked_too() {
    let consist =
        r#""consist": {"wagons": [{"number": "1", "type": "Sgns"}]}, "max_teu_quarters": 80"#;
    let text = TWO_FOR_ONE.replace("\"max_teu_quarters\": 8", consist);
    let file = Temporary::new("check-load.json", &text);
    let json = command(&[file.arg(), "--iterations", "1000", "--out", "json"]).unwrap();
    let verdict = |plan: &str| {
        let plan = Temporary::new("check-load-plan.json", plan);
        command(&[file.arg(), "--check", plan.arg()])
    };
    let checked = verdict(&json).unwrap();
    assert!(
        checked.contains("the loading of 1 train keeps every rule"),
        "{checked}"
    );
    let mut answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = answer.clone();
        change(&mut changed["loads"]["loadings"]);
        verdict(&changed.to_string())
    };
    let wrong = with(&|loads| loads["T1"][0]["pattern"] = 0.into()).unwrap_err();
    assert!(
        wrong.contains("train T1, unit U2, wagon 1: the place is for another length"),
        "{wrong}"
    );
    let missing = with(&|loads| loads["T1"] = serde_json::json!([])).unwrap_err();
    assert!(
        missing.contains("train T1, unit U2: not aboard, not placed"),
        "{missing}"
    );
    let stranger = with(&|loads| loads["T9"] = serde_json::json!([])).unwrap_err();
    assert!(
        stranger.contains("loads, train T9: the problem knows no wagons"),
        "{stranger}"
    );
    let typed = with(&|loads| loads["T1"][0]["wagon"] = "first".into()).unwrap_err();
    assert!(
        typed.contains("train T1, loading of unit U2, wagon: invalid type"),
        "{typed}"
    );
    answer["loads"]["loadings"] = serde_json::json!({});
    let without = verdict(&answer.to_string()).unwrap();
    assert!(without.contains("without a loading: T1"), "{without}");
    let nothing = verdict("{}").unwrap_err();
    assert!(
        nothing.contains("line 1, column 2, plan: missing field `assignments`"),
        "{nothing}"
    );
    assert!(nothing.contains("--out json"), "{nothing}");
}

#[test]
fn a_wrong_type_names_the_unit_and_the_field() {
    let bad = TWO_FOR_ONE.replace("\"gross_kg\": 21000,\n   \"ready_at_min\": 60, \"vgm_at_min\": 30, \"documents_at_min\": 0, \"roll_over_price\": 1600", "\"gross_kg\": \"heavy\",\n   \"ready_at_min\": 60, \"vgm_at_min\": 30, \"documents_at_min\": 0, \"roll_over_price\": 1600");
    let file = Temporary::new("heavy.json", &bad);
    let fault = command(&[file.arg()]).unwrap_err();
    assert!(fault.contains("line 7, "), "{fault}");
    assert!(
        fault.ends_with("unit U2, gross_kg: invalid type: string \"heavy\", expected i64"),
        "{fault}"
    );
    let bad = TWO_FOR_ONE.replace("\"max_teu_quarters\": 8", "\"max_teu_quarters\": 8.5");
    let file = Temporary::new("half.json", &bad);
    let fault = command(&[file.arg()]).unwrap_err();
    assert!(fault.contains("train T1, max_teu_quarters: "), "{fault}");
}
