//! The header and the library are one interface: each function, structure and constant of `include/wsp_events.h` is what
//! the Rust source and the crate `wsp-events` say. (`tests/contract.c` calls them all.)

use std::collections::BTreeSet;
use std::mem::offset_of;

use wsp_events::spi::WSANETWORKEVENTS;
use wsp_events::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents, WsaError};

const HEADER: &str = include_str!("../include/wsp_events.h");
const CALLS: &str = include_str!("../src/calls.rs");
const EVENT_OBJECT: &str = include_str!("../src/event_object.rs");
const MEMORY: &str = include_str!("../src/memory.rs");

/// Text with one space where there are several, none beside a bracket, and no comma before one.
fn squeezed(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace("( ", "(").replace(" )", ")").replace(",)", ")")
}

/// What stands between two texts, for each time that they come in this order.
fn all_between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    let ends = |rest: &'t str| rest.split_once(to).expect("the end of a declaration").0;
    text.split(from).skip(1).map(ends).collect()
}

fn header_without_comments() -> String {
    let parts = HEADER.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code));
    parts.collect::<Vec<_>>().join(" ")
}

/// The declarations of the header: what ends in a semicolon, and is not inside a structure.
fn declarations() -> Vec<String> {
    let code = header_without_comments();
    let lines = code.lines().filter(|line| !line.starts_with('#'));
    let code = squeezed(&lines.collect::<Vec<_>>().join(" ")).replace("extern \"C\" { ", "");
    let mut found = vec![String::new()];
    let mut depth = 0;
    for c in code.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(c);
    }
    found.iter().map(|it| it.trim().to_owned()).filter(|it| !it.starts_with("WSP_ASSERT")).collect()
}

/// A declaration in C of a name with a type of Rust.
fn in_c(name: &str, rust: &str) -> String {
    let pointer = |to: &str| format!("{}*{name}", in_c("", to));
    if let Some(function) = rust.strip_prefix("Option<unsafe extern \"C\" fn(") {
        let (arguments, result) = function.split_once(") -> ").unwrap();
        let result = in_c("", result.trim_end_matches('>'));
        return format!("{result}(*{name})({})", arguments_in_c(arguments));
    }
    match rust {
        "()" => format!("void {name}"),
        "i32" => format!("int32_t {name}"),
        "u32" => format!("uint32_t {name}"),
        "c_void" => format!("void {name}"),
        "Recorder" => format!("wsp_recorder {name}"),
        "RecordedForC" => format!("wsp_recorded {name}"),
        "EventObject" => format!("wsp_event_object {name}"),
        "EventObjectCalls" => format!("wsp_event_object_calls {name}"),
        "WSANETWORKEVENTS" => format!("wsp_network_events {name}"),
        "Deliver" => format!("wsp_deliver {name}"),
        "Call<i32>" => format!("int32_t (*{name})(void *context)"),
        "Call<()>" => format!("void (*{name})(void *context)"),
        _ => match rust.strip_prefix("*const ") {
            Some(to) => format!("const {}", pointer(to)),
            None => pointer(rust.strip_prefix("*mut ").expect("a type that is known here")),
        },
    }
}

fn arguments_in_c(arguments: &str) -> String {
    let arguments = arguments.split(", ").map(|argument| {
        let (name, rust) = argument.split_once(": ").unwrap();
        in_c(name, rust)
    });
    arguments.collect::<Vec<_>>().join(", ")
}

/// A structure of Rust, all of whose fields are public, as C declares it.
fn structure(source: &str, rust: &str, c: &str) -> String {
    let code: String = source.lines().filter(|line| !line.contains("///")).collect();
    let fields = all_between(&code, &format!("pub struct {rust} {{"), "}");
    let fields = squeezed(fields[0]);
    let fields = fields.split("pub ").skip(1).map(|field| {
        let (name, rust) = field.trim().trim_end_matches(',').split_once(": ").unwrap();
        in_c(name, rust) + "; "
    });
    format!("typedef struct {c} {{ {}}} {c}", fields.collect::<String>())
}

