// SPDX-License-Identifier: Apache-2.0
// wait_graph.c with what the library of Rust has: KIND is mutex, read, write (an RwLock), join or
// none.  Its locks keep no owner.
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[derive(Default)]
struct Node {
    kind: String,
    owner: usize,
    mutex: Mutex<()>,
    lock: RwLock<()>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

fn run(nodes: &[Node], at: usize, n_holding: &AtomicUsize) {
    let node = &nodes[at];
    let has = |kind: &str| nodes.iter().any(|n| n.owner == at && n.kind == kind);
    let _mutex = has("mutex").then(|| node.mutex.lock());
    let _lock = (has("read") || has("write")).then(|| node.lock.write());
    n_holding.fetch_add(1, SeqCst);
    while n_holding.load(SeqCst) <= nodes.len() {
        thread::sleep(Duration::from_millis(1));
    }
    let owner = &nodes[node.owner];
    match node.kind.as_str() {
        "mutex" => drop(owner.mutex.lock()),
        "read" => drop(owner.lock.read()),
        "write" => drop(owner.lock.write()),
        "join" => {
            let handle = owner.handle.lock().unwrap().take();
            let _ = handle.unwrap().join();
        }
        _ => {}
    }
    loop {
        thread::park();
    }
}

fn main() {
    let nodes: Vec<Node> = std::env::args()
        .skip(1)
        .enumerate()
        .map(|(i, text)| {
            let (kind, owner) = text.split_once(':').unwrap_or((&text, ""));
            Node { kind: kind.into(), owner: owner.parse().unwrap_or(i), ..Default::default() }
        })
        .collect();
    let nodes = Arc::new(nodes);
    let n_holding = Arc::new(AtomicUsize::new(0));
    for at in 0..nodes.len() {
        let (its, n) = (nodes.clone(), n_holding.clone());
        let thread = thread::Builder::new().name(format!("t{at}"));
        let handle = thread.spawn(move || run(&its, at, &n)).expect("no thread");
        *nodes[at].handle.lock().unwrap() = Some(handle);
    }
    while n_holding.load(SeqCst) < nodes.len() {
        thread::sleep(Duration::from_millis(1));
    }
    n_holding.fetch_add(1, SeqCst);
    std::io::stdout().write_all(b".").unwrap();
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}
