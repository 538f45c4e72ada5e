//! Connections that hang, and who stays.

use super::*;

use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::reply;

const LIMITS: Limits = Limits {
    at_once: 8,
    idle: Duration::from_secs(600),
    stalled: Duration::from_secs(600),
    header: 16 * 1024,
};

/// Answers `/known` to who knows the token, `/endless` without an end, and anything else to strangers.
#[derive(Clone, Default)]
struct Answers {
    endless: Arc<AtomicUsize>,
}

/// Counts answers without an end that are being given.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Answers {
    fn answer(self, request: &Request<Incoming>, seat: &Seat) -> Reply {
        if request.uri().path() != "/" {
            seat.welcome();
        }
        if request.uri().path() != "/endless" {
            return Response::new(reply::bytes(Bytes::from_static(b"there")));
        }
        self.endless.fetch_add(1, Ordering::SeqCst);
        let counted = Counted(self.endless);
        let chunks = futures::stream::repeat_with(move || {
            let _ = &counted;
            Ok(Frame::data(Bytes::from_static(&[0; 16_000])))
        });
        Response::new(StreamBody::new(chunks).boxed_unsync())
    }
}

/// A server with these limits, until the test ends.
async fn server(limits: Limits) -> (SocketAddr, Answers) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, answers) = (listener.local_addr().unwrap(), Answers::default());
    let own = answers.clone();
    let answer =
        move |request, seat: Arc<Seat>| std::future::ready(own.clone().answer(&request, &seat));
    tokio::spawn(serve(listener, limits, answer, || {}));
    (address, answers)
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// A request on a connection, and whether it was answered.
async fn ask(stream: &mut TcpStream, path: &str) -> bool {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"there") {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
        }
    }
    true
}

/// Everything until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn requests_that_never_end_keep_nobody_out() {
    let (address, _) = server(LIMITS).await;
    let mut player = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut player, "/known").await);
    let mut hanging = Vec::new();
    for _ in 0..5 {
        // They drip on, all of them.
        for stream in &mut hanging {
            let _ = TcpStream::write_all(stream, b"X-More: 1\r\n").await;
        }
        for _ in 0..LIMITS.at_once {
            hanging.push(send(address, "GET / HTTP/1.1\r\nHost: a\r\n").await);
        }
        let mut other = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut other, "/known").await, "a new player is kept out");
        assert!(ask(&mut player, "/known").await, "a player is broken off");
    }
}

#[tokio::test]
async fn who_plays_stays_when_players_are_many() {
    let (address, answers) = server(LIMITS).await;
    let mut playing = send(address, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut buffer = vec![0; 1 << 20];
    let mut idle = Vec::new();
    for _ in 0..3 * LIMITS.at_once {
        playing.read_exact(&mut buffer).await.unwrap();
        let mut other = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut other, "/known").await);
        idle.push(other);
    }
    assert_eq!(answers.endless.load(Ordering::SeqCst), 1);
    assert_eq!(rest(&mut idle[0]).await, "", "the first made room");
}

#[tokio::test]
async fn what_is_idle_is_closed() {
    let idle = Duration::from_secs(1);
    let (address, _) = server(Limits { idle, ..LIMITS }).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    rest(&mut silent).await;
    let mut dripping = send(address, "GET / HTTP/1.1\r\nHost: a\r\n").await;
    rest(&mut dripping).await;
    let mut done = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut done, "/known").await);
    rest(&mut done).await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let stalled = Duration::from_millis(300);
    let (address, answers) = server(Limits { stalled, ..LIMITS }).await;
    let mut playing = send(address, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    playing.read_exact(&mut [0; 1024]).await.unwrap();
    while answers.endless.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn long_headers_are_refused() {
    let (address, _) = server(LIMITS).await;
    let long = "x".repeat(2 * LIMITS.header);
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be refused before all of it is sent.
    let request = format!("GET /known HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut start = [0; 12];
    if stream.read_exact(&mut start).await.is_ok() {
        assert_eq!(&start, b"HTTP/1.1 431");
    }
    let many = "X-Many: 1\r\n".repeat(1000);
    let request = format!("GET /known HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    let mut stream = send(address, &request).await;
    assert!(!rest(&mut stream).await.contains("there"));
}
