//! Draws what `--bench ratios` has measured, into docs/:
//!
//!     cargo bench -p peers --bench ratios >target/ratios.txt
//!     cargo bench -p peers --bench plots -- "$PWD/target/ratios.txt"
//!
//! `.ci/speed plots` does both. Without a file, as `cargo bench` runs it, it draws nothing, and says so.

use std::process::ExitCode;

#[cfg(windows)]
fn main() -> ExitCode {
    eprintln!("nothing is drawn: the plots are measured on Unix");
    ExitCode::SUCCESS
}

#[cfg(not(windows))]
fn main() -> ExitCode {
    // `cargo bench` adds an option of its own.
    let Some(file) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else {
        eprintln!("nothing is drawn: name a file with the output of the bench ratios");
        return ExitCode::SUCCESS;
    };
    match std::fs::read_to_string(&file).map_err(Into::into).and_then(|text| draw::all(&text)) {
        Ok(()) => {
            eprintln!("drawn: cost.svg, sockets.svg and threads.svg in docs, from {file}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("FAILED: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(windows))]
mod draw {
    use std::collections::BTreeMap;
    use std::error::Error;

    use plotters::prelude::*;

    type Outcome = Result<(), Box<dyn Error>>;

    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    const SIZE: (u32, u32) = (860, 420);
    const OURS: RGBColor = RGBColor(0, 114, 178);
    /// People with colour blindness can tell these apart.
    const COLOURS: [RGBColor; 4] =
        [OURS, RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

    /// What is compared: a label; and for each side its name, and the cost that is drawn.
    const BARS: [(&str, &[(&str, &str)]); 4] = [
        (
            "a repeated event",
            &[
                ("this crate", "repeat_vs_mutex.ours"),
                ("std Mutex", "repeat_vs_mutex.other"),
                ("one atomic RMW", "repeat_vs_rmw.other"),
            ],
        ),
        (
            "record + enumerate",
            &[
                ("this crate", "cycle_vs_mutex.ours"),
                ("std Mutex", "cycle_vs_mutex.other"),
                ("parking_lot Mutex", "cycle_vs_parking_lot.other"),
            ],
        ),
        (
            "record, another thread enumerates",
            &[
                ("this crate", "contended_record_vs_mutex.ours"),
                ("std Mutex", "contended_record_vs_mutex.other"),
            ],
        ),
        (
            "event object: set + reset",
            &[
                ("this crate", "event_vs_rsevents.ours"),
                ("rsevents", "event_vs_rsevents.other"),
                ("event-listener", "event_vs_event_listener.other"),
            ],
        ),
    ];

    pub(crate) fn all(text: &str) -> Outcome {
        bars(text)?;
        curve(text, "sockets", "enumerate by descriptor", "sockets in the table")?;
        curve(text, "threads", "record + enumerate", "threads (on the processors of this machine)")
    }

    fn cost(text: &str, name: &str) -> Result<f64, Box<dyn Error>> {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("cost {name} ")));
        Ok(line.ok_or_else(|| format!("no cost {name}"))?.parse()?)
    }

    /// Cost per operation against the peers: one bar each, with its name and figure beside it.
    fn bars(text: &str) -> Outcome {
        let mut bars = Vec::new();
        for (label, sides) in BARS {
            for &(name, side) in sides {
                bars.push((label, name, cost(text, side)?));
            }
        }
        let most = bars.iter().map(|bar| bar.2).fold(0.0, f64::max);

        let file = format!("{DOCS}/cost.svg");
        let root = SVGBackend::new(&file, SIZE).into_drawing_area();
        let text_at = |x, y, text: &str, size| {
            root.draw(&Text::new(text.to_owned(), (x, y), ("sans-serif", size)))
        };
        text_at(20, 12, "Nanoseconds a call; shorter is better", 20)?;
        let (mut y, mut last) = (44, "");
        for (label, name, cost) in bars {
            if label != last {
                text_at(20, y + 4, label, 16)?;
                last = label;
                y += 24;
            }
            let colour = if name == "this crate" { OURS.filled() } else { BLACK.mix(0.3).filled() };
            let width = (cost / most * 560.0) as i32;
            root.draw(&Rectangle::new([(170, y), (170 + width, y + 16)], colour))?;
            text_at(40, y + 1, name, 14)?;
            text_at(178 + width, y + 1, &format!("{cost:.1}"), 14)?;
            y += 21;
        }
        root.present()?;
        drop(root);
        for_any_background(&file)
    }

    /// Draws the lines `curve PLOT SERIES X Y`: x on a logarithmic axis, y from 0.
    fn curve(text: &str, plot: &str, title: &str, x_title: &str) -> Outcome {
        let mut series = BTreeMap::<&str, Vec<(f64, f64)>>::new();
        for line in text.lines().filter_map(|line| line.strip_prefix(&format!("curve {plot} "))) {
            let mut parts = line.rsplitn(3, ' ');
            let y = parts.next().ok_or("no y")?.parse()?;
            let x = parts.next().ok_or("no x")?.parse()?;
            series.entry(parts.next().ok_or("no series")?).or_default().push((x, y));
        }
        let points = || series.values().flatten();
        let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
        let (right, top) = (most(|point| point.0), most(|point| point.1));
        let left = points().map(|point| point.0).fold(right, f64::min);

        let file = format!("{DOCS}/{plot}.svg");
        let root = SVGBackend::new(&file, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .caption(format!("{title}: nanoseconds a call"), ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(50)
            .build_cartesian_2d((left..right).log_scale(), 0.0..top * 1.4)?;
        chart.configure_mesh().light_line_style(TRANSPARENT).x_desc(x_title).draw()?;
        // Ours get the first colour.
        let ours = |name: &&str| usize::from(!name.contains("recorder") && !name.contains("Table"));
        let mut names: Vec<_> = series.keys().copied().collect();
        names.sort_by_key(ours);
        for (name, colour) in names.into_iter().zip(COLOURS) {
            let points = series[name].clone();
            let circles = points.clone().into_iter();
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?.label(name).legend(
                move |(x, y)| Rectangle::new([(x, y - 3), (x + 14, y + 3)], colour.filled()),
            );
            chart.draw_series(circles.map(|point| Circle::new(point, 3, colour.filled())))?;
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).draw()?;
        root.present()?;
        drop(chart);
        drop(root);
        for_any_background(&file)
    }

    /// Gives what is black the colour of the text around it, so that a plot can be read in dark mode. A plot by itself
    /// takes the browser's colour, and one inside a page of rustdoc the page's.
    fn for_any_background(file: &str) -> Outcome {
        const STYLE: &str = "<style>.wsp-plot{color:var(--main-color,#1f2328);max-width:100%;height:auto}\
            @media(prefers-color-scheme:dark){.wsp-plot{color:var(--main-color,#e6edf3)}}</style>";
        let svg = std::fs::read_to_string(file)?.replace("#000000", "currentColor");
        let (head, rest) = svg.split_once("<svg ").ok_or("no svg")?;
        let (attributes, rest) = rest.split_once('>').ok_or("no svg")?;
        std::fs::write(
            file,
            format!("{head}<svg class=\"wsp-plot\" {attributes}>\n{STYLE}{rest}"),
        )?;
        Ok(())
    }
}
