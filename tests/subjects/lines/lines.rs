// SPDX-License-Identifier: Apache-2.0
// Functions and closures inlined into one another.  Says "." and waits to be looked at.
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

static SINK: AtomicUsize = AtomicUsize::new(0);

mod outer {
    pub mod inner {
        #[inline(always)]
        pub fn innermost(value: usize) -> usize {
            crate::SINK.fetch_add(value, super::super::Ordering::SeqCst);
            value * 3
        }

        #[inline(always)]
        pub fn middle(value: usize) -> usize {
            let twice = innermost(value) * 2;
            crate::SINK.store(twice, super::super::Ordering::SeqCst);
            twice
        }
    }

    #[inline(never)]
    pub fn chain(value: usize) -> usize {
        let sum = inner::middle(value);
        sum + inner::innermost(sum)
    }
}

#[inline(always)]
fn apply<F: FnMut(usize) -> usize>(mut function: F, value: usize) -> usize {
    let got = function(value);
    SINK.fetch_sub(got, Ordering::SeqCst);
    got
}

#[inline(never)]
fn closures(value: usize) -> usize {
    let mut sum = 0;
    let first = apply(
        |more| {
            sum += more;
            SINK.store(sum, Ordering::SeqCst);
            sum
        },
        value,
    );
    apply(|other| outer::inner::middle(other), first)
}

struct Boxed<T>(T);

impl<T: Copy + Into<usize>> Boxed<T> {
    #[inline(always)]
    fn get(&self) -> usize {
        let value: usize = self.0.into();
        SINK.fetch_xor(value, Ordering::SeqCst);
        value
    }

    #[inline(never)]
    fn twice(&self) -> usize {
        self.get() + outer::inner::innermost(self.get())
    }
}

#[inline(never)]
fn iterate(values: &[usize]) -> usize {
    values
        .iter()
        .map(|value| outer::inner::innermost(*value))
        .filter(|value| value % 2 == 0)
        .sum()
}

#[inline(never)]
fn recursive(depth: usize) -> usize {
    if depth == 0 {
        return outer::inner::middle(depth);
    }
    let below = recursive(depth - 1);
    below + outer::inner::innermost(below)
}

fn main() {
    let n = std::env::args().count();
    let sum = outer::chain(n)
        + closures(n)
        + Boxed(n as u8).twice()
        + Boxed(n as u16).twice()
        + iterate(&[n, n + 1, n + 2])
        + recursive(n);
    SINK.store(sum, Ordering::SeqCst);
    std::io::stdout().write_all(b".").unwrap();
    std::io::stdout().flush().unwrap();
    let mut byte = [0];
    let _ = std::io::stdin().read(&mut byte);
}
