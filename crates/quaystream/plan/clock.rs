//! Processor time of the solving thread, the clock of `--seconds` and of every figure that the planners print. It does not
//! count what other programs on the machine take.

use optimise::budget::Stop;
use rustix::time::{ClockId, clock_gettime};

/// Processor seconds that the calling thread has used.
pub fn thread_cpu_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// Stops once the thread that made it has used so much more processor time. Ask it from that thread alone.
#[derive(Debug, Clone, Copy)]
pub struct CpuDeadline {
    at_s: f64,
}

impl CpuDeadline {
    /// A deadline `seconds` of processor time from now; none never stops.
    pub fn after(seconds: Option<f64>) -> Self {
        CpuDeadline {
            at_s: seconds.map_or(f64::INFINITY, |seconds| thread_cpu_s() + seconds),
        }
    }
}

impl Stop for CpuDeadline {
    fn stop(&self) -> bool {
        self.at_s.is_finite() && thread_cpu_s() >= self.at_s
    }
}

/// Processor seconds of a fixed integer calculation: printed beside measurements, so that machines can be compared.
pub fn calibration_s() -> f64 {
    let start_s = thread_cpu_s();
    let mut random = optimise::random::Random::new(1);
    let mut sum = 0_u64;
    for _ in 0..20_000_000 {
        sum = sum.wrapping_add(random.next_u64() >> 40);
    }
    std::hint::black_box(sum);
    thread_cpu_s() - start_s
}
