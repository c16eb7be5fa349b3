//! A network namespace, and how it is changed: by requests of rtnetlink(7), which are done when they are answered.

use std::env;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use libc::{AF_INET, AF_NETLINK, AF_UNSPEC, IFF_UP};
use socket2::{Domain, Socket, Type};

/// Set in the process that runs a test in its namespace.
const INSIDE: &str = "WS2_TEST_IN_NAMESPACE";

/// The index of the loopback link. In a new namespace it is down.
const LOOPBACK: u32 = 1;

/// Runs the test again, by its name, in a process and a namespace of its own.
pub(crate) fn run(name: &str, test: fn(&Namespace)) {
    if env::var_os(INSIDE).is_some() {
        return test(&Namespace::of_this_process());
    }
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net"]).args(arguments);
        command
    };
    let probe = unshare(&["true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|it| it.success()) {
        // The test harness does not capture this.
        let warning = format!("\nNOT CHECKED, no network namespaces here: {name}\n");
        return io::stderr().write_all(warning.as_bytes()).unwrap();
    }
    let program = env::current_exe().unwrap();
    let arguments = [program.to_str().unwrap(), name, "--exact", "--nocapture", "--test-threads=1"];
    let output = unshare(&arguments).env(INSIDE, "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "in its namespace:\n{text}");
}

pub(crate) struct Namespace(Socket);

impl Namespace {
    fn of_this_process() -> Self {
        Self(Socket::new(Domain::from(AF_NETLINK), Type::RAW, None).unwrap())
    }

    /// The loopback link.
    pub(crate) fn set_up(&self, up: bool) {
        let flag = IFF_UP.to_ne_bytes();
        let mut body = vec![AF_UNSPEC as u8, 0, 0, 0];
        body.extend(LOOPBACK.to_ne_bytes());
        body.extend(if up { flag } else { [0; 4] });
        body.extend(flag);
        self.request(libc::RTM_NEWLINK, &body);
    }

    /// An address of the loopback link.
    pub(crate) fn add_address(&self, address: &[u8]) {
        let mut body = vec![family(address), bits(address), 0, 0];
        body.extend(LOOPBACK.to_ne_bytes());
        body.extend(attribute(libc::IFA_LOCAL, address));
        self.request(libc::RTM_NEWADDR, &body);
    }

    /// A route on which nothing is reached, so that no address and no link belongs to it.
    pub(crate) fn add_route(&self, to: &[u8]) {
        self.request(libc::RTM_NEWROUTE, &route(to));
    }

    pub(crate) fn remove_route(&self, to: &[u8]) {
        self.request(libc::RTM_DELROUTE, &route(to));
    }

    fn request(&self, kind: u16, body: &[u8]) {
        let length = 16 + u32::try_from(body.len()).unwrap();
        let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE;
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(u16::try_from(flags).unwrap().to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        self.0.send(&message).unwrap();
        let mut answer = [0; 64];
        let length = io::Read::read(&mut &self.0, &mut answer).unwrap();
        let error = i32::from_ne_bytes(answer[16..20].try_into().unwrap());
        assert!(length >= 20 && error == 0, "{:?}", io::Error::from_raw_os_error(-error));
    }
}

fn family(address: &[u8]) -> u8 {
    (if address.len() == 4 { AF_INET } else { libc::AF_INET6 }) as u8
}

fn bits(address: &[u8]) -> u8 {
    8 * address.len() as u8
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = 4 + value.len() as u16;
    [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
}

fn route(to: &[u8]) -> Vec<u8> {
    let (table, protocol, kind) = (libc::RT_TABLE_MAIN, libc::RTPROT_STATIC, libc::RTN_UNREACHABLE);
    let mut body = vec![family(to), bits(to), 0, 0, table, protocol, libc::RT_SCOPE_UNIVERSE, kind];
    body.extend([0; 4]);
    body.extend(attribute(libc::RTA_DST, to));
    body
}
