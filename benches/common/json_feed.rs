//! JSON as a feed of trades sends it.

/// Returns `count` messages of about `len` bytes, all different, and the same in every run.
pub fn messages(len: usize, count: usize) -> Vec<String> {
    let mut trades = Trades { random: 1, id: 736_104_000 };
    let message = |_| {
        let mut text = format!("{{\"trades\":[{}", trades.next());
        // Ends within half a trade of `len`.
        while text.len() + 40 < len {
            text = text + "," + &trades.next();
        }
        text + "]}"
    };
    (0..count).map(message).collect()
}

struct Trades {
    random: u64,
    id: u64,
}

impl Trades {
    fn next(&mut self) -> String {
        self.id += 1 + self.below(4);
        let id = self.id;
        let symbol =
            self.one_of(["BTC-USD", "ETH-USD", "SOL-EUR", "DOGE-USD", "ADA-EUR", "XRP-USD"]);
        let (price, cents) = (61_000 + self.below(900), self.below(100));
        let (whole, part) = (self.below(3), self.below(10_000));
        let side = self.one_of(["buy", "sell"]);
        format!(
            "{{\"id\":{id},\"symbol\":\"{symbol}\",\"price\":\"{price}.{cents:02}\",\
             \"size\":\"{whole}.{part:04}\",\"side\":\"{side}\"}}"
        )
    }

    fn one_of<const N: usize>(&mut self, all: [&'static str; N]) -> &'static str {
        let index = usize::try_from(self.below(N as u64));
        all[index.expect("an index")]
    }

    /// Returns the next number of a linear congruential generator, from its better bits.
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        (self.random >> 33) % limit
    }
}
