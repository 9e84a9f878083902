; Blocks within a word of the bitmap, of `src/zone/block.rs`: what is chosen is free, aligned and whole.
;
; `runs-N` are the steps of `aligned_runs` for an order; of what it may choose, any part is looked at, which covers every
; number of blocks that a call wants.
(define-sort Word () (_ BitVec 64))
(define-fun fold ((word Word) (by Word)) Word (bvand word (bvlshr word by)))
(define-fun runs-1 ((word Word)) Word (fold word (_ bv1 64)))
(define-fun runs-2 ((word Word)) Word (fold (runs-1 word) (_ bv2 64)))
(define-fun runs-3 ((word Word)) Word (fold (runs-2 word) (_ bv4 64)))
(define-fun runs-4 ((word Word)) Word (fold (runs-3 word) (_ bv8 64)))
(define-fun runs-5 ((word Word)) Word (fold (runs-4 word) (_ bv16 64)))
(define-fun runs-6 ((word Word)) Word (fold (runs-5 word) (_ bv32 64)))
(define-fun runs ((word Word) (order Word)) Word
  (ite (= order (_ bv0 64)) word (ite (= order (_ bv1 64)) (runs-1 word)
  (ite (= order (_ bv2 64)) (runs-2 word) (ite (= order (_ bv3 64)) (runs-3 word)
  (ite (= order (_ bv4 64)) (runs-4 word) (ite (= order (_ bv5 64)) (runs-5 word) (runs-6 word))))))))
(define-fun pages ((order Word)) Word (bvshl (_ bv1 64) order))
(define-fun run ((order Word)) Word (bvlshr (bvnot (_ bv0 64)) (bvsub (_ bv64 64) (pages order))))
; The quotient of all ones and a run, for the seven orders there are.
(define-fun starts ((order Word)) Word
  (ite (= order (_ bv0 64)) #xffffffffffffffff (ite (= order (_ bv1 64)) #x5555555555555555
  (ite (= order (_ bv2 64)) #x1111111111111111 (ite (= order (_ bv3 64)) #x0101010101010101
  (ite (= order (_ bv4 64)) #x0001000100010001 (ite (= order (_ bv5 64)) #x0000000100000001
  #x0000000000000001)))))))
(define-fun all-runs ((word Word) (order Word)) Word
  (bvmul (bvand (runs word order) (starts order)) (run order)))
(define-fun is-part ((part Word) (whole Word)) Bool (= (bvand part whole) part))
; samples

(push)
(echo "theorem: the starts of an order are the places that its pages divide")
(declare-const order Word) (declare-const at Word)
(assert (bvule order (_ bv6 64)))
(assert (bvult at (_ bv64 64)))
(assert (not (= (= ((_ extract 0 0) (bvlshr (starts order) at)) #b1)
                (= (bvand at (bvsub (pages order) (_ bv1 64))) (_ bv0 64)))))
(check-sat)
(pop)

(push)
(echo "theorem: a run is found where, and only where, all of its pages are free")
(declare-const word Word) (declare-const order Word) (declare-const at Word)
(assert (bvule order (_ bv6 64)))
(assert (bvule (bvadd at (pages order)) (_ bv64 64)))
(assert (bvult at (_ bv64 64)))
(assert (not (= (= ((_ extract 0 0) (bvlshr (runs word order) at)) #b1)
                (is-part (bvshl (run order) at) word))))
(check-sat)
(pop)

(push)
(echo "theorem: whatever blocks are chosen of those, all their pages are free, and none is in two")
(declare-const word Word) (declare-const order Word) (declare-const chosen Word)
(assert (bvule order (_ bv6 64)))
(assert (is-part chosen (bvand (runs word order) (starts order))))
(define-fun bits () Word (bvmul chosen (run order)))
(assert (not (and (is-part bits word) (= (bvand bits (starts order)) chosen))))
(check-sat)
(pop)

(push)
(echo "control: runs that are not aligned do not overlap")
(declare-const word Word)
(assert (not (is-part (bvmul (runs-1 word) (run (_ bv1 64))) word)))
(check-sat)
(pop)
