//! Targets, and what excuses a ratio that is over its target: `peers/benches/floors.toml` names a *floor* for it, which is
//! another ratio of the same run. It measures the least that the code needs, or what the run can resolve.

use toml::Value;

use crate::measure::Run;

/// How far over its floor a ratio may be, whatever the file says.
const WITHIN: f64 = 1.35;

/// Prints the table and the verdict, and returns whether every ratio keeps its target or its floor.
pub(crate) fn check(run: &Run, targets: &[(&str, f64)]) -> bool {
    let floors: toml::Table =
        include_str!("../floors.toml").parse().expect("peers/benches/floors.toml");
    eprintln!("{:<34} {:>8} {:>8} {:>9} {:>9}", "", "ratio", "target", "ours, ns", "other, ns");
    for ratio in run.ratios() {
        let target = targets.iter().find(|target| target.0 == ratio.name);
        eprintln!("{}", ratio.row(target.map(|target| target.1)));
    }
    let (mut kept, mut excused, mut failed) = (0, 0, 0);
    for name in floors.keys().filter(|name| targets.iter().all(|target| target.0 != *name)) {
        eprintln!("FAILED: peers/benches/floors.toml excuses {name}, which has no target");
        failed += 1;
    }
    for &(name, target) in targets {
        match judge(run, floors.get(name), name, target) {
            Ok(None) => kept += 1,
            Ok(Some(excuse)) => {
                eprintln!("{excuse}");
                excused += 1;
            }
            Err(failure) => {
                eprintln!("FAILED: {failure}");
                failed += 1;
            }
        }
    }
    let verdict = if failed == 0 { "passed" } else { "FAILED" };
    eprintln!(
        "{verdict}: {kept} ratios keep their target, {excused} their floor, {failed} neither"
    );
    failed == 0
}

/// `None` if the ratio keeps its target; how it is excused if it keeps its floor; else what is wrong.
fn judge(
    run: &Run,
    floor: Option<&Value>,
    name: &str,
    target: f64,
) -> Result<Option<String>, String> {
    let value = run.value(name).ok_or_else(|| format!("{name} was not measured"))?;
    if value <= target {
        return Ok(None);
    }
    let excuse =
        floor.ok_or_else(|| format!("{name} is {value:.2}, over its target {target:.2}"))?;
    let text = |key: &str| excuse.get(key).and_then(Value::as_str);
    let number = |key: &str| excuse.get(key).and_then(Value::as_float);
    let (Some(reason), Some(floor), Some(within @ 1.0..=WITHIN)) =
        (text("reason"), text("floor"), number("within"))
    else {
        return Err(format!("{name}: a floor has reason, floor, and within from 1.0 to {WITHIN}"));
    };
    let least =
        run.value(floor).ok_or_else(|| format!("{name}: its floor {floor} was not measured"))?;
    let most = (least * within).min(number("at_most").unwrap_or(f64::INFINITY));
    if value > most {
        return Err(format!(
            "{name} is {value:.2}; its floor {floor}, {least:.2}, excuses up to {most:.2}"
        ));
    }
    Ok(Some(format!("{name} is over its target, and within {within} of {floor}: {reason}")))
}
