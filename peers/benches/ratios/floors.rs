//! Targets, and what excuses a ratio that is over its target: `peers/benches/floors.toml` names a *floor* for
//! it, another ratio of the same run, which measures what cannot be done without, or how exactly the run can
//! tell. So nobody can claim a floor: it has to show.

use crate::measure::Run;

/// How far over its floor a ratio may be at most, whatever the file says.
const WITHIN: f64 = 1.35;

/// Prints the table, and whether every ratio keeps its target or its floor.
pub(crate) fn check(run: &Run, targets: &[(&str, f64)]) -> bool {
    let floors: toml::Table =
        include_str!("../floors.toml").parse().expect("peers/benches/floors.toml");
    eprintln!("{:<34} {:>8} {:>8} {:>9} {:>9}", "", "ratio", "target", "ours, ns", "other, ns");
    for ratio in run.ratios() {
        let target = targets.iter().find(|target| target.0 == ratio.name);
        eprintln!("{}", ratio.row(target.map(|target| target.1)));
    }
    let mut kept = true;
    let mut fail = |what: String| {
        eprintln!("FAILED: {what}");
        kept = false;
    };
    for name in floors.keys().filter(|name| targets.iter().all(|target| target.0 != *name)) {
        fail(format!("peers/benches/floors.toml excuses {name}, which has no target"));
    }
    for &(name, target) in targets {
        let Some(value) = run.value(name) else {
            fail(format!("{name} was not measured"));
            continue;
        };
        if value <= target {
            continue;
        }
        let Some(excuse) = floors.get(name) else {
            fail(format!("{name} is {value:.2}, over its target {target:.2}"));
            continue;
        };
        let text = |key: &str| excuse.get(key).and_then(toml::Value::as_str);
        let within = excuse.get("within").and_then(toml::Value::as_float);
        let (Some(reason), Some(floor), Some(within @ 1.0..=WITHIN)) =
            (text("reason"), text("floor"), within)
        else {
            fail(format!("{name}: a floor has reason, floor, and within from 1.0 to {WITHIN}"));
            continue;
        };
        let Some(least) = run.value(floor) else {
            fail(format!("{name}: its floor {floor} was not measured"));
            continue;
        };
        let at_most = excuse.get("at_most").and_then(toml::Value::as_float);
        let excused = (least * within).min(at_most.unwrap_or(f64::INFINITY));
        if value > excused {
            fail(format!(
                "{name} is {value:.2}, over {excused:.2}, which {floor}, {least:.2}, excuses"
            ));
        } else {
            eprintln!("{name} is over its target, and within {within} of {floor}: {reason}");
        }
    }
    kept
}
