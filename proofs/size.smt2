; The page of an offset, of `src/page/size.rs`: one multiplication finds what a division would, for every size.
;
; In whole numbers: `d` is what is odd of a size, `R` is 2 to the power of `rest`, `S` is 2 to the power of 64 times that,
; `m` is the inverse, and `n` is an offset in units, below 2 to the power of 58, which a page's size of 64 bytes leaves.
; Solvers do not like products, so there are small steps, each of which has what it needs from those before it. That an odd
; number above 1 divides no power of two, so that `e` is not 0, is left to the reader; of 1 the inverse is one less.
(define-fun limit () Int 288230376151711744)
(define-fun two-64 () Int 18446744073709551616)
(define-fun page ((n Int) (m Int) (S Int)) Int (div (* (+ n 1) m) S))
; samples

(push)
(echo "theorem: units of an offset are below the limit")
(assert (not (= (* limit UNIT) two-64)))
(check-sat)
(pop)

(push)
(echo "theorem: the inverse, rounded down, misses by no more than what is odd")
(declare-const d Int) (declare-const S Int)
(assert (> d 0))
(define-fun e () Int (- S (* (div S d) d)))
(assert (not (and (<= 0 e) (< e d))))
(check-sat)
(pop)

(push)
(echo "theorem: what all units miss by is less than one unit's worth")
(declare-const n Int) (declare-const e Int) (declare-const d Int) (declare-const R Int)
(assert (and (<= 0 n) (< n limit) (< 0 e) (<= e d) (< d (* 2 R))))
; (n + 1) × e is at most limit × 2 R.
(assert (<= (* (+ n 1) e) (* limit e)))
(assert (not (and (< 0 (* (+ n 1) e)) (< (* (+ n 1) e) (* two-64 R)))))
(check-sat)
(pop)

(push)
(echo "theorem: a product of a smaller number is smaller")
(declare-const n Int) (declare-const e Int)
(assert (and (<= 0 n) (< n limit) (< 0 e)))
(assert (not (<= (* (+ n 1) e) (* limit e))))
(check-sat)
(pop)

(push)
(echo "theorem: the product, times what is odd, is that of the quotient and what was missed")
(declare-const d Int) (declare-const S Int) (declare-const m Int) (declare-const e Int)
(declare-const q Int) (declare-const r Int)
(assert (= (* m d) (- S e)))
(define-fun n () Int (+ (* q d) r))
(assert (not (= (* (* (+ n 1) m) d) (- (+ (* q (* d S)) (* (+ r 1) S)) (* (+ n 1) e)))))
(check-sat)
(pop)

(push)
(echo "theorem: so the quotient is that of a division")
(declare-const d Int) (declare-const S Int)
(declare-const q Int) (declare-const r Int) (declare-const missed Int) (declare-const X Int)
; X is (n + 1) × m, and missed is (n + 1) × e.
(assert (and (> d 0) (> S 0) (<= 0 r) (< r d) (<= 0 q)))
(assert (= (* X d) (- (+ (* q (* d S)) (* (+ r 1) S)) missed)))
(assert (and (< 0 missed) (< missed S)))
; Each of the two from what it is, times d.
(assert (not (and (>= (* X d) (* (* q S) d)) (< (* X d) (* (* (+ q 1) S) d)))))
(check-sat)
(pop)

(push)
(echo "theorem: what holds times what is odd, holds")
(declare-const d Int) (declare-const X Int) (declare-const Y Int)
(assert (> d 0))
(assert (not (and (=> (>= (* X d) (* Y d)) (>= X Y)) (=> (< (* X d) (* Y d)) (< X Y)))))
(check-sat)
(pop)

(push)
(echo "control: without the one that is added, the quotient is that of a division")
(define-fun rounded ((n Int)) Int (div (* n (div (* two-64 2) 3)) (* two-64 2)))
(assert (distinct (rounded 3) 1))
(check-sat)
(pop)
