//! The operations one by one, with Criterion's report. It has no targets: `--bench ratios` has.
//!
//!     cargo bench -p peers --bench criterion        (the report is in target/criterion/report/index.html)
//!     cargo bench -p peers --bench criterion -- cycle

#[cfg(windows)]
fn main() {
    eprintln!(
        "nothing is measured: the peers are measured on Unix; on Windows run the bench win32"
    );
}

#[cfg(not(windows))]
criterion::criterion_main!(operations::all);

#[cfg(not(windows))]
mod operations {
    use std::hint::black_box;
    use std::sync::Arc;

    use criterion::{Criterion, criterion_group};
    use wsp_events::{
        ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, SocketTable, WsaError,
    };

    const READ: NetworkEvent = NetworkEvent::Read;
    const CLOSE: NetworkEvent = NetworkEvent::Close;

    fn recorder(criterion: &mut Criterion) {
        let event = Arc::new(ManualResetEvent::new());
        let recorder = NetworkEventRecorder::new();
        recorder.select(NetworkEvents::FD_ALL_EVENTS, Arc::clone(&event)).unwrap();
        let recorder = black_box(&recorder);
        let mut bench = |name: &str, call: &dyn Fn()| {
            criterion.bench_function(name, |bencher| bencher.iter(call));
        };
        let enumerate = || _ = black_box(recorder.enumerate_and_reset(&event).unwrap());
        bench("enumerate nothing", &enumerate);
        bench("cycle", &|| {
            _ = black_box(recorder.record(READ, Ok(())));
            enumerate();
        });
        bench("error cycle", &|| {
            _ = black_box(recorder.record(READ, Err(WsaError::WSAECONNRESET)));
            enumerate();
        });
        bench("batch cycle", &|| {
            _ = black_box(recorder.record_all([(READ, Ok(())), (CLOSE, Ok(()))]));
            enumerate();
        });
        bench("select", &|| {
            recorder.select(NetworkEvents::FD_ALL_EVENTS, Arc::clone(&event)).unwrap();
        });
        recorder.record(READ, Ok(()));
        bench("repeat", &|| _ = black_box(recorder.record(READ, Ok(()))));
    }

    fn event(criterion: &mut Criterion) {
        let event = ManualResetEvent::new();
        criterion.bench_function("event: set and reset", |bencher| {
            bencher.iter(|| {
                black_box(&event).set();
                black_box(&event).reset();
            });
        });
    }

    fn table(criterion: &mut Criterion) {
        let table = SocketTable::new();
        let descriptor = table.insert(7).unwrap();
        criterion.bench_function("table: get", |bencher| {
            bencher.iter(|| black_box(&table).get(black_box(descriptor)));
        });
        criterion.bench_function("table: insert and remove", |bencher| {
            bencher.iter(|| table.remove(black_box(&table).insert(7).unwrap()));
        });
    }

    criterion_group!(all, recorder, event, table);
}
