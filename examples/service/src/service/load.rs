//! The load: clients that upload, let two readers download at once, and delete; some leave in the middle.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use super::client::Client;

/// Bytes of uploads: between these, small ones as likely as large ones.
const SIZES: [usize; 2] = [1024, 256 * 1024];

/// Bytes that differ: more than the pool that is too small has.
const PATTERN: u64 = 1 << 20;

/// Bytes that a client reads at once.
const BUFFER: usize = 64 * 1024;

/// What a pair of connections is used for, before there is another pair.
pub const EXCHANGES: u64 = 4;

/// One in so many uploads is left by its client, and one in so many downloads.
const LEAVES: u64 = 16;

/// What to do.
#[derive(Clone, Copy)]
pub struct Plan {
    pub address: SocketAddr,
    /// Uploads, each with two downloads.
    pub exchanges: u64,
    /// Exchanges that were before, so that names and sizes differ.
    pub first: u64,
    /// How many clients there are at once.
    pub clients: usize,
    /// How long a client stays that leaves.
    pub lingers: Duration,
}

/// What was done.
#[derive(Default)]
pub struct Done {
    pub connections: u64,
    pub transfers: u64,
    pub bytes: u64,
    pub left: u64,
    /// Microseconds that uploads and downloads took.
    pub uploads: Vec<u32>,
    pub downloads: Vec<u32>,
}

/// What a load needs, of which nothing is allocated in a round.
pub struct Material {
    /// The bytes of which all bodies are parts.
    pattern: Vec<u8>,
    /// Buffers of clients that have ended.
    buffers: RefCell<Vec<Box<[u8]>>>,
}

impl Material {
    /// For so many clients.
    pub fn new(clients: usize) -> Self {
        let words = (0..PATTERN / 8).flat_map(|at| mix(at).to_le_bytes());
        // Not zeros, which the system would provide later.
        let buffers = (0..2 * clients).map(|_| vec![1; BUFFER].into());
        Material { pattern: words.collect(), buffers: RefCell::new(buffers.collect()) }
    }

    /// For a client to read into.
    pub fn buffer(&self) -> Box<[u8]> {
        self.buffers.borrow_mut().pop().unwrap_or_else(|| vec![1; BUFFER].into())
    }

    /// The body of an exchange.
    fn body(&self, number: u64) -> &[u8] {
        let random = mix(number ^ 0x5EED);
        let (start, unit) = (random as usize % 65_536, (random >> 16) as f64 / (1u64 << 48) as f64);
        let [least, most] = SIZES.map(|size| size as f64);
        &self.pattern[start..][..(least * (most / least).powf(unit)) as usize]
    }

    /// The first so many bytes.
    pub fn start(&self, len: usize) -> &[u8] {
        &self.pattern[..len]
    }
}

/// SplitMix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What the clients of one load share.
struct Shared {
    plan: Plan,
    material: Rc<Material>,
    next: Cell<u64>,
    done: RefCell<Done>,
}

/// Runs the load, and ends when all is done or something is wrong.
pub async fn run(plan: Plan, material: Rc<Material>) -> io::Result<Done> {
    let shared = Rc::new(Shared { plan, material, next: Cell::new(0), done: RefCell::default() });
    let tasks = LocalSet::new();
    let clients: Vec<_> =
        (0..plan.clients).map(|_| tasks.spawn_local(shared.clone().client())).collect();
    let all = async {
        for client in clients {
            client.await.expect("a client panicked")?;
        }
        Ok::<_, io::Error>(())
    };
    tasks.run_until(all).await?;
    Ok(shared.done.take())
}

impl Shared {
    /// One client: exchange after exchange, for some of which it opens new connections.
    async fn client(self: Rc<Self>) -> io::Result<()> {
        let open = || Client::open(self.plan.address, self.material.buffer());
        let (mut one, mut two) = (open().await?, open().await?);
        for done in 1.. {
            if self.next.get() == self.plan.exchanges {
                break;
            }
            let number = self.plan.first + self.next.replace(self.next.get() + 1);
            self.exchange(number, &mut one, &mut two).await?;
            if done % EXCHANGES == 0 {
                one.reopen().await?;
                two.reopen().await?;
                self.done.borrow_mut().connections += 2;
            }
        }
        self.done.borrow_mut().connections += 2;
        self.material.buffers.borrow_mut().extend([one, two].map(Client::into_buffer));
        Ok(())
    }

    async fn exchange(&self, number: u64, one: &mut Client, two: &mut Client) -> io::Result<()> {
        let (name, body) = (format!("upload-{number}"), self.material.body(number));
        if number % LEAVES == 3 {
            // Not more than the system takes while nobody reads.
            let part = &body[..(body.len() / 2).min(16 * 1024)];
            two.send(&name, part, body.len()).await?;
            tokio::time::sleep(self.plan.lingers).await;
            two.reopen().await?;
            self.done.borrow_mut().left += 1;
        }
        let start = Instant::now();
        one.put(&name, body).await?;
        self.note(start, body, |done| &mut done.uploads);
        let first = async {
            let start = Instant::now();
            one.get(&name, body).await?;
            self.note(start, body, |done| &mut done.downloads);
            Ok::<_, io::Error>(())
        };
        let second = async {
            if number % LEAVES == 11 {
                two.get_some(&name).await?;
                self.done.borrow_mut().left += 1;
            } else {
                let start = Instant::now();
                two.get(&name, body).await?;
                self.note(start, body, |done| &mut done.downloads);
            }
            Ok(())
        };
        tokio::try_join!(first, second)?;
        one.delete(&name).await
    }

    /// A transfer is done, and verified.
    fn note(&self, start: Instant, body: &[u8], of: impl FnOnce(&mut Done) -> &mut Vec<u32>) {
        let mut done = self.done.borrow_mut();
        done.transfers += 1;
        done.bytes += body.len() as u64;
        of(&mut done).push(start.elapsed().as_micros() as u32);
    }
}
