//! A client that looks at every byte.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept.
pub struct Client {
    socket: TcpStream,
    buffer: Box<[u8]>,
}

impl Client {
    /// Connects. It reads into this buffer.
    pub async fn open(address: SocketAddr, buffer: Box<[u8]>) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Client { socket, buffer })
    }

    pub fn into_buffer(self) -> Box<[u8]> {
        self.buffer
    }

    /// Another connection, with the buffer of this one.
    pub async fn reopen(&mut self) -> io::Result<()> {
        self.socket = TcpStream::connect(self.socket.peer_addr()?).await?;
        self.socket.set_nodelay(true)
    }

    /// Uploads under a name that nobody has.
    pub async fn put(&mut self, name: &str, body: &[u8]) -> io::Result<()> {
        self.send(name, body, body.len()).await?;
        self.answer(201, None).await
    }

    /// Begins to upload: of `len` bytes only these.
    pub async fn send(&mut self, name: &str, body: &[u8], len: usize) -> io::Result<()> {
        let head = Bytes::from(format!("PUT /{name} HTTP/1.1\r\nContent-Length: {len}\r\n\r\n"));
        self.socket.write_all_buf(&mut head.chain(body)).await
    }

    /// Sends more of what was begun.
    pub async fn send_rest(&mut self, body: &[u8]) -> io::Result<()> {
        self.socket.write_all(body).await
    }

    /// Downloads, and compares.
    pub async fn get(&mut self, name: &str, body: &[u8]) -> io::Result<()> {
        self.ask("GET", name).await?;
        self.answer(200, Some(body)).await
    }

    /// Begins to download, and leaves.
    pub async fn get_some(&mut self, name: &str) -> io::Result<()> {
        self.ask("GET", name).await?;
        self.socket.read_exact(&mut self.buffer[..64]).await?;
        self.reopen().await
    }

    pub async fn delete(&mut self, name: &str) -> io::Result<()> {
        self.ask("DELETE", name).await?;
        self.answer(200, None).await
    }

    async fn ask(&mut self, method: &str, name: &str) -> io::Result<()> {
        let head = format!("{method} /{name} HTTP/1.1\r\n\r\n");
        self.socket.write_all(head.as_bytes()).await
    }

    /// Reads the answer. It must have this status, and this body.
    pub async fn answer(&mut self, status: u16, body: Option<&[u8]>) -> io::Result<()> {
        let mut have = 0;
        let (head, len) = loop {
            have += self.read(have).await?;
            if let Some(found) = parse(&self.buffer[..have], status)? {
                break found;
            }
        };
        if body.is_some_and(|body| body.len() != len) {
            return Err(io::Error::new(ErrorKind::InvalidData, "a body of another length"));
        }
        let (mut at, mut from) = (0, head);
        loop {
            let came = &self.buffer[from..have];
            let end = at + came.len();
            if end > len || body.is_some_and(|body| &body[at..end] != came) {
                return Err(io::Error::new(ErrorKind::InvalidData, "a byte is wrong"));
            }
            if end == len {
                return Ok(());
            }
            at = end;
            (from, have) = (0, self.read(0).await?);
        }
    }

    /// Reads once, behind the first `from` bytes of the buffer.
    async fn read(&mut self, from: usize) -> io::Result<usize> {
        match self.socket.read(&mut self.buffer[from..]).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    }
}

/// The lengths of the head and of the body, if the head is whole.
fn parse(input: &[u8], status: u16) -> io::Result<Option<(usize, usize)>> {
    let invalid = |what: String| io::Error::new(ErrorKind::InvalidData, what);
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer.parse(input).map_err(|error| invalid(error.to_string()))?;
    let httparse::Status::Complete(head) = parsed else { return Ok(None) };
    let code = answer.code.unwrap_or_default();
    if code != status {
        return Err(invalid(format!("status {code} instead of {status}")));
    }
    let length = answer.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse().ok());
    Ok(Some((head, length.ok_or_else(|| invalid("no length".to_owned()))?)))
}