/// Catches a function that only one side has; another argument, order, type or name; and a structure or a callback with
/// other fields.
#[test]
fn the_declarations_are_those_of_the_library() {
    let functions = all_between(CALLS, "#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn ", " {");
    assert_eq!(functions.len(), CALLS.matches("no_mangle").count());
    let functions = functions.iter().map(|function| {
        let function = squeezed(function);
        let (head, result) = function.split_once(") -> ").unwrap();
        let (name, arguments) = head.split_once('(').unwrap();
        in_c(&format!("{name}({})", arguments_in_c(arguments)), result)
    });
    let deliver = all_between(CALLS, "pub type Deliver =\n    ", ";")[0];
    let ours = functions.chain([
        structure(CALLS, "RecordedForC", "wsp_recorded"),
        structure(EVENT_OBJECT, "EventObjectCalls", "wsp_event_object_calls"),
        structure(EVENT_OBJECT, "EventObject", "wsp_event_object"),
        format!("typedef {}", in_c("wsp_deliver", deliver)),
        "typedef struct wsp_network_events { int32_t lNetworkEvents; int32_t iErrorCode[10]; } \
         wsp_network_events"
            .to_owned(),
        "typedef struct wsp_recorder { WSP_ALIGNED_TO_8 unsigned char opaque[WSP_RECORDER_SIZE]; } \
         wsp_recorder"
            .to_owned(),
    ]);
    let ours: BTreeSet<_> = ours.collect();
    let mut theirs: BTreeSet<_> = declarations().into_iter().collect();
    assert!(theirs.remove("}"), "the end of extern \"C\"");
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a - b;
    assert_eq!(only(&ours, &theirs), BTreeSet::new(), "not in the header, or not like this");
    assert_eq!(only(&theirs, &ours), BTreeSet::new(), "not in the library, or not like this");
}

/// Catches a WSANETWORKEVENTS of the library's that is not what the header says.
#[test]
fn v2_a_report_is_laid_out_alike() {
    assert_eq!(size_of::<WSANETWORKEVENTS>(), 44);
    assert_eq!(offset_of!(WSANETWORKEVENTS, lNetworkEvents), 0);
    assert_eq!(offset_of!(WSANETWORKEVENTS, iErrorCode), 4);
}

/// The value of a constant of the header, by its name without WSP_.
fn value(name: &str) -> Option<i64> {
    let source = [CALLS, MEMORY].concat();
    let constant = |kind: &str| {
        let values = all_between(&source, &format!("pub const {name}: {kind} = "), ";");
        values.first().and_then(|value| value.parse().ok())
    };
    let of = |events: NetworkEvents| Some(events.bits().into());
    match name {
        "FD_MAX_EVENTS" => FD_MAX_EVENTS.try_into().ok(),
        "FD_ALL_EVENTS" => of(NetworkEvents::FD_ALL_EVENTS),
        "LATCHING_NONE" => of(NetworkEvents::empty()),
        "LATCHING_FOR_CONDITIONS" => of(NetworkEvents::LATCHING_FOR_CONDITIONS),
        "LATCHING_FOR_ARRIVALS" => of(NetworkEvents::LATCHING_FOR_ARRIVALS),
        _ if name.starts_with("FD_") => {
            let is_bit = name.ends_with("_BIT");
            let called = |event: &NetworkEvent| event.name() == name.trim_end_matches("_BIT");
            let event = NetworkEvent::ALL.into_iter().find(called)?;
            if is_bit { event.bit_position().try_into().ok() } else { of(event.flag()) }
        }
        _ if name.starts_with("WSA") => {
            let called =
                |code: &i32| WsaError::from_code(*code).and_then(WsaError::name) == Some(name);
            (10_000..12_000).find(called).map(i64::from)
        }
        _ => constant("u32").or_else(|| constant("usize")),
    }
}

/// Catches a constant with another value than the library's, and an event without its two. What WSP_CALL_... mean is
/// l3_the_calls_that_reenable's business.
#[test]
fn the_constants_are_those_of_the_library() {
    let mut seen = BTreeSet::new();
    let code = header_without_comments();
    for line in code.lines().filter(|line| line.starts_with("#define WSP_")) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, name, number] = words[..] else { continue };
        let name = name.strip_prefix("WSP_").unwrap();
        if name.contains("ALIGNED_TO") || name.starts_with("CALL_") {
            continue;
        }
        let number = number.trim_end_matches('u');
        let number = match number.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16),
            None => number.parse(),
        };
        assert_eq!(number.ok(), value(name), "WSP_{name}");
        seen.insert(name.to_owned());
    }
    for event in NetworkEvent::ALL {
        assert!(seen.contains(event.name()) && seen.contains(&format!("{}_BIT", event.name())));
    }
    let others = ["RECORDER_SIZE", "RECORDER_ALIGNMENT", "WAKE_HANDED_OVER", "WSAENOTSOCK"];
    assert!(others.iter().all(|name| seen.contains(*name)), "{seen:?}");
}
