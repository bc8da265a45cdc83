//! The log with many readers: the items that it holds, and the report to a slow reader.

use eventwire::{Fanout, FanoutOptions, Lagged, Subscriber};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn second(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn pushed<T: AsRef<str>>(options: FanoutOptions, items: impl IntoIterator<Item = T>) -> Fanout<T> {
    let mut log = Fanout::new(options);
    for item in items {
        let len = item.as_ref().len();
        log.push(item, len, NOW);
    }
    log
}

/// Returns everything that the log holds for a subscriber, and how many items it missed.
fn read(log: &Fanout<&'static str>, subscriber: &mut Subscriber) -> (String, u64) {
    let (mut text, mut missed) = (String::new(), 0);
    loop {
        match log.next(subscriber) {
            Ok(Some(item)) => text.push_str(item),
            Ok(None) => return (text, missed),
            Err(lagged) => missed += lagged.missed,
        }
    }
}

#[test]
fn what_is_over_a_limit_is_dropped_from_the_oldest() {
    let options = FanoutOptions::new();
    let rows = [
        ("number", options.max_items(2), "cd"),
        ("number, at least one", options.max_items(0), "d"),
        ("length", options.max_bytes(3), "bcd"),
        ("length, but the newest", options.max_bytes(0), "d"),
        ("both", options.max_bytes(3).max_items(2), "cd"),
        ("neither", options, "abcd"),
    ];
    for (name, options, held) in rows {
        let log = pushed(options, ["a", "b", "c", "d"]);
        assert_eq!(read(&log, &mut log.subscribe_from_oldest()), (held.to_owned(), 0), "{name}");
        assert_eq!((log.len(), log.is_empty()), (held.len(), false), "{name}");
    }
}

#[test]
fn one_long_item_makes_room_for_itself_and_goes_for_the_next() {
    let mut log = Fanout::new(FanoutOptions::new().max_bytes(10));
    let mut subscriber = log.subscribe();
    for (item, len, held) in
        [("a", 4, 1), ("b", 4, 2), ("c", 1000, 1), ("d", usize::MAX, 1), ("e", 1, 1), ("f", 9, 2)]
    {
        log.push(item, len, NOW);
        assert_eq!(log.len(), held, "{item}");
    }
    assert_eq!(read(&log, &mut subscriber), ("ef".to_owned(), 4));
}

#[test]
fn what_is_too_old_goes_with_the_next_push_or_when_asked() {
    let mut log = Fanout::new(FanoutOptions::new().max_age(second(10)));
    log.push("a", 1, second(0));
    log.push("b", 1, second(5));
    log.push("c", 1, second(10)); // "a" is just young enough
    assert_eq!(log.len(), 3);
    log.push("d", 1, second(11));
    assert_eq!(read(&log, &mut log.subscribe_from_oldest()).0, "bcd");
    log.expire(second(21));
    assert_eq!(read(&log, &mut log.subscribe_from_oldest()).0, "d");
    log.expire(second(100));
    assert!(log.is_empty());
    log.push("e", 1, second(50)); // a clock set back makes no item old
    assert_eq!(read(&log, &mut log.subscribe_from_oldest()).0, "e");
}

#[test]
fn each_reads_at_its_own_pace_and_the_slow_one_is_told_once() {
    let mut log = Fanout::new(FanoutOptions::new().max_items(3));
    let (mut quick, mut slow) = (log.subscribe(), log.subscribe());
    for item in ["a", "b", "c", "d", "e"] {
        log.push(item, 1, NOW);
        assert_eq!(log.next(&mut quick), Ok(Some(&item)));
        assert_eq!(log.next(&mut quick), Ok(None));
    }
    assert_eq!(log.next(&mut slow), Err(Lagged { missed: 2 }));
    assert_eq!(log.next(&mut slow), Ok(Some(&"c"))); // it reads on at the oldest item held
    assert_eq!(read(&log, &mut slow), ("de".to_owned(), 0));
    assert_eq!(read(&log, &mut log.subscribe()), (String::new(), 0));
    assert_eq!(Lagged { missed: 2 }.to_string(), "too slow: 2 items missed");
}

#[test]
fn a_subscriber_of_another_log_harms_nobody() {
    let long = pushed(FanoutOptions::new(), ["a", "b", "c"]);
    let short = pushed(FanoutOptions::new(), ["x"]);
    assert_eq!(read(&short, &mut long.subscribe()), (String::new(), 0));
    assert_eq!(read(&long, &mut short.subscribe()), ("bc".to_owned(), 0));
}

#[derive(Clone, Debug)]
enum Step {
    Push { len: usize },
    Pass { seconds: u64 },
    Expire,
    Subscribe { oldest: bool },
    Read { who: usize, times: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..20_usize).prop_map(|len| Step::Push { len }),
        1 => (0..6_u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Expire),
        1 => any::<bool>().prop_map(|oldest| Step::Subscribe { oldest }),
        4 => (0..8_usize, 1..6_usize).prop_map(|(who, times)| Step::Read { who, times }),
    ]
}

proptest! {
    /// Compares the log with a list of everything. No subscriber gets an item twice, out of order,
    /// or misses one without a report. The log holds what its limits allow.
    #[test]
    fn it_reads_as_a_list_of_everything_does(
        steps in vec(step(), 1..80),
        items in 1..8_usize,
        bytes in 0..60_usize,
        age in 0..12_u64,
    ) {
        let options = FanoutOptions::new().max_items(items).max_bytes(bytes).max_age(second(age));
        let mut log = Fanout::new(options);
        // Each item is its own number. The list has its length and its time.
        let mut all: Vec<(usize, u64)> = Vec::new();
        let (mut oldest, mut now) = (0, 0);
        // Each reader, and the number of its next item.
        let mut readers: Vec<(Subscriber, usize)> = Vec::new();
        for step in steps {
            let push = matches!(step, Step::Push { .. });
            match step {
                Step::Push { len } => {
                    log.push(all.len(), len, second(now));
                    all.push((len, now));
                }
                Step::Pass { seconds } => now += seconds,
                Step::Expire => log.expire(second(now)),
                Step::Subscribe { oldest: true } => readers.push((log.subscribe_from_oldest(), oldest)),
                Step::Subscribe { oldest: false } => readers.push((log.subscribe(), all.len())),
                Step::Read { who, times } => {
                    let readers_len = readers.len().max(1);
                    let Some((subscriber, next)) = readers.get_mut(who % readers_len) else { continue };
                    for _ in 0..times {
                        let expected = if *next < oldest {
                            Err(Lagged { missed: (oldest - std::mem::replace(next, oldest)) as u64 })
                        } else if *next < all.len() {
                            *next += 1;
                            Ok(Some(*next - 1))
                        } else {
                            Ok(None)
                        };
                        prop_assert_eq!(log.next(subscriber).map(Option::<&usize>::copied), expected);
                    }
                }
            }
            if push || matches!(step, Step::Expire) {
                let fresh = |at: usize| now.saturating_sub(all[at].1) <= age;
                while oldest < all.len() && !(push && oldest + 1 == all.len()) && !fresh(oldest) {
                    oldest += 1;
                }
                let held = |oldest: usize| all[oldest..].iter().map(|(len, _)| len).sum::<usize>();
                while all.len() - oldest > items || all.len() - oldest > 1 && held(oldest) > bytes {
                    oldest += 1;
                }
            }
            prop_assert_eq!(log.len(), all.len() - oldest);
        }
    }
}
