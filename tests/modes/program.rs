//! One correct program, run in every mode: what it can observe is the same, but for the ids.

use crate::common::*;

/// Pages of the pool.
const PAGES: usize = 400;
/// Most pages that one cache can keep from the others: two magazines of 4.
const KEPT: usize = 8;

/// What the program holds: pages, and the seed that each is marked with.
struct Program<M: Mode> {
    pool: Pool<M>,
    cache: Cache<M>,
    random: Random,
    batches: Vec<(PageBatch<M>, u32)>,
    pages: Vec<(Page<M>, u32)>,
    raw: Vec<(PageId, u32)>,
    lent: Vec<(PageId, u32)>,
    log: Vec<String>,
}

impl<M: Mode> Program<M> {
    fn new(seed: u64) -> Self {
        let pool = build::<M>(PAGES, |builder| builder.magazine_capacity(KEPT / 2).max_caches(1));
        Program {
            cache: pool.cache().expect("a cache"),
            pool,
            random: Random::new(seed),
            batches: Vec::new(),
            pages: Vec::new(),
            raw: Vec::new(),
            lent: Vec::new(),
            log: Vec::new(),
        }
    }

    fn note(&mut self, what: impl std::fmt::Debug) {
        let pages = self.pool.audit().pages;
        assert!(pages.adds_up());
        let state = (pages.out, pages.lent, pages.bad, pages.free + pages.cached);
        self.log.push(format!("{what:?} {state:?}"));
    }

    fn free_pages(&self) -> usize {
        let pages = self.pool.audit().pages;
        (pages.free + pages.cached) as usize
    }

    fn alloc_bulk(&mut self, seed: u32) {
        let mut batch = PageBatch::new();
        let want = self.random.below(120);
        let through_pool = self.random.below(2) == 0 && want + KEPT <= self.free_pages();
        let result = match (self.random.below(3), through_pool) {
            (0, false) => format!("{:?}", self.cache.alloc_bulk(&mut batch, want)),
            (0, true) => format!("{:?}", self.pool.alloc_bulk(&mut batch, want)),
            (1, false) => format!("{:?}", self.cache.alloc_bulk_exact(&mut batch, want)),
            (1, true) => format!("{:?}", self.pool.alloc_bulk_exact(&mut batch, want)),
            (_, through_pool) => {
                let bulk = if through_pool {
                    self.pool.alloc_bulk_zeroed(&mut batch, want)
                } else {
                    self.cache.alloc_bulk_zeroed(&mut batch, want)
                };
                let zeros = batch.iter().all(|bytes| bytes.iter().all(|&byte| byte == 0));
                format!("{bulk:?} {zeros}")
            }
        };
        batch.iter_mut().for_each(|bytes| mark(bytes, seed));
        self.note(("alloc_bulk", want, through_pool, result, batch.len()));
        self.batches.push((batch, seed));
    }

    fn alloc(&mut self, seed: u32) {
        let mut array: [Option<Page<M>>; 5] = std::array::from_fn(|_| None);
        array[2] = self.cache.alloc().ok();
        let bulk = self.cache.fill_vacant(&mut array);
        self.note(("fill", bulk));
        for mut page in array.into_iter().flatten() {
            mark(&mut page, seed);
            self.pages.push((page, seed));
        }
    }

    fn free(&mut self) {
        let Some(at) = self.random.below(self.batches.len() + 1).checked_sub(1) else { return };
        let (mut batch, seed) = self.batches.swap_remove(at);
        let whole = batch.iter().all(|bytes| is_marked(bytes, seed));
        self.note(("free", batch.len(), whole));
        match self.random.below(5) {
            0 => self.cache.free_bulk(&mut batch),
            1 => self.pool.free_bulk(&mut batch),
            2 => self.pages.extend(batch.into_iter().map(|page| (page, seed))),
            3 => {
                let tail = batch.split_off(batch.len() / 2);
                self.batches.extend([(batch, seed), (tail, seed)]);
            }
            _ => drop(batch),
        }
        for (page, seed) in self.pages.split_off(self.pages.len() / 2) {
            let whole = is_marked(&page, seed);
            assert!(whole);
            match self.random.below(4) {
                0 => self.cache.free(page),
                1 => self.raw.push((page.into_raw(), seed)),
                2 => self.lent.push((page.lend(), seed)),
                _ => drop(page),
            }
        }
        self.note(("freed", self.pages.len(), self.raw.len(), self.lent.len()));
    }

