//! Other clients than ours: kcat (an older librdkafka) and Python's, where they are installed.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::behaviour::client::unique;
use crate::{embedded, skip};

/// Runs a command with this input; `None` when it is not installed.
fn run(program: &str, arguments: &[&str], input: &str) -> Option<(bool, String, String)> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    // A program that ends before it has read all says why on its own; the broken pipe is not the fault.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    ))
}

#[test]
fn kcat_produces_lists_and_consumes() {
    if run("kcat", &["-V"], "").is_none() {
        skip("kcat, which is not installed");
        return;
    }
    let target = embedded();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = target.create_topic("kcat", 1, &[]);
        let broker = target.bootstrap.as_str();
        let input: String = (0..500)
            .map(|number| format!("key:{codec} {number}\n"))
            .collect();
        let produced = run(
            "kcat",
            &["-P", "-b", broker, "-t", &topic, "-K:", "-z", codec],
            &input,
        )
        .unwrap();
        if produced.2.contains("not available") || produced.2.contains("nsupported") {
            skip(&format!("kcat with {codec}: {}", produced.2.trim()));
            continue;
        }
        assert!(produced.0, "{codec}: {}", produced.2);
        let listed = run("kcat", &["-L", "-b", broker, "-t", &topic], "").unwrap();
        assert!(listed.1.contains("with 1 partitions"), "{}", listed.1);
        let consumed = run(
            "kcat",
            &[
                "-C",
                "-b",
                broker,
                "-t",
                &topic,
                "-e",
                "-q",
                "-o",
                "beginning",
            ],
            "",
        )
        .unwrap();
        let expected: String = (0..500)
            .map(|number| format!("{codec} {number}\n"))
            .collect();
        assert_eq!(consumed.1, expected, "{}", consumed.2);
        // With a group, which kcat balances by range.
        let group = unique("kcat");
        let consumed = run(
            "kcat",
            &[
                "-b",
                broker,
                "-G",
                &group,
                "-c",
                "500",
                "-q",
                "-X",
                "auto.offset.reset=earliest",
                &topic,
            ],
            "",
        );
        assert_eq!(consumed.unwrap().1, expected);
    }
}

/// The interpreter that has the module, from `QUAYSTREAM_PYTHON` or the path.
fn python_with(module: &str) -> Option<String> {
    let named = std::env::var("QUAYSTREAM_PYTHON").ok();
    named
        .into_iter()
        .chain(["python3".to_owned()])
        .find(|program| {
            let probe = format!("import {module}");
            run(program, &["-c", &probe], "").is_some_and(|(found, _, _)| found)
        })
}

fn python(module: &str, script: &str) {
    let Some(program) = python_with(module) else {
        skip(&format!(
            "Python's {module}, which cannot be imported (QUAYSTREAM_PYTHON names another interpreter)"
        ));
        return;
    };
    let target = embedded();
    let topic = target.create_topic("python", 2, &[]);
    let group = unique("python");
    let (succeeded, out, errors) = run(
        &program,
        &["-c", script, &target.bootstrap, &topic, &group],
        "",
    )
    .unwrap();
    assert!(succeeded, "{out}\n{errors}");
    assert!(out.ends_with("all well\n"), "{out}\n{errors}");
}

#[test]
fn kafka_python_produces_and_consumes() {
    python("kafka", include_str!("clients/kafka_python.py"));
}

#[test]
fn confluent_kafka_produces_and_consumes() {
    python(
        "confluent_kafka",
        include_str!("clients/confluent_kafka.py"),
    );
}
