//! A server in a thread of its own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::server::Service;
use super::staging::Staging;

/// A server that runs until it is stopped.
pub struct Running<S: Staging> {
    pub service: Arc<Service<S>>,
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

/// A runtime for one thread.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl<S: Staging> Running<S> {
    /// Starts at a port of loopback.
    pub fn start(staging: S) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let service = Arc::new(Service::new(staging));
        let (stop, stopped) = oneshot::channel();
        let serving = service.clone();
        let serve = move || serve(serving, listener, stopped);
        let thread = thread::Builder::new().name("server".into()).spawn(serve)?;
        Ok(Running { service, address, stop, thread })
    }

    /// Ends the server and all its connections, and forgets the uploads. What the staging has is home then.
    pub fn stop(self) -> io::Result<S> {
        let _ = self.stop.send(());
        self.thread.join().expect("the server panicked")?;
        self.service.clear();
        match Arc::try_unwrap(self.service) {
            Ok(service) => Ok(service.staging),
            Err(_) => Err(io::Error::other("a connection is left")),
        }
    }
}

/// Serves until it is told to stop, or the other end of `stopped` has gone.
fn serve<S: Staging>(
    service: Arc<Service<S>>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    // Dropped at the end, with the futures of all connections, be they in the line or in mid-upload.
    let runtime = runtime()?;
    runtime.block_on(async {
        tokio::select! {
            end = service.run(tokio::net::TcpListener::from_std(listener)?) => end,
            _ = stopped => Ok(()),
        }
    })
}

/// Serves at an address, for people, until the process ends.
pub fn serve_forever<S: Staging>(staging: S, address: SocketAddr) -> io::Result<()> {
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        println!("http://{}", listener.local_addr()?);
        Arc::new(Service::new(staging)).run(listener).await
    })
}
