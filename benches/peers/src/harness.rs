//! Contenders, and how they are checked and timed side by side.

use rustix::time::{ClockId, clock_gettime};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::time::Duration;

/// An item that a contender made: an event, a run of a message, an encoded frame.
pub trait View {
    /// Adds its content to a checksum.
    fn show(&self, sum: &mut Checksum);

    /// Returns whether it ends a counted thing. A run inside a message does not.
    fn ends(&self) -> bool {
        true
    }
}

/// The receiver of the items that a contender makes.
pub trait Sink {
    /// Whether it looks at the items.
    const CHECKING: bool;

    fn take<V: View>(&mut self, seen: &V);
}

/// A checksum. The same items in the same order have the same one, however they were cut into runs.
#[derive(Clone, Default)]
pub struct Checksum {
    pending: Vec<u8>,
    hasher: DefaultHasher,
    count: u32,
}

impl Checksum {
    /// Adds a run of a payload.
    pub fn run(&mut self, payload: &[u8]) {
        self.pending.extend_from_slice(payload);
    }

    /// Adds the end of a payload, and the thing that it belongs to.
    pub fn end(&mut self, kind: &str, id: &str) {
        (&self.pending, kind, id).hash(&mut self.hasher);
        self.pending.clear();
        self.count += 1;
    }

    /// Adds a whole payload.
    pub fn whole(&mut self, payload: &[u8], kind: &str, id: &str) {
        self.run(payload);
        self.end(kind, id);
    }

    /// Returns the number of things, and their hash.
    pub fn result(&self) -> (u32, u64) {
        assert!(self.pending.is_empty(), "a payload without an end");
        (self.count, self.hasher.finish())
    }
}

impl Sink for Checksum {
    const CHECKING: bool = true;

    fn take<V: View>(&mut self, seen: &V) {
        seen.show(self);
    }
}

/// Uses an item as little as the compiler accepts as a use.
#[derive(Default)]
struct Tally(u32);

impl Sink for Tally {
    const CHECKING: bool = false;

    #[inline]
    fn take<V: View>(&mut self, seen: &V) {
        self.0 += u32::from(black_box(seen).ends());
    }
}

/// The work of a contender, once through its input.
pub trait Work {
    /// Whether [`prepare`](Self::prepare) must be called before each run.
    const PREPARES: bool = false;

    /// Makes the data that a program that uses the contender would already have. It is not timed.
    fn prepare(&mut self) {}

    fn run<S: Sink>(&mut self, sink: &mut S);
}

/// [`Work`] without its type.
trait AnyWork {
    fn check(&mut self) -> Checksum;

    /// Returns the CPU time of `runs` runs, and the number of things that they made.
    fn time(&mut self, runs: u32) -> (Duration, u32);
}

impl<W: Work> AnyWork for W {
    fn check(&mut self) -> Checksum {
        let mut sum = Checksum::default();
        self.prepare();
        self.run(&mut sum);
        sum
    }

    fn time(&mut self, runs: u32) -> (Duration, u32) {
        let mut tally = Tally::default();
        let mut spent = Duration::ZERO;
        let mut start = cpu_time();
        for _ in 0..runs {
            if W::PREPARES {
                spent += cpu_time().saturating_sub(start);
                self.prepare();
                start = cpu_time();
            }
            black_box(&mut *self).run(&mut tally);
        }
        (spent + cpu_time().saturating_sub(start), tally.0)
    }
}

/// Returns the CPU time of this thread, which other users of the machine do not add to.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("it only grows from zero")
}

/// Work that makes nothing: the bound that no contender can beat.
struct Limit<F>(F);

impl<F: FnMut()> Work for Limit<F> {
    fn run<S: Sink>(&mut self, _: &mut S) {
        (self.0)();
    }
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Ours,
    Peer,
    Limit,
}

pub struct Contender {
    name: &'static str,
    kind: Kind,
    /// Whether it makes the result that the row demands.
    makes: bool,
    work: Box<dyn AnyWork>,
}

impl Contender {
    fn new(name: &'static str, kind: Kind, work: impl Work + 'static) -> Self {
        Self { name, kind, makes: true, work: Box::new(work) }
    }

    pub fn ours(name: &'static str, work: impl Work + 'static) -> Self {
        Self::new(name, Kind::Ours, work)
    }

    pub fn peer(name: &'static str, work: impl Work + 'static) -> Self {
        Self::new(name, Kind::Peer, work)
    }

    pub fn limit(name: &'static str, work: impl FnMut() + 'static) -> Self {
        Self { makes: false, ..Self::new(name, Kind::Limit, Limit(work)) }
    }

    /// Creates a limit that makes the same as the others, by hand.
    #[cfg(feature = "deflate")]
    pub fn checked_limit(name: &'static str, work: impl Work + 'static) -> Self {
        Self::new(name, Kind::Limit, work)
    }
}

