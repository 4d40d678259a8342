//! The embedded broker as a process of its own, so that what is measured has its memory and its time for itself.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// It ends with this.
pub struct BrokerProcess {
    /// Its process.
    pub child: Child,
    /// Where clients find it.
    pub bootstrap: String,
}

impl BrokerProcess {
    /// Starts it on a free port of loopback. `binary`: the command line's.
    pub fn start(binary: &str, memory_mib: u32) -> Self {
        let mut child = Command::new(binary)
            .args(["broker", "--listen", "127.0.0.1:0"])
            .args(["--memory", &memory_mib.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the broker starts");
        let mut bootstrap = String::new();
        let mut printed = BufReader::new(child.stdout.take().expect("piped"));
        printed
            .read_line(&mut bootstrap)
            .expect("the broker says where it is");
        BrokerProcess {
            child,
            bootstrap: bootstrap.trim().to_owned(),
        }
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
