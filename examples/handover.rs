//! Two threads with a cache each, a batch handed over, a page shared, and the pool's report.

use std::{error::Error, sync::mpsc, thread};

use pagesheaf::{PageBatch, Pool};

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::builder(4096).build()?; // 4096 pages of 4 KiB
    let (mut front, mut back) = (pool.cache()?, pool.cache()?); // one for each thread
    let (sender, receiver) = mpsc::sync_channel::<PageBatch>(4);
    thread::scope(|threads| {
        threads.spawn(move || {
            let mut batch = PageBatch::new();
            let got = front.alloc_bulk(&mut batch, 64); // may be short, and says why
            assert_eq!((got.allocated, got.reason), (64, None));
            batch.iter_mut().for_each(|page| page.fill(7));
            sender.send(batch).expect("the other thread is there");
        });
        threads.spawn(move || {
            let mut batch = receiver.recv().expect("the other thread sends a batch");
            assert!(batch.iter().all(|page| page == [7; 4096]));
            back.free_bulk(&mut batch);
        });
    });
    let page = pool.alloc_zeroed()?.into_shared();
    let reader = page.clone(); // the last one to be dropped frees the page
    thread::spawn(move || assert_eq!(reader[0], 0)).join().expect("the reader is done");
    drop(page);
    println!("{pool:#}");
    Ok(pool.close()?) // an error if a page were missing, or a handle still alive
}
