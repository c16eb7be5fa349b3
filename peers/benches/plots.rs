//! Draws what `--bench ratios` has measured, into docs/:
//!
//!     cargo bench -p peers --bench ratios >target/speed.txt
//!     cargo bench -p peers --bench plots -- "$PWD/target/speed.txt"
//!
//! `.ci/speed plots` does both. Without a file, as `cargo bench` runs it, it draws nothing, and says so.

use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
/// People with colour blindness can tell these apart, and each shows on white and on black.
const COLOURS: [&str; 6] = ["#2b83ba", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
/// The text takes the colour of the page around it, in dark mode too: by itself the browser's, inside a page of rustdoc the
/// page's.
const HEAD: &str = r#"<svg class="wsp-plot" width="860" height="420" viewBox="0 0 860 420" xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" fill="currentColor">
<style>.wsp-plot{color:var(--main-color,#1f2328);max-width:100%;height:auto}@media(prefers-color-scheme:dark){.wsp-plot{color:var(--main-color,#e6edf3)}}</style>
"#;

/// What a series is called for people.
const LABELS: [(&str, &str); 7] = [
    ("ours", "this crate"),
    ("array", "an array (floor)"),
    ("floor", "bare (floor)"),
    ("mutex", "std Mutex"),
    ("parking_lot", "parking_lot"),
    ("sharded_slab", "sharded-slab"),
    ("map", "RwLock&lt;HashMap&gt;"),
];

/// What is compared: a label; and for each side its name, and the cost that is drawn.
const BARS: [(&str, &[(&str, &str)]); 4] = [
    (
        "an event that is recorded already",
        &[
            ("this crate", "repeat.ours"),
            ("one exchange", "repeat.floor"),
            ("std Mutex", "repeat.mutex"),
        ],
    ),
    (
        "record + enumerate",
        &[
            ("this crate", "cycle.ours"),
            ("bare exchanges", "cycle.floor"),
            ("std Mutex", "cycle.mutex"),
            ("parking_lot Mutex", "cycle.parking_lot"),
        ],
    ),
    (
        "record, another thread enumerates",
        &[
            ("this crate", "contended_record.ours"),
            ("bare exchanges", "contended_record.floor"),
            ("std Mutex", "contended_record.mutex"),
            ("parking_lot Mutex", "contended_record.parking_lot"),
        ],
    ),
    (
        "event object: set + reset",
        &[
            ("this crate", "event.ours"),
            ("rsevents", "event.rsevents"),
            ("event-listener", "event.event_listener"),
        ],
    ),
];

fn main() -> ExitCode {
    // `cargo bench` adds an option of its own.
    let Some(file) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else {
        eprintln!("nothing is drawn: name a file with the output of the bench ratios");
        return ExitCode::SUCCESS;
    };
    match draw(&file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw(file: &str) -> Outcome {
    let text = std::fs::read_to_string(file)?;
    bars(&text)?;
    curves(&text, "sockets", "Enumerate by descriptor", "sockets in the table")?;
    curves(&text, "threads", "Record + enumerate on one recorder", "threads")?;
    curves(&text, "sharing", "Record + enumerate", "sockets that share the event object")
}

fn save(name: &str, drawing: &str) -> Outcome {
    let file = format!("{DOCS}/{name}.svg");
    std::fs::write(&file, format!("{HEAD}{drawing}</svg>\n"))?;
    println!("{file}");
    Ok(())
}

fn text(drawing: &mut String, x: f64, y: f64, anchor: &str, size: u32, text: &str) -> Outcome {
    Ok(writeln!(
        drawing,
        r#"<text x="{x:.0}" y="{y:.0}" text-anchor="{anchor}" font-size="{size}">{text}</text>"#
    )?)
}

/// A bar for each side, with its name and figure beside it.
fn bars(output: &str) -> Outcome {
    let cost = |name| -> Outcome<f64> {
        let line = output.lines().find_map(|line| line.strip_prefix(&format!("cost {name} ")));
        Ok(line.ok_or_else(|| format!("no cost {name}"))?.parse()?)
    };
    let costs: Vec<f64> = BARS
        .iter()
        .flat_map(|(_, sides)| *sides)
        .map(|(_, name)| cost(name))
        .collect::<Outcome<_>>()?;
    let most = costs.iter().copied().fold(0.0, f64::max);
    let (mut drawing, mut costs, mut y) = (String::new(), costs.into_iter(), 40.0);
    text(&mut drawing, 20.0, 24.0, "start", 18, "Nanoseconds a call; shorter is better")?;
    for (label, sides) in BARS {
        y += 21.0;
        text(&mut drawing, 20.0, y, "start", 14, label)?;
        for ((name, _), cost) in sides.iter().zip(&mut costs) {
            y += 19.0;
            text(&mut drawing, 40.0, y, "start", 12, name)?;
            let (width, top) = (560.0 * cost / most, y - 12.0);
            let ours = format!(r#"fill="{}""#, COLOURS[0]);
            let fill = if *name == "this crate" { &ours } else { r#"opacity="0.35""# };
            writeln!(
                drawing,
                r#"<rect x="170" y="{top}" width="{width:.0}" height="15" {fill}/>"#
            )?;
            text(&mut drawing, 178.0 + width, y, "start", 12, &format!("{cost:.1}"))?;
        }
        y += 6.0;
    }
    save("cost", &drawing)
}

/// Draws the lines `curve PLOT SERIES X Y`. The axis of x is logarithmic, that of y if there is much to show.
fn curves(output: &str, plot: &str, title: &str, x_title: &str) -> Outcome {
    let mut series = Vec::<(&str, Vec<(f64, f64)>)>::new();
    for line in output.lines().filter_map(|line| line.strip_prefix(&format!("curve {plot} "))) {
        let [name, x, y] = line.split(' ').collect::<Vec<_>>()[..] else { return Err(line.into()) };
        let point = (x.parse()?, y.parse()?);
        match series.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(point),
            None => series.push((name, vec![point])),
        }
    }
    let points = || series.iter().flat_map(|(_, points)| points);
    let range = |of: fn(&(f64, f64)) -> f64| {
        let values = || points().map(of);
        (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max))
    };
    let ((left, right), (low, high)) = (range(|point| point.0), range(|point| point.1));
    let digits = (0..5).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
    let is_logarithmic = high > 20.0 * low;
    let y_ticks: Vec<f64> = if is_logarithmic {
        digits.filter(|y| (low..high).contains(y)).collect()
    } else {
        let step = digits.clone().find(|step| high < 8.0 * step).unwrap_or(high);
        (0..8).map(|tick| step * f64::from(tick)).filter(|&y| y < high).collect()
    };
    let x_at = |x: f64| 60.0 + 640.0 * (x / left).ln() / (right / left).ln();
    let y_at = |y: f64| {
        let part = if is_logarithmic { (y / low).ln() / (high / low).ln() } else { y / high };
        360.0 - 300.0 * part
    };

    let mut drawing = String::new();
    text(&mut drawing, 20.0, 24.0, "start", 18, &format!("{title}: nanoseconds a call"))?;
    text(&mut drawing, 380.0, 408.0, "middle", 13, x_title)?;
    let mut line = |x: [f64; 2], y: [f64; 2]| {
        writeln!(
            drawing,
            r#"<line x1="{:.0}" y1="{:.0}" x2="{:.0}" y2="{:.0}" stroke="currentColor" opacity="0.25"/>"#,
            x[0], y[0], x[1], y[1]
        )
    };
    let x_ticks: Vec<f64> =
        series.iter().take(1).flat_map(|(_, all)| all).map(|all| all.0).collect();
    x_ticks.iter().try_for_each(|&x| line([x_at(x); 2], [50.0, 365.0]))?;
    y_ticks.iter().try_for_each(|&y| line([60.0, 700.0], [y_at(y); 2]))?;
    for x in x_ticks {
        text(&mut drawing, x_at(x), 384.0, "middle", 12, &grouped(x))?;
    }
    for y in y_ticks {
        text(&mut drawing, 52.0, y_at(y) + 4.0, "end", 12, &y.to_string())?;
    }
    for (at, (name, points)) in series.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let line: Vec<_> =
            points.iter().map(|&(x, y)| format!("{:.1},{:.1}", x_at(x), y_at(y))).collect();
        let line = line.join(" ");
        writeln!(
            drawing,
            r#"<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>"#
        )?;
        let y = 60.0 + 22.0 * at as f64;
        writeln!(
            drawing,
            r#"<rect x="716" y="{}" width="14" height="6" fill="{colour}"/>"#,
            y - 7.0
        )?;
        let label = LABELS.iter().find(|label| label.0 == *name).map_or(*name, |label| label.1);
        text(&mut drawing, 738.0, y, "start", 12, label)?;
    }
    save(plot, &drawing)
}

/// 1000000 as 1,000,000.
fn grouped(number: f64) -> String {
    let digits = number.to_string();
    let group = |(at, digit): (usize, char)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        [comma.then_some(','), Some(digit)].into_iter().flatten()
    };
    digits.chars().enumerate().flat_map(group).collect()
}
