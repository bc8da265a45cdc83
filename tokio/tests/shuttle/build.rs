//! Chooses the locks of `shuttle`, in `tokio/src/ws/sync.rs`.

fn main() {
    println!("cargo::rustc-cfg=eventwire_shuttle");
}
