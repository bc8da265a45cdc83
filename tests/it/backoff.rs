//! The bounds, ceilings and randomness of waits.

use eventwire::Backoff;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn waits(mut backoff: Backoff, count: usize) -> Vec<Duration> {
    (0..count).map(|_| backoff.next_wait().unwrap()).collect()
}

#[test]
fn without_jitter_waits_double_to_the_ceiling() {
    let backoff = Backoff::new(SECOND, 10 * SECOND, 1).jitter(0);
    assert_eq!(waits(backoff, 6), [1, 2, 4, 8, 10, 10].map(Duration::from_secs));
}

#[test]
fn the_ceiling_holds_from_the_first_wait_and_for_ever() {
    let backoff = Backoff::new(SECOND, SECOND / 2, 1).jitter(0);
    assert_eq!(waits(backoff, 100), [SECOND / 2; 100]);
    let unbounded = Backoff::new(SECOND, Duration::MAX, 1).jitter(0);
    assert_eq!(*waits(unbounded, 100).last().unwrap(), SECOND * u32::MAX);
    let vast = Backoff::new(Duration::MAX, Duration::MAX, 1);
    assert!(waits(vast, 100).iter().all(|wait| *wait > Duration::ZERO));
}

#[test]
fn each_wait_is_within_its_bounds_and_spread_over_them() {
    for jitter in [1, 30, 100, 255] {
        let share = f64::from(jitter.min(100)) / 100.0;
        for attempt in 0..6 {
            let bound = (1 << attempt).min(20);
            let (mut least, mut most) = (f64::MAX, 0.0_f64);
            for seed in 0..500 {
                let backoff = Backoff::new(SECOND, 20 * SECOND, seed).jitter(jitter);
                let wait = waits(backoff, attempt + 1)[attempt].as_secs_f64() / f64::from(bound);
                (least, most) = (least.min(wait), most.max(wait));
            }
            assert!(1.0 - share <= least && least < 1.0 - 0.98 * share, "{jitter}: {least}");
            assert!(1.0 - 0.02 * share < most && most <= 1.0, "{jitter}: {most}");
        }
    }
}

#[test]
fn the_same_seed_waits_alike_and_another_does_not() {
    let of = |seed| waits(Backoff::new(SECOND, 60 * SECOND, seed), 8);
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    let eight = of(7);
    assert_eq!(eight.iter().collect::<std::collections::HashSet<_>>().len(), 8, "{eight:?}");
}

#[test]
fn attempts_end_and_begin_again() {
    let mut backoff = Backoff::new(SECOND, 8 * SECOND, 1).jitter(0).max_attempts(2);
    for _ in 0..2 {
        assert_eq!(backoff.next_wait(), Some(SECOND));
        assert_eq!(backoff.next_wait(), Some(2 * SECOND));
        assert_eq!((backoff.next_wait(), backoff.attempts()), (None, 2));
        backoff.reset();
    }
    assert_eq!(Backoff::new(SECOND, SECOND, 1).max_attempts(0).next_wait(), None);
    backoff.next_wait();
    backoff.next_wait();
    assert_eq!(backoff.max_attempts(1).next_wait(), None, "the new maximum is already passed");
}

#[test]
fn only_a_good_stretch_starts_over() {
    let mut by_default = Backoff::new(SECOND, 8 * SECOND, 1).jitter(0);
    let mut backoff = by_default.clone().reset_after(3 * SECOND);
    for (backoff, enough) in [(&mut by_default, 8 * SECOND), (&mut backoff, 3 * SECOND)] {
        backoff.next_wait();
        backoff.connection_lasted(enough.saturating_sub(Duration::from_nanos(1)));
        assert_eq!(backoff.attempts(), 1);
        backoff.connection_lasted(enough);
        assert_eq!(backoff.attempts(), 0);
    }
}
