//! The first process of a machine with two memory nodes: pools that are bound to a node have their pages there, and a
//! set of them takes from the nodes that a mask allows. `cargo xtask numa` boots it.

#[cfg(target_os = "linux")]
mod machine;

#[cfg(target_os = "linux")]
fn main() {
    machine::boot(check);
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: the machine is one of Linux");
}

#[cfg(target_os = "linux")]
fn check() {
    use pagesheaf::{
        BuildError, NodeBatch, NodeMask, NodePolicy, NodeSet, Pool, Region, SharedNodeMask,
    };

    const PAGES: usize = 512;
    let pool = |node| Pool::builder(PAGES).region(Region::mapped().node(node)).build();
    let error = pool(2).expect_err("there are two");
    assert!(matches!(error, BuildError::Node { node: 2, online: 0b11, .. }), "{error}");
    assert!(error.to_string().contains("it has node 0, 1 only: name one that it has"), "{error}");
    assert!(matches!(pool(9999), Err(BuildError::Node { node: 9999, .. })));

    let pools = [0, 1].map(|node| pool(node).expect("the node is there"));
    assert_eq!(pools.each_ref().map(|pool| pool.region_info().node), [Some(0), Some(1)]);
    let set = NodeSet::<_, 2>::new(pools).expect("two pools alike").here(machine::node);
    let mask = SharedNodeMask::new(NodeMask::ALL);
    let mut batch = NodeBatch::<_, PAGES, 2>::empty();
    // Whatever CPU it runs on, its own node comes first, and then the other.
    for here in [1, 0] {
        machine::run_on(here);
        let bulk = set.alloc_bulk_masked(&mut batch, PAGES + 100, &mask);
        assert_eq!((bulk.allocated, bulk.reason), (PAGES + 100, None));
        assert_eq!((batch.of(here).len(), batch.of(1 - here).len()), (PAGES, 100));
        for node in 0..2 {
            for page in batch.of_mut(node).iter_mut() {
                page[0] = 1;
                assert_eq!(machine::node_of(page.as_ptr()), node, "a page of node {node}");
            }
        }
        set.free_bulk(&mut batch);
    }
    mask.set(NodeMask::of(0));
    assert_eq!(set.alloc_bulk_masked(&mut batch, PAGES + 1, &mask).allocated, PAGES);
    assert!(batch.of(1).is_empty());
    let stats = [0, 1].map(|node| set.stats(node).expect("it collects"));
    assert_eq!(stats.map(|it| it.foreign), [100, 100]);
    let set = set.policy(NodePolicy::Interleave);
    set.free_bulk(&mut batch);
    mask.set(NodeMask::ALL);
    assert_eq!(set.alloc_bulk_masked(&mut batch, 100, &mask).allocated, 100);
    assert_eq!([0, 1].map(|node| batch.of(node).len()), [50, 50]);
}
