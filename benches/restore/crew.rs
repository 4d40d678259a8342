//! A broker and processors, each a process of its own, and the folder that they share.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kafka::admin::Admin;
use quaystream::config::{Config, ConfigError};

use crate::broker_process::BrokerProcess;

/// Memory of the broker, MiB.
const BROKER_MIB: u32 = 8_000;

/// What is measured.
#[derive(Clone, Copy)]
pub struct Subject {
    /// Folder of the queries, below benches.
    pub pipeline: &'static str,
    /// How far rows may be out of order, seconds.
    pub out_of_order_s: u64,
}

/// The folder, and the broker.
pub struct Crew {
    pub config: Config,
    binary: String,
    folder: PathBuf,
    /// It lives as long as this.
    _broker: BrokerProcess,
}

impl Crew {
    pub fn new(binary: &str, subject: Subject) -> Self {
        let folder = std::env::temp_dir().join(format!(
            "quaystream-{}-{}",
            subject.pipeline,
            std::process::id()
        ));
        std::fs::create_dir_all(&folder).expect("a folder");
        let broker = BrokerProcess::start(binary, BROKER_MIB);
        let bootstrap = broker.bootstrap.clone();
        let mut crew = Crew {
            config: Config::shipped().expect("sound"),
            binary: binary.to_owned(),
            folder,
            _broker: broker,
        };
        for interval_s in [0, 1] {
            let toml = crew.toml(subject, &bootstrap, interval_s);
            std::fs::write(crew.file(interval_s), toml).expect("written");
        }
        crew.config = match Config::load(&crew.file(0)) {
            Ok(config) => config,
            Err(ConfigError::Faults(faults)) => panic!("{faults:#?}"),
            Err(error) => panic!("{error}"),
        };
        let admin = Admin::connect(&crew.config.kafka, Duration::from_secs(15)).expect("a broker");
        admin.ensure(&crew.config.topics).expect("topics");
        crew
    }

    /// Where snapshots lie.
    pub fn snapshots(&self) -> String {
        format!("file://{}/snapshots", self.folder.display())
    }

    fn file(&self, interval_s: u64) -> PathBuf {
        self.folder.join(format!("every-{interval_s}.toml"))
    }

    fn toml(&self, subject: Subject, bootstrap: &str, interval_s: u64) -> String {
        let benches = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
        let (pipeline, out_of_order_s) = (benches.join(subject.pipeline), subject.out_of_order_s);
        format!(
            "[application]\npipeline = {pipeline:?}\n\n[kafka]\nbootstrap = {bootstrap:?}\n\n[delivery]\ncommit_interval_ms = 200\n\n\
             [state]\nsnapshot_interval_s = {interval_s}\nsnapshots = {:?}\n\n\
             [time]\nout_of_order_max_s = {out_of_order_s}\ncorrection_max_s = 0\nidle_timeout_s = 86400\nfuture_max_s = 31536000\n\n\
             [limits]\ntable_keys_max = 100000000\nquery_keys_max = 100000000\nmemory_bytes_max = 17179869184\n\n\
             [planners.berths]\nis_on = false\n\n[planners.rail]\nis_on = false\n\n\
             [topics.container]\nretention_h = 0\n\n[[sources]]\nname = \"bench\"\nstreams = [\"container\"]\nout_of_order_max_s = {out_of_order_s}\n",
            self.snapshots()
        )
    }

    /// A processor of one stage that writes snapshots so often; 0: never.
    pub fn start(&self, stage: &str, interval_s: u64) -> Processor {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = port.local_addr().expect("an address").to_string();
        drop(port);
        let log = self.folder.join(format!("{stage}-{address}.log"));
        let child = Command::new(&self.binary)
            .args(["run", "--role", stage, "--metrics", &address, "--config"])
            .arg(self.file(interval_s))
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("the processor starts");
        Processor {
            child,
            address,
            log,
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A running processor.
pub struct Processor {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Processor {
    /// A metric, over all its labels; 0 while there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let lines = self.scrape().unwrap_or_default();
        let values = lines.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let is_it = rest.starts_with(' ') || rest.starts_with('{');
            is_it.then(|| rest.rsplit_once(' ')?.1.parse::<f64>().ok())?
        });
        values.sum()
    }

    fn scrape(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Processor seconds that it has used.
    pub fn cpu_s(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(path).expect("Linux");
        let fields: Vec<&str> = text
            .rsplit(") ")
            .next()
            .expect("fields")
            .split(' ')
            .collect();
        let ticks = |place: usize| fields[place].parse::<f64>().expect("a number");
        // User and system time, in hundredths of a second.
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Asks it to finish its commit and stop.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill runs").success());
        let status = self.child.wait().expect("it ends");
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        assert!(status.success(), "{status}: {log}");
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