/// The rival of one of ours.
#[derive(Clone, Copy)]
pub enum Rival {
    BestPeer,
    Named(&'static str),
}

/// A ratio that counts as level, because noise does not allow more.
pub const LEVEL: f64 = 0.97;

/// The rival's time must be at least this many times ours.
#[derive(Clone, Copy)]
pub struct Goal {
    pub ours: &'static str,
    pub rival: Rival,
    /// With `None`, the ratio is only shown.
    pub least: Option<f64>,
}

impl Goal {
    pub fn peers(ours: &'static str, least: impl Into<Option<f64>>) -> Self {
        Self { ours, rival: Rival::BestPeer, least: least.into() }
    }

    pub fn named(ours: &'static str, rival: &'static str, least: impl Into<Option<f64>>) -> Self {
        Self { ours, rival: Rival::Named(rival), least: least.into() }
    }
}

/// The contenders of a row, and the result that each must make.
pub struct Field {
    pub expected: Checksum,
    pub contenders: Vec<Contender>,
}

/// A row: the same work on the same input, by every contender.
pub struct Row {
    pub work: &'static str,
    pub shape: &'static str,
    pub delivery: &'static str,
    pub goals: Vec<Goal>,
    /// Whether the plot shows it.
    pub plotted: bool,
    /// Makes the input, which is kept only for the row.
    pub field: Box<dyn FnOnce() -> Field>,
}

impl Row {
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.work, self.shape, self.delivery)
    }
}

/// Nanoseconds for each event, message or frame.
#[derive(serde::Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub kind: Kind,
    pub median: f64,
    pub lower_quartile: f64,
    pub upper_quartile: f64,
    pub rounds: usize,
}

pub struct Measured {
    pub work: &'static str,
    pub shape: &'static str,
    pub delivery: &'static str,
    pub goals: Vec<Goal>,
    pub plotted: bool,
    pub figures: Vec<Figure>,
}

/// How long to measure.
#[derive(Clone, Copy)]
pub struct Effort {
    /// The time of a batch of runs, unless one run takes longer.
    pub batch: Duration,
    pub rounds: usize,
    /// The maximum time of all rounds of one contender. There are at least three rounds.
    pub budget: Duration,
}

impl Effort {
    pub const FULL: Self =
        Self { batch: Duration::from_millis(5), rounds: 41, budget: Duration::from_millis(400) };
    /// Just enough to see that everything runs.
    pub const QUICK: Self =
        Self { batch: Duration::ZERO, rounds: 3, budget: Duration::from_secs(1) };
}

/// A contender with its pace.
struct Runner {
    contender: Contender,
    runs: u32,
    rounds: usize,
    times: Vec<f64>,
}

/// Makes the allocator keep freed memory. glibc does so once it has seen a large block freed.
/// Otherwise long payloads would, by chance, include the system's page faults.
pub fn settle_allocator() {
    drop(black_box(vec![1_u8; 31 << 20]));
}

/// Checks every contender, then times them in turn.
pub fn measure(row: Row, effort: Effort) -> Measured {
    let name = row.name();
    let Row { work, shape, delivery, goals, plotted, field } = row;
    let Field { expected, contenders } = field();
    let events = expected.result().0;
    let mut runners: Vec<Runner> = contenders
        .into_iter()
        .map(|mut contender| {
            if contender.makes {
                let made = contender.work.check();
                assert!(
                    made.result() == expected.result(),
                    "{name}: {} made something else, in {} pieces",
                    contender.name,
                    made.result().0,
                );
            }
            pace(contender, effort)
        })
        .collect();
    for round in 0..effort.rounds {
        for runner in runners.iter_mut().filter(|runner| round < runner.rounds) {
            let (time, made) = runner.contender.work.time(runner.runs);
            if runner.contender.makes {
                assert_eq!(made, runner.runs * events, "{name}: {}", runner.contender.name);
            }
            let each = time.as_secs_f64() * 1e9 / (f64::from(runner.runs) * f64::from(events));
            runner.times.push(each);
        }
    }
    let figures = runners.into_iter().map(figure).collect();
    Measured { work, shape, delivery, goals, plotted, figures }
}

/// Finds how many runs make a batch, which also warms the contender up.
fn pace(mut contender: Contender, effort: Effort) -> Runner {
    let mut runs: u32 = 1;
    let mut time = contender.work.time(runs).0;
    while time < effort.batch {
        // Short times are not exact, so the batch is approached in steps.
        let factor = effort.batch.as_secs_f64() / time.as_secs_f64().max(1e-7);
        if factor < 1.2 {
            break;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small number"
        )]
        let more = (f64::from(runs) * factor.min(8.0)).ceil() as u32;
        runs = more;
        time = contender.work.time(runs).0;
    }
    let affordable = effort.budget.as_nanos() / time.as_nanos().max(1);
    let rounds = usize::try_from(affordable).unwrap_or(usize::MAX).max(3).min(effort.rounds);
    Runner { contender, runs, rounds, times: Vec::with_capacity(rounds) }
}

fn figure(runner: Runner) -> Figure {
    let Runner { contender: Contender { name, kind, .. }, mut times, .. } = runner;
    times.sort_by(f64::total_cmp);
    let at = |quarter: usize| times[(times.len() - 1) * quarter / 4];
    Figure {
        name,
        kind,
        median: at(2),
        lower_quartile: at(1),
        upper_quartile: at(3),
        rounds: times.len(),
    }
}
