//! Requests and answers of HTTP/1.1: heads only, bodies are the server's.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes of a head, at most. The first read may bring so much of the body, which is copied from there.
const HEAD: usize = 4096;

/// How long a client may take for a request, and how long an upload waits for room.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that the slowest client moves in a second.
const SLOW: usize = 16 * 1024;

/// How long a client may take for a body of so many bytes.
pub fn patience(bytes: usize) -> Duration {
    PATIENCE + Duration::from_secs((bytes / SLOW) as u64)
}

/// What a client wants.
pub struct Request {
    pub method: Method,
    pub path: String,
    /// Of the body, if it says so.
    pub length: Option<usize>,
    /// Whether it waits before it sends the body.
    pub expects: bool,
    pub closes: bool,
}

/// What can be done to a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Put,
    Delete,
    Other,
}

/// Why there is no request.
pub enum NoRequest {
    /// The client has gone, or the system says what is wrong with it.
    Gone,
    /// What it sent is answered with this status.
    Bad(&'static str),
}

/// Reads the next request. What came behind its head stays in `input`.
pub async fn read(socket: &mut TcpStream, input: &mut BytesMut) -> Result<Request, NoRequest> {
    loop {
        if let Some((request, head)) = parse(input).map_err(NoRequest::Bad)? {
            input.advance(head);
            return Ok(request);
        }
        if input.len() >= HEAD {
            return Err(NoRequest::Bad("431 Request Header Fields Too Large"));
        }
        input.reserve(HEAD - input.len());
        match timeout(PATIENCE, socket.read_buf(input)).await {
            Ok(Ok(1..)) => {}
            _ => return Err(NoRequest::Gone),
        }
    }
}

/// The request, and the length of its head; `None` if that is not whole.
fn parse(input: &[u8]) -> Result<Option<(Request, usize)>, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let Ok(status) = head.parse(input) else { return Err("400 Bad Request") };
    let httparse::Status::Complete(len) = status else { return Ok(None) };
    let mut request = Request {
        method: match head.method {
            Some("GET") => Method::Get,
            Some("PUT") => Method::Put,
            Some("DELETE") => Method::Delete,
            _ => Method::Other,
        },
        path: head.path.unwrap_or_default().to_owned(),
        length: None,
        expects: false,
        closes: head.version == Some(0),
    };
    for header in head.headers {
        note(&mut request, header)?;
    }
    Ok(Some((request, len)))
}

/// What a header says that matters.
fn note(request: &mut Request, header: &httparse::Header<'_>) -> Result<(), &'static str> {
    let is = |name: &str| header.name.eq_ignore_ascii_case(name);
    let value = str::from_utf8(header.value).unwrap_or_default().trim();
    if is("content-length") {
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let length = value.parse().ok().filter(|_| digits).ok_or("400 Bad Request")?;
        if request.length.replace(length).is_some_and(|other| other != length) {
            return Err("400 Bad Request");
        }
    } else if is("transfer-encoding") {
        return Err("411 Length Required");
    } else if is("expect") {
        request.expects = value.eq_ignore_ascii_case("100-continue");
    } else if is("connection") {
        request.closes |= value.eq_ignore_ascii_case("close");
    }
    Ok(())
}

/// The head of an answer with a body of this type and length.
pub fn head(status: &str, kind: &str, length: usize, closes: bool) -> Bytes {
    let close = if closes { "Connection: close\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{close}\r\n"
    );
    head.into()
}

/// An answer that fits in a line, or a text.
pub fn text(status: &str, kind: &str, body: &str, closes: bool) -> Bytes {
    let mut answer = BytesMut::from(&head(status, kind, body.len(), closes)[..]);
    answer.extend_from_slice(body.as_bytes());
    answer.freeze()
}

/// A status, which is the body as well.
pub fn status(status: &str, closes: bool) -> Bytes {
    text(status, "text/plain; charset=utf-8", &format!("{status}\n"), closes)
}

/// A failure that ends the connection.
pub fn late() -> io::Error {
    io::ErrorKind::TimedOut.into()
}
