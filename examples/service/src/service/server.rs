//! The server: connections, and what lies under which name.
//!
//! Invariant: a task that waits for room has none, so those that have some end without it.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::http::{self, Method, NoRequest, PATIENCE, Request};
use super::line::Line;
use super::staging::{Short, Staging};
use super::status;

/// What all connections share.
pub struct Service<S: Staging> {
    pub staging: S,
    pub line: Line,
    stored: Mutex<HashMap<String, S::Body>>,
}

/// A connection: where it is read, and what came of the next request already.
struct Connection {
    socket: TcpStream,
    input: BytesMut,
}

impl<S: Staging> Service<S> {
    pub fn new(staging: S) -> Self {
        Service { staging, line: Line::default(), stored: Mutex::default() }
    }

    /// Serves for as long as it is polled.
    pub async fn run(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        loop {
            let (socket, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                // Out of descriptors, mostly: those that are open have to end.
                Err(error) => {
                    eprintln!("service: {error}");
                    tokio::time::sleep(PATIENCE / 100).await;
                    continue;
                }
            };
            socket.set_nodelay(true)?;
            let service = self.clone();
            tokio::spawn(async move {
                // Whoever leaves, or is too slow, is no fault of ours.
                let _ = service.connection(Connection { socket, input: BytesMut::new() }).await;
            });
        }
    }

    /// Forgets all uploads. Those that are being read stay until then.
    pub fn clear(&self) {
        self.stored.lock().expect("no panic").clear();
    }

    /// How many uploads there are, and their bytes.
    pub fn stored(&self) -> (usize, usize) {
        let stored = self.stored.lock().expect("no panic");
        (stored.len(), stored.values().map(Buf::remaining).sum())
    }

    async fn connection(&self, mut on: Connection) -> io::Result<()> {
        loop {
            let request = match http::read(&mut on.socket, &mut on.input).await {
                Ok(request) => request,
                Err(NoRequest::Gone) => return Ok(()),
                Err(NoRequest::Bad(status)) => return on.refuse(status).await.map(drop),
            };
            let goes_on = match request.method {
                Method::Put => self.put(&mut on, &request).await?,
                // What came with it is not read: nobody could tell where the next request starts.
                _ if request.length.unwrap_or(0) > 0 => on.refuse("413 Content Too Large").await?,
                Method::Get => self.get(&mut on, &request).await?,
                Method::Delete => self.delete(&mut on, &request).await?,
                Method::Other => on.refuse("405 Method Not Allowed").await?,
            };
            if !goes_on || request.closes {
                return Ok(());
            }
        }
    }

    /// Says whether the connection goes on, as the others do.
    async fn put(&self, on: &mut Connection, request: &Request) -> io::Result<bool> {
        let Some(len) = request.length else { return on.refuse("411 Length Required").await };
        let Some(name) = name(&request.path) else { return on.refuse("400 Bad Request").await };
        if len > self.staging.most() {
            return on.refuse("413 Content Too Large").await;
        }
        let room = match self.room_now(len) {
            Ok(room) => room,
            // In a box: it is large, and few connections are there at a time.
            Err(why) => match Box::pin(self.wait(&on.socket, len, why)).await? {
                Some(room) => room,
                None => return on.refuse("503 Service Unavailable").await,
            },
        };
        if request.expects {
            on.socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let first = on.input.split_to(len.min(on.input.len()));
        let receive = self.staging.receive(room, &mut on.socket, &first, len);
        let body = timeout(http::patience(len), receive).await.map_err(|_| http::late())??;
        let old = self.stored.lock().expect("no panic").insert(name.to_owned(), body);
        let status = if old.is_some() { "200 OK" } else { "201 Created" };
        old.into_iter().for_each(|body| self.staging.free(body));
        on.send(http::status(status, request.closes)).await?;
        Ok(true)
    }

    /// Room, if there is some and nobody waits for it.
    fn room_now(&self, len: usize) -> Result<S::Room, Short> {
        if self.line.waiting() > 0 {
            return Err(Short::Line);
        }
        self.staging.try_admit(len)
    }

    /// Waits in line for room. An error if the client leaves, `None` if it takes too long.
    async fn wait(
        &self,
        socket: &TcpStream,
        len: usize,
        why: Short,
    ) -> io::Result<Option<S::Room>> {
        let _waiting = self.line.join(why);
        let (counter, end) = tokio::select! {
            biased;
            room = self.staging.admit(len) => (&self.line.granted, room.map(Some)),
            error = gone(socket) => (&self.line.left, Err(error)),
            () = tokio::time::sleep(PATIENCE) => (&self.line.late, Ok(None)),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        end
    }

    async fn get(&self, on: &mut Connection, request: &Request) -> io::Result<bool> {
        if let Some((kind, body)) = status::page(self, &request.path) {
            on.send(http::text("200 OK", kind, &body, request.closes)).await?;
            return Ok(true);
        }
        let body = self.stored.lock().expect("no panic").get(key(&request.path)).cloned();
        let Some(body) = body else {
            on.send(http::status("404 Not Found", request.closes)).await?;
            return Ok(true);
        };
        let kind = "application/octet-stream";
        let head = http::head("200 OK", kind, body.remaining(), request.closes);
        // One vectored write for the head and the pages, and more where the socket takes less.
        on.send(head.chain(body)).await?;
        Ok(true)
    }

    async fn delete(&self, on: &mut Connection, request: &Request) -> io::Result<bool> {
        let old = self.stored.lock().expect("no panic").remove(key(&request.path));
        let status = if old.is_some() { "200 OK" } else { "404 Not Found" };
        old.into_iter().for_each(|body| self.staging.free(body));
        on.send(http::status(status, request.closes)).await?;
        Ok(true)
    }
}

impl Connection {
    async fn send(&mut self, mut answer: impl Buf + Send) -> io::Result<()> {
        let patience = http::patience(answer.remaining());
        let written = timeout(patience, self.socket.write_all_buf(&mut answer)).await;
        written.map_err(|_| http::late())?
    }

    /// An error after which the connection cannot go on. What the client still sends is thrown away for a moment: to
    /// close at once could cost it the answer.
    async fn refuse(&mut self, status: &str) -> io::Result<bool> {
        self.send(http::status(status, true)).await?;
        self.socket.shutdown().await?;
        let drain = async {
            while self.socket.read_buf(&mut self.input).await? > 0 {
                self.input.clear();
            }
            Ok(false)
        };
        timeout(PATIENCE / 10, drain).await.unwrap_or(Ok(false))
    }
}

/// The name that a path stands for, if uploads can have it.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fine = (1..=255).contains(&name.len()) && name.bytes().all(is_plain);
    (fine && !status::NAMES.contains(&path)).then_some(name)
}

/// The name that a path would have, if there is such an upload.
fn key(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or_default()
}

/// Ready when the client has closed its side, or the connection is broken, whatever it sent before. (A client that
/// closes its side to wait for the answer is taken for one that leaves.)
async fn gone(socket: &TcpStream) -> io::Error {
    // Nobody has registered for urgent data: it is ready only with what closes the reading side.
    match socket.ready(Interest::PRIORITY).await {
        Ok(_) => io::ErrorKind::ConnectionReset.into(),
        Err(error) => error,
    }
}
