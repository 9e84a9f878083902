//! smoke
use pagesheaf::*;
fn go<M: Mode>() {
    let pool = Pool::builder(10_000).mode::<M>().build().unwrap();
    {
        let mut c = pool.cache().unwrap();
        let mut held = std::vec::Vec::new();
        for n in 1..=100 {
            let mut b = PageBatch::new();
            let bulk = c.alloc_bulk(&mut b, n);
            assert_eq!(bulk, Bulk { new: n, short: None });
            for i in 0..n {
                b[i].fill(n as u8);
            }
            held.push(b);
        }
        println!("{pool:#}\n{}", pool.audit());
        for (i, b) in held.iter_mut().enumerate().rev() {
            for x in b.iter() {
                assert!(x.iter().all(|&v| v == i as u8 + 1));
            }
            if i % 3 == 0 {
                b.clear()
            } else if i % 3 == 1 {
                pool.free_bulk(b)
            } else {
                c.free_bulk(b)
            }
        }
        println!("{pool:#}\n{}", pool.audit());
        assert!(pool.audit().pages.adds_up());
        assert_eq!(pool.audit().pages.out, 0);
    }
    assert!(!pool.is_tainted());
    pool.close().unwrap();
}
#[test]
fn checked() {
    go::<Checked>()
}
#[test]
fn bare() {
    go::<Bare>()
}
#[test]
fn hard() {
    go::<Hardened>()
}
#[test]
fn nochecks() {
    go::<NoChecks>()
}
