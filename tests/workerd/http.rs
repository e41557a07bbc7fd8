//! One request over a connection of its own, for a client that must live with whatever becomes of it.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::harness::Answer;

/// Beyond what any answer takes on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A request to this machine.
pub struct Request<'a> {
    pub port: u16,
    /// Before the port; the name of a tenant's Worker is in it.
    pub host: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a str,
}

/// Sends it. An error means that no whole answer came: whether the request was carried out is not known.
pub fn send(request: &Request<'_>) -> Result<Answer, Error> {
    let Request { port, host, method, path, headers, body } = request;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    // HTTP/1.0, so that the body is sent as it is and ends with the connection.
    let head =
        format!("{method} {path} HTTP/1.0\r\nhost: {host}:{port}\r\n{headers}content-length: {}\r\n", body.len());
    stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    read(&answer).ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))
}

/// `None` when the answer was cut off.
fn read(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = first.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = rest
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let answer = Answer { status, headers, body: body.to_owned() };
    let is_whole = answer.header("content-length").is_none_or(|length| length.parse() == Ok(body.len()));
    is_whole.then_some(answer)
}
