//! The machine, and what its disk can do without us.

use std::io::Write;
use std::time::{Duration, Instant};

/// The machine's line.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?.split_once(':')?.1.trim().to_owned();
        Some(line)
    };
    let cpu = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "an unnamed processor".to_owned());
    let memory_kb: u64 = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{}: {cores} cores of {cpu}, {} GB, Linux {}; others kept the machine at a load of {} when it began",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        memory_kb / 1_000_000,
        kernel.trim(),
        load()
    )
}

/// The mean number of tasks that wanted a processor in the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Appends of 4 kB, each made durable, a second.
pub fn syncs_a_second(seconds: u64) -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile_in(super::stage::scratch())?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(seconds) {
        file.write_all(&[0x51; 4_096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
