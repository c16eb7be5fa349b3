//! The machine: what it is, where a thread runs, and whether somebody else has taken its processor, or half of it.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// For people: the processor, how many of them, the system.
pub(crate) fn name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |key| {
        let line = info
            .lines()
            .find(|line| line.split(':').next().is_some_and(|name| name.trim_end() == key));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or("?")
    };
    let [model, family, number] = ["model name", "cpu family", "model"].map(field);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{model} (family {family}, model {number}), {processors} processors, {os}, {arch}")
}

/// Tells whether somebody else uses the other half of this processor's core: another process, or another machine on the same
/// host. Then steps that could run side by side take longer, while steps of which each needs the one before do not. Both
/// follow the frequency.
pub(crate) struct Core {
    /// How often the first took so many hundredths of the time of the second.
    seen: [u32; 1000],
}

impl Default for Core {
    fn default() -> Self {
        let mut core = Self { seen: [0; 1000] };
        (0..1000).for_each(|_| _ = core.is_shared());
        core
    }
}

impl Core {
    const STEPS: u64 = 2_000;

    pub(crate) fn is_shared(&mut self) -> bool {
        let time = |work: fn()| {
            let times = [(); 3].map(|()| {
                let start = Instant::now();
                work();
                start.elapsed()
            });
            times.into_iter().fold(Duration::MAX, Duration::min).as_secs_f64()
        };
        let ratio = (100.0 * time(Self::side_by_side) / time(Self::one_by_one)) as usize;
        self.seen[ratio.min(999)] += 1;
        // One in a hundred may be an error of measurement.
        let few = self.seen.iter().sum::<u32>() / 100;
        let mut sum = 0;
        let least = self.seen.iter().position(|count| {
            sum += count;
            sum > few
        });
        least.is_some_and(|least| 100 * ratio > 108 * least)
    }

    fn one_by_one() {
        let number = (0..Self::STEPS).fold(black_box(3_u64), |it, _| it.wrapping_mul(it) ^ 1);
        black_box(number);
    }

    fn side_by_side() {
        let mut numbers = black_box([1_u64, 2, 3, 4, 5, 6, 7, 8]);
        for step in 0..Self::STEPS {
            numbers = numbers.map(|it| (it ^ step).rotate_left(1));
            numbers[0] = black_box(numbers[0]);
        }
        black_box(numbers);
    }
}

/// In cache lines of its own; some processors fetch two together.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

/// Whether the two processors are halves of one core, as a host can place them at any time: then a cache line goes from one
/// to the other and back in 6 times the time of an exchange. Between cores of an Intel server it takes 22 times.
pub(crate) fn are_of_one_core() -> bool {
    const BLOCKS: usize = 200;
    const TURNS: usize = 100;
    let [one, other] = processors()[..] else { return false };
    let shortest = |turn: &dyn Fn()| {
        let times = (0..BLOCKS).map(|_| {
            let start = Instant::now();
            (0..TURNS).for_each(|_| turn());
            start.elapsed()
        });
        times.min().unwrap_or_default()
    };
    let [Apart(word), Apart(unshared)] = &[(); 2].map(|()| Apart(AtomicUsize::new(0)));
    let hand_over = |to| {
        while word.load(Ordering::Relaxed) % 2 != to {}
        word.fetch_add(1, Ordering::Relaxed);
    };
    let here = || {
        run_on(one);
        let exchange = shortest(&|| _ = unshared.fetch_add(1, Ordering::Relaxed));
        (exchange, shortest(&|| hand_over(0)))
    };
    let there = || {
        run_on(other);
        (0..BLOCKS * TURNS).for_each(|_| hand_over(1));
    };
    thread::scope(|scope| {
        scope.spawn(there);
        let (exchange, there_and_back) = scope.spawn(here).join().unwrap();
        there_and_back < 8 * exchange
    })
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::iter;
    use std::os::unix::fs::FileExt;
    use std::time::Duration;

    use rustix::process::{Resource, getpid, getrlimit, setrlimit};
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    use rustix::time::{ClockId, clock_gettime};

    /// As many descriptors as this process may have.
    pub(crate) fn open_many() {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).unwrap();
    }

    /// The processors that this process may run on. Its first thread is never held to one.
    fn ours() -> CpuSet {
        sched_getaffinity(Some(getpid())).unwrap()
    }

    /// Two processors that this process may run on, of different cores if there are; or the only one.
    pub(crate) fn processors() -> Vec<usize> {
        let ours = ours();
        let mut ours = (0..CpuSet::MAX_CPU).filter(|&processor| ours.is_set(processor));
        let one = ours.next().unwrap();
        let core = |processor| {
            let topology = format!("/sys/devices/system/cpu/cpu{processor}/topology");
            fs::read_to_string(topology + "/thread_siblings_list").unwrap_or_default()
        };
        let others: Vec<_> = ours.collect();
        let of_another_core = others.iter().find(|&&other| core(other) != core(one));
        iter::once(&one).chain(of_another_core.or(others.first())).copied().collect()
    }

    /// Holds the calling thread to a processor for the rest of its life.
    pub(crate) fn run_on(processor: usize) {
        let mut only = CpuSet::new();
        only.set(processor);
        sched_setaffinity(None, &only).unwrap();
    }

    /// The unit of /proc/stat is the same everywhere but on Alpha.
    const HZ: u64 = 100;

    /// How much time other processes, and other machines on the same host, have had of the processors that this process may
    /// run on. Two calls tell it of the time between them.
    pub(crate) fn time_of_others() -> Duration {
        let ours = ours();
        let all = fs::read_to_string("/proc/stat").unwrap();
        let ticks: u64 = all
            .lines()
            .filter_map(|line| line.strip_prefix("cpu")?.split_once(' '))
            .filter(|(number, _)| number.parse().is_ok_and(|number| ours.is_set(number)))
            .map(|(_, times)| {
                let times: Vec<u64> = times.split(' ').map(|time| time.parse().unwrap()).collect();
                // As user, as a nice user, in the system, and of another machine. Interrupts are nobody's.
                [0, 1, 2, 7].map(|kind| times[kind]).iter().sum::<u64>()
            })
            .sum();
        let all = Duration::from_millis(ticks * 1000 / HZ);
        let this = clock_gettime(ClockId::ProcessCPUTime);
        all.saturating_sub(this.try_into().unwrap())
    }

    /// A thread's own figures, which others can read.
    pub(crate) struct Status(File);

    impl Status {
        pub(crate) fn of_this_thread() -> Self {
            Self(File::open("/proc/thread-self/schedstat").unwrap())
        }

        /// How many nanoseconds it has waited for a processor that another thread had.
        pub(crate) fn waited(&self) -> u64 {
            let mut text = [0; 100];
            let length = self.0.read_at(&mut text, 0).unwrap();
            let text = std::str::from_utf8(&text[..length]).unwrap();
            text.split(' ').nth(1).unwrap().parse().unwrap()
        }
    }
}

/// Elsewhere threads run where the scheduler puts them, and nobody knows what came between.
#[cfg(not(target_os = "linux"))]
mod linux {
    use std::time::Duration;

    pub(crate) fn open_many() {}

    pub(crate) fn processors() -> Vec<usize> {
        vec![0, 1]
    }

    pub(crate) fn run_on(_: usize) {}

    pub(crate) fn time_of_others() -> Duration {
        Duration::ZERO
    }

    pub(crate) struct Status;

    impl Status {
        pub(crate) fn of_this_thread() -> Self {
            Self
        }

        pub(crate) fn waited(&self) -> u64 {
            0
        }
    }
}

pub(crate) use linux::{Status, open_many, processors, run_on, time_of_others};
