//! From a rule to the code that keeps it and the tests that hold it there, and back: every rule of
//! docs/CONTRACT.md is cited by the library, and by the name of a test.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of a kind below a folder of the package, in one string.
fn files(folder: &str, kind: &str) -> String {
    fn collect(folder: &Path, kind: &str, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, kind, text);
            } else if path.extension().is_some_and(|extension| extension == kind) {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    collect(&root().join(folder), kind, &mut text);
    text
}

/// The ids that open a line of the contract: `- **E4** …`.
fn rules() -> Vec<String> {
    let contract = fs::read_to_string(root().join("docs/CONTRACT.md")).unwrap();
    let ids = contract.lines().filter_map(|line| line.strip_prefix("- **")?.split_once("**"));
    ids.map(|(id, _)| id.to_owned()).collect()
}

fn cites(text: &str, id: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == id)
}

/// Catches a rule that nothing keeps, or that nothing tests.
#[test]
fn every_rule_is_cited_by_the_library_and_by_a_test() {
    let (src, tests) = (files("src", "rs"), files("tests", "rs"));
    let rules = rules();
    assert!(rules.len() > 40, "the contract's rules were not found");
    let unkept: Vec<_> = rules.iter().filter(|id| !cites(&src, id)).collect();
    let named = |id: &str| tests.contains(&format!("fn {}_", id.to_lowercase()));
    let untested: Vec<_> = rules.iter().filter(|id| !named(id)).collect();
    assert!(unkept.is_empty(), "no source file cites {unkept:?}");
    assert!(untested.is_empty(), "no test is named after {untested:?}");
}

/// Catches a citation of a rule that does not exist (any more).
#[test]
fn every_citation_is_of_a_rule() {
    let rules = rules();
    let cited = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let is_id = |word: &&str| {
            let (section, number) = word.split_at_checked(1).unwrap_or_default();
            "VRSEKLP".contains(section)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        words.filter(is_id).map(str::to_owned).collect()
    };
    let folders =
        [("src", "rs"), ("tests", "rs"), ("examples", "rs"), ("docs", "md"), ("kit", "rs")];
    // Not all of them are in the published package.
    for (folder, kind) in folders.into_iter().filter(|(folder, _)| root().join(folder).exists()) {
        for id in cited(&files(folder, kind)) {
            assert!(rules.contains(&id), "{folder} cites {id}, which is no rule");
        }
    }
}
