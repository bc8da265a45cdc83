//! Sends the lines of standard input, and prints what comes, in two threads: `blocking_client URL`.

use eventwire_blocking::ws;
use std::io::BufRead;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: blocking_client URL")?;
    let (mut sender, receiver) = ws::connect(url).open()?.split();
    let printer = std::thread::spawn(move || {
        for message in receiver {
            match message {
                Ok(message) => println!("{message}"),
                Err(error) => eprintln!("{error}"),
            }
        }
    });
    for line in std::io::stdin().lock().lines() {
        sender.send(line?)?;
    }
    sender.close(1000, "bye")?;
    printer.join().map_err(|_| "the printer panicked")?;
    Ok(())
}
