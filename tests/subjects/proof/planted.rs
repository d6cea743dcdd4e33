// SPDX-License-Identifier: Apache-2.0
//! `planted KIND`, as planted.c, of what threads of Rust wait on.  Its allocator is the C library's.

use std::io::Read;
use std::mem::forget;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel, Receiver, Sender};
use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock, RwLock};
use std::thread;

extern "C" {
    fn gettid() -> i32;
    fn _exit(status: i32) -> !;
}

const N_EACH: usize = 10;
static LIVING: AtomicUsize = AtomicUsize::new(0);

#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn wait(&self) {
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// A thread that runs this; its id, once it has one, is all that is kept of it.
fn plant<F: FnOnce() + Send + 'static>(fate: &str, run: F) {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    let alive = fate == "alive";
    TOLD.store(0, Ordering::SeqCst);
    LIVING.fetch_add(alive as usize, Ordering::SeqCst);
    drop(thread::spawn(move || {
        TOLD.store(unsafe { gettid() } as usize, Ordering::SeqCst);
        run();
        LIVING.fetch_sub(alive as usize, Ordering::SeqCst);
    }));
    while TOLD.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    println!("{} {}", TOLD.load(Ordering::SeqCst), fate);
}

fn park() {
    for _ in 0..N_EACH {
        plant("dead", || loop {
            thread::park()
        });
    }
}

fn condvar() {
    for _ in 0..N_EACH {
        let gate = Arc::new(Gate::default());
        let theirs = gate.clone();
        plant("dead", move || theirs.wait());
        forget(gate);
    }
}

fn receiver() {
    for _ in 0..N_EACH {
        let (sender, receiver) = channel::<u64>();
        plant("dead", move || println!("{:?}", receiver.recv()));
        forget(Box::new(sender));
    }
}

fn full_channel() {
    for _ in 0..N_EACH {
        let (sender, receiver) = sync_channel::<u64>(0);
        plant("dead", move || println!("{:?}", sender.send(1)));
        forget(Box::new(receiver));
    }
}

fn mutex() {
    for _ in 0..N_EACH {
        let gate = Arc::new(Gate::default());
        let theirs = gate.clone();
        thread::spawn(move || forget(theirs.open.lock().unwrap())).join().unwrap();
        plant("dead", move || drop(gate.open.lock()));
    }
}

fn rwlock() {
    for _ in 0..N_EACH {
        let lock = Arc::new(RwLock::new(0));
        let theirs = lock.clone();
        thread::spawn(move || forget(theirs.read().unwrap())).join().unwrap();
        plant("dead", move || drop(lock.write()));
    }
}

fn barrier() {
    for _ in 0..N_EACH {
        let barrier = &*Box::leak(Box::new(Barrier::new(2)));
        plant("dead", move || {
            barrier.wait();
        });
    }
}

static HANDLE: OnceLock<Mutex<Vec<thread::Thread>>> = OnceLock::new();
static SENDERS: Mutex<Vec<Sender<u64>>> = Mutex::new(Vec::new());
static GATES: OnceLock<Vec<Arc<Gate>>> = OnceLock::new();

fn handles() {
    let handles = HANDLE.get_or_init(Mutex::default);
    for _ in 0..N_EACH {
        plant("alive", move || {
            handles.lock().unwrap().push(thread::current());
            thread::park();
        });
    }
}

fn unpark() {
    for handle in HANDLE.get().unwrap().lock().unwrap().iter() {
        handle.unpark();
    }
}

fn kept_senders() {
    for _ in 0..N_EACH {
        let (sender, receiver): (Sender<u64>, Receiver<u64>) = channel();
        plant("alive", move || println!("{:?}", receiver.recv()));
        SENDERS.lock().unwrap().push(sender);
    }
}

fn kept_gates() {
    let gates: Vec<_> = (0..N_EACH).map(|_| Arc::new(Gate::default())).collect();
    for gate in &gates {
        let theirs = gate.clone();
        plant("alive", move || theirs.wait());
    }
    let _ = GATES.set(gates);
}

fn open_gates() {
    GATES.get().unwrap().iter().for_each(|gate| gate.open());
}

const KINDS: [(&str, fn(), fn()); 10] = [
    ("thread::park", park, || ()),
    ("Condvar", condvar, || ()),
    ("Receiver, sender leaked", receiver, || ()),
    ("SyncSender, receiver leaked", full_channel, || ()),
    ("Mutex, owner ended", mutex, || ()),
    ("RwLock, reader ended", rwlock, || ()),
    ("Barrier", barrier, || ()),
    ("park, handle kept", handles, unpark),
    ("Receiver, sender kept", kept_senders, || SENDERS.lock().unwrap().clear()),
    ("Condvar, kept", kept_gates, open_gates),
];

/// What calls that have returned left behind on the stack.
#[inline(never)]
fn wipe() {
    std::hint::black_box(&mut [0u8; 65536]);
}

/// In a frame of its own, with all that it leaves there: what was freed may be used again.
#[inline(never)]
fn prepare() -> Option<fn()> {
    let Some(name) = std::env::args().nth(1) else {
        KINDS.iter().for_each(|kind| println!("{}", kind.0));
        return None;
    };
    let (_, run, wake) = KINDS.iter().find(|kind| kind.0 == name)?;
    run();
    Some(*wake)
}

fn main() {
    let Some(wake) = prepare() else {
        return;
    };
    println!("ready");
    wipe();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    wake();
    for _ in 0..10000 {
        if LIVING.load(Ordering::SeqCst) == 0 {
            unsafe { _exit(0) };
        }
        thread::sleep(std::time::Duration::from_millis(1));
    }
    unsafe { _exit(1) };
}
