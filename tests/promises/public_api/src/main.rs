//! Prints the public API that rustdoc wrote as JSON, a line for each item. Of a derived trait it
//! has only the `impl`; `tests/it/public_types.rs` holds the automatic ones.

use public_api::{Builder, Error};
use std::collections::HashSet;

fn main() -> Result<(), Error> {
    let json = std::env::args_os().nth(1).expect("usage: public_api RUSTDOC_JSON");
    let api = Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true);
    let written = api.clone().omit_auto_derived_impls(true).build()?;
    let written: HashSet<_> = written.items().map(ToString::to_string).collect();
    for item in api.build()?.items().map(ToString::to_string) {
        let derived = item.starts_with("impl") && !item.contains("marker::StructuralPartialEq");
        if derived || written.contains(&item) {
            println!("{item}");
        }
    }
    Ok(())
}
