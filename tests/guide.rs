//! The guide and the example that it writes are one text: docs/guide/PROVIDER.md shows
//! examples/first_provider.rs from the beginning, step by step, up to its `main`.

const GUIDE: &str = include_str!("../docs/guide/PROVIDER.md");
const EXAMPLE: &str = include_str!("../examples/first_provider.rs");

/// What somebody who follows the guide has typed in the end: its Rust, without the hidden lines.
fn typed(guide: &str) -> String {
    let mut steps = Vec::new();
    let mut step: Option<String> = None;
    for line in guide.lines() {
        match (&mut step, line) {
            (None, "```rust") => step = Some(String::new()),
            (Some(_), "```") => steps.extend(step.take()),
            (Some(step), line) if line != "#" && !line.starts_with("# ") => {
                step.push_str(line);
                step.push('\n');
            }
            _ => {}
        }
    }
    assert_eq!(steps.len(), 5, "the steps of the guide");
    steps.join("\n")
}

/// Catches a step that was changed in one of the two places alone, or that the example has and the guide
/// does not.
#[test]
fn the_guide_writes_the_example() {
    let typed = typed(GUIDE);
    let example = EXAMPLE.replace("\r\n", "\n"); // as git may write it on Windows
    let (example, rest) = example.split_once("\nconst DATAGRAMS").expect("the part with `main`");
    for (number, (ours, theirs)) in typed.lines().zip(example.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {} of the example", number + 1);
    }
    assert_eq!(typed, example);
    assert!(rest.contains("\nfn main() {\n"));
}
