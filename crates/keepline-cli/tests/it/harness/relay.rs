//! Relay: a cable on which packets take their time, each its own, so that they overtake each other.
//!
//! The kernel hands them to us (NFQUEUE) and keeps them; we only say when each goes on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nfq::{Message, Queue, Verdict};

use super::ms;
use super::net::{Namespace, Net};

/// Packets that may be on their way in one direction; the kernel drops those beyond.
const ON_THE_WAY: u32 = 4096;
/// The number of the queue in each namespace, of which each has its own.
const QUEUE: u16 = 0;

/// How long a packet takes in one direction: so long, and up to so much less or more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delay {
    pub(crate) mean: Duration,
    pub(crate) jitter: Duration,
}

/// Delays what goes over a cable, both ways, until it is dropped.
pub(crate) struct Relay {
    over: Arc<AtomicBool>,
    counts: Arc<Counts>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    packets: AtomicU64,
    overtaken: AtomicU64,
}

/// A packet, and when it is due.
struct Due {
    at: Instant,
    number: u64,
    packet: Message,
}

impl Relay {
    pub(crate) fn start(net: &Net, delay: Delay, seed: u64) -> Self {
        let (over, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let ends = [(&net.near, seed), (&net.far, seed ^ 0x5851_f42d_4c95_7f2d)];
        let threads = ends.map(|(end, seed)| {
            let (over, counts, mut queue) = (Arc::clone(&over), Arc::clone(&counts), open(end));
            end.queue(QUEUE);
            thread::spawn(move || run(&mut queue, delay, seed, &counts, &over))
        });
        Self { over, counts, threads: threads.into() }
    }

    /// Packets that went through, and those of them that a later one overtook.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.packets.load(Relaxed), self.counts.overtaken.load(Relaxed))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A queue of this namespace, wherever it is read.
fn open(end: &Namespace) -> Queue {
    end.enter(|| {
        let mut queue = Queue::open().expect("the kernel has queues for packets");
        queue.bind(QUEUE).expect("nobody else has it");
        queue.set_queue_max_len(QUEUE, ON_THE_WAY).expect("a length");
        // Of a packet we need its number only.
        queue.set_copy_range(QUEUE, 0).expect("a length");
        queue.set_nonblocking(true);
        queue
    })
}

fn run(queue: &mut Queue, delay: Delay, mut random: u64, counts: &Counts, over: &AtomicBool) {
    let (mut waiting, mut number, mut last) = (BinaryHeap::new(), 0, 0);
    while !over.load(Relaxed) {
        loop {
            match queue.recv() {
                Ok(packet) => {
                    number += 1;
                    waiting.push(Reverse(Due { at: Instant::now() + delay.draw(&mut random), number, packet }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The kernel had no room to tell us of some packets, and has dropped them: as a cable does.
                Err(_) => break,
            }
        }
        while waiting.peek().is_some_and(|Reverse(due)| due.at <= Instant::now()) {
            let Some(Reverse(mut due)) = waiting.pop() else { break };
            due.packet.set_verdict(Verdict::Accept);
            // The namespace may be gone.
            let _ = queue.verdict(due.packet);
            counts.packets.fetch_add(1, Relaxed);
            counts.overtaken.fetch_add(u64::from(due.number < last), Relaxed);
            last = last.max(due.number);
        }
        // The grain of the delays.
        thread::sleep(ms(1));
    }
}

impl Delay {
    fn draw(self, random: &mut u64) -> Duration {
        // Knuth's MMIX constants; the upper bits are the random ones.
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let span = u64::try_from(self.jitter.as_micros()).unwrap_or(0) * 2 + 1;
        (self.mean + Duration::from_micros((*random >> 33) % span)).saturating_sub(self.jitter)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
