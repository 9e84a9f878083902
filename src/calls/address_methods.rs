//! The public methods of pools and caches that say where pages are, to be stamped on both.

/// Stamps them on a type, with whatever generics it has.
macro_rules! address_methods {
    ([$($generics:tt)*] $type:ty, $self:ident) => {
        impl<$($generics)*> $type {
            /// How many pages the pool has at the most: those that are [offline](crate::Pool::offline) are among
            /// them.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// assert_eq!(pool.capacity(), 100);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn capacity(&$self) -> usize {
                $self.handle().pages as usize
            }

            /// Bytes of a page.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).page_size(2048).build()?;
            /// assert_eq!((pool.page_size(), pool.alloc()?.len()), (2048, 2048));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn page_size(&$self) -> usize {
                $self.handle().page_size()
            }

            /// The page that an address lies in, wherever in the page.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let page = pool.alloc()?;
            /// assert_eq!(pool.id_at(page[100..].as_ptr().addr()), Some(page.id()));
            /// assert_eq!(pool.id_at(0), None);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn id_at(&$self, address: usize) -> Option<$crate::page::PageId> {
                $self.id_at_offset(address.checked_sub($self.handle().base.addr())? as u64)
            }

            /// The page that an offset from the region's start lies in, in bytes.
            ///
            /// ```
            /// # use pagesheaf::{PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// assert_eq!(pool.id_at_offset(3 * 4096 + 17), Some(PageId::new(3)));
            /// assert_eq!(pool.id_at_offset(100 * 4096), None);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn id_at_offset(&$self, offset: u64) -> Option<$crate::page::PageId> {
                let id = $self.handle().page_size.page_at(offset);
                (id.index() < $self.handle().pages).then_some(id)
            }

            /// Where a page starts, in bytes from the region's start.
            ///
            /// ```
            /// # use pagesheaf::{PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// assert_eq!(pool.offset(PageId::new(3)), Some(3 * 4096));
            /// assert_eq!(pool.offset(PageId::new(100)), None);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn offset(&$self, id: $crate::page::PageId) -> Option<u64> {
                (id.index() < $self.handle().pages).then(|| $self.handle().page_size.offset(id))
            }

            /// The address of a page, as a number: of a page at address 0 too, which no pointer of Rust's can have.
            ///
            /// ```
            /// # use core::mem::MaybeUninit;
            /// # use pagesheaf::{PageId, Pool, Region};
            /// let builder = Pool::builder(16).region(Region::addresses(0, 16 * 4096));
            /// # let layout = builder.metadata_layout()?;
            /// # let bytes: &'static mut [u8] = Box::leak(vec![0; layout.size() + layout.align()].into_boxed_slice());
            /// # let skip = bytes.as_ptr().align_offset(layout.align());
            /// # let bytes = &mut bytes[skip..];
            /// # // SAFETY: bytes that are not read as such.
            /// # let metadata = unsafe { &mut *(&raw mut *bytes as *mut [MaybeUninit<u8>]) };
            /// // SAFETY: the region is one of addresses.
            /// let pool = unsafe { builder.build_in(core::ptr::null_mut(), metadata) }?;
            /// let page = PageId::new(0);
            /// assert_eq!((pool.address(page), pool.id_at(0), pool.ptr(page)), (Some(0), Some(page), None));
            /// # Ok::<(), pagesheaf::BuildError>(())
            /// ```
            #[must_use]
            pub fn address(&$self, id: $crate::page::PageId) -> Option<usize> {
                $self.offset(id)?;
                Some($self.handle().address(id).addr())
            }

            /// Where a page starts. In a pool of addresses the pointer is a number, not to be dereferenced; there is
            /// none for address 0, which `address` has. Whoever writes through it leaves every byte initialised (not
            /// the padding of a struct).
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let page = pool.alloc()?;
            /// assert_eq!(pool.ptr(page.id()).map(|start| start.as_ptr()), Some(page.base_ptr()));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn ptr(&$self, id: $crate::page::PageId) -> Option<core::ptr::NonNull<u8>> {
                $self.offset(id)?;
                core::ptr::NonNull::new($self.handle().address(id))
            }
        }
    };
}

pub(crate) use address_methods;
