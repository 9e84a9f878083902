//! Boots the image in QEMU, and reads its serial line.

use std::error::Error;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const QEMU: &str = "qemu-system-x86_64";
/// What QEMU exits with when the kernel says that all is well: twice 0x10, and 1.
const GOOD: i32 = 33;
/// No boot takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Why the image cannot be booted here, if it cannot.
pub fn missing() -> Option<String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Some("the image is built on x86-64 Linux only".into());
    }
    let version = Command::new(QEMU).arg("--version").stdout(Stdio::null()).status();
    match version {
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some(format!("{QEMU} is not installed"))
        }
        Err(error) => Some(format!("{QEMU} does not start: {error}")),
    }
}

/// What to boot.
pub struct Boot<'a> {
    pub image: &'a Path,
    pub cpus: usize,
    pub operations: u64,
    pub race: u64,
}

/// What the kernel says at its end.
#[derive(Default)]
pub struct Outcome {
    pub ran: u64,
    pub out: u64,
    /// Cycles of the pool, and of the list; 0 without a race.
    pub pool: u64,
    pub list: u64,
}

impl Outcome {
    /// Reads the last line.
    fn parse(line: &str) -> Option<Self> {
        let number = |name: &str| {
            let mut words = line.strip_prefix("image: ")?.split(' ');
            words.find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        let (ran, out) = (number("ran")?, number("out")?);
        Some(Outcome { ran, out, pool: number("pool")?, list: number("list")? })
    }
}

impl Boot<'_> {
    fn command(&self) -> Command {
        let Boot { image, cpus, operations, race } = self;
        let mut command = Command::new(QEMU);
        command.args(["-accel", "tcg,thread=multi", "-m", "256M", "-nodefaults", "-no-reboot"]);
        command.args(["-display", "none", "-serial", "stdio"]);
        command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        command.args(["-smp", &cpus.to_string(), "-kernel"]).arg(image);
        command.args(["-append", &format!("cpus={cpus} operations={operations} race={race}")]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Boots it, and shows what it says. An error, unless the kernel says that all is well.
    pub fn run(&self) -> Result<Outcome, Box<dyn Error>> {
        println!("{} CPUs:", self.cpus);
        let start = Instant::now();
        let mut child = self.command().spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("the serial line")?).lines();
        let reader = thread::spawn(move || {
            let mut last = None;
            for line in lines.map_while(Result::ok) {
                println!("  {}", line.trim_end());
                last = Outcome::parse(line.trim_end()).or(last);
            }
            last
        });
        let code = wait(&mut child, start + LIMIT)?;
        let last = reader.join().map_err(|_| "the serial line was not read")?;
        println!("  {:.1} s", start.elapsed().as_secs_f64());
        match last {
            Some(outcome) if code == Some(GOOD) => Ok(outcome),
            _ => {
                let code = code.map_or("a signal".into(), |code| format!("exit code {code}"));
                Err(format!("with {} CPUs the kernel failed: {code}", self.cpus).into())
            }
        }
    }
}

/// The exit code, unless it takes too long.
fn wait(child: &mut Child, deadline: Instant) -> Result<Option<i32>, Box<dyn Error>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(format!("the kernel hangs: {} s", LIMIT.as_secs()).into());
        }
        thread::sleep(Duration::from_millis(5));
    }
}