    fn raw(&mut self, seed: u32) {
        let mut out = no_ids::<40>();
        let (ids, short) = self.cache.alloc_bulk_raw(&mut out);
        let (n, ids) = (ids.len(), ids.to_vec());
        self.raw.extend(ids.into_iter().map(|id| {
            // SAFETY: the page was just allocated and has no other owner.
            let mut page = unsafe { Page::from_raw(&self.pool, id) };
            mark(&mut page, seed);
            (page.into_raw(), seed)
        }));
        self.note(("alloc_bulk_raw", n, short));
        let back = self.raw.split_off(self.raw.len() / 3);
        let ids: Vec<_> = back.iter().map(|&(id, _)| id).collect();
        // SAFETY: these pages have no owner but this list, which they have left.
        let result = unsafe { self.cache.free_bulk_raw(&ids) };
        self.note(("free_bulk_raw", ids.len(), result));
    }

    fn device(&mut self) {
        if let Some((batch, seed)) = self.batches.last_mut() {
            let mut out = no_ids::<20>();
            let lent = self.cache.lend_bulk(batch, &mut out);
            self.lent.extend(lent.iter().map(|&id| (id, *seed)));
        }
        self.note(("lent", self.lent.len()));
        for (id, seed) in self.lent.split_off(self.lent.len() / 2) {
            // SAFETY: the page is lent, and has left the list.
            let page = unsafe { self.pool.reclaim(id) }.expect("lent");
            assert!(is_marked(&page, seed));
            self.pages.push((page, seed));
        }
        self.note(("reclaimed", self.pages.len()));
    }

    fn blocks(&mut self) {
        self.drop_all();
        let mut blocks = Vec::new();
        for order in (0..=6).rev() {
            let order = Order::new(order).expect("legal");
            let mut block = self.cache.alloc_block(order).expect("a block");
            mark(&mut block, order.pages() as u32);
            self.note(("block", order, block.len()));
            blocks.push(block);
        }
        assert!(blocks.iter().all(|block| is_marked(block, block.order().pages() as u32)));
    }

    fn drop_all(&mut self) {
        self.batches.clear();
        self.pages.clear();
        for (id, seed) in self.raw.drain(..) {
            // SAFETY: the page has no owner but this list, which it leaves.
            assert!(is_marked(&unsafe { Page::from_raw(&self.pool, id) }, seed));
        }
        for (id, _) in self.lent.drain(..) {
            // SAFETY: the page is lent, and leaves the list.
            drop(unsafe { self.pool.reclaim(id) }.expect("lent"));
        }
    }

    fn run(mut self) -> Vec<String> {
        for step in 0..150 {
            match self.random.below(9) {
                0..3 => self.alloc_bulk(step),
                3 => self.alloc(step),
                4..6 => self.free(),
                6 => self.raw(step),
                7 => self.device(),
                _ if self.random.below(4) == 0 => self.blocks(),
                _ => self.pool.drain(),
            }
        }
        self.drop_all();
        self.note(("end", self.pool.is_tainted(), self.pool.capacity()));
        let Program { pool, cache, log, .. } = self;
        drop(cache);
        assert_whole(pool);
        log
    }
}

fn the_same_program_gives_the_same_results<M: Mode>() {
    for seed in 1..=often(8).min(4) as u64 {
        let (log, bare) = (Program::<M>::new(seed).run(), Program::<Bare>::new(seed).run());
        let exhausted = ShortReason::Exhausted.to_string();
        assert!(log.iter().any(|line| line.contains(&exhausted)));
        for (step, (mine, other)) in log.iter().zip(&bare).enumerate() {
            assert_eq!(mine, other, "step {step} of seed {seed}");
        }
        assert_eq!(log.len(), bare.len());
    }
}

/// What can be observed of pages with several owners.
fn sharing<M: Refcounted>() -> Vec<(u32, u64, usize)> {
    let pool = pool::<M>(50);
    let mut random = Random::new(11);
    let mut owners: Vec<SharedPage<M>> = Vec::new();
    let mut log = Vec::new();
    for step in 0..500_u32 {
        match random.below(3) {
            0 => {
                if let Ok(mut page) = pool.alloc() {
                    mark(&mut page, step);
                    owners.push(page.into_shared());
                }
            }
            1 if !owners.is_empty() => {
                owners.push(owners[random.below(owners.len())].clone());
            }
            _ if !owners.is_empty() => {
                let owner = owners.swap_remove(random.below(owners.len()));
                match owner.try_into_unique() {
                    Ok(page) if step % 2 == 0 => pool.free(page),
                    Ok(page) => owners.push(page.into_shared()),
                    Err(owner) if step % 2 == 0 => owners.push(owner),
                    Err(_) => {}
                }
            }
            _ => {}
        }
        let count = owners.iter().map(SharedPage::refcount).sum();
        log.push((count, out(&pool), owners.len()));
    }
    drop(owners);
    assert_whole(pool);
    log
}

fn sharing_gives_the_same_results<M: Refcounted>() {
    assert_eq!(sharing::<M>(), sharing::<Checked>());
}

every_mode!(the_same_program_gives_the_same_results);
every_refcounted_mode!(sharing_gives_the_same_results);
