//! Models that can fail: each deliberate defect of the core must be caught by the models named for it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use comfy_table::{Table, presets};
use regex::Regex;

use super::extent::Extent;
use super::trial::{self, Test, Trial};
use super::{build, chosen};
use crate::tidy;

/// Something that the core does wrong in a run of the models that has the defect `name`.
struct Defect {
    name: &'static str,
    /// What is wrong, in a few words.
    wrong: &'static str,
    /// The models that must fail, in one mode at least.
    caught_by: &'static [&'static str],
}

const fn defect(
    name: &'static str,
    wrong: &'static str,
    caught_by: &'static [&'static str],
) -> Defect {
    Defect { name, wrong, caught_by }
}

#[rustfmt::skip]
const DEFECTS: &[Defect] = &[
    defect("transition", "a page is reclaimed though another was first", &["a_lent_page_is_reclaimed_once"]),
    defect("lend", "a page is lent without Release", &["a_lent_page_is_reclaimed_once"]),
    defect("block", "the loser of two racing frees of a block is not told", &["a_block_is_freed_once", "a_block_is_split_or_freed_once"]),
    defect("retain", "a reference is lost when two are made at once", &["a_retain_against_a_release_is_counted"]),
    defect("release", "a reference is given up without Release", &["the_last_release_publishes_writes_and_frees_once"]),
    defect("retain-step", "references are added in two steps", &["a_retain_against_a_release_is_counted", "many_references_against_releases_are_counted"]),
    defect("release-step", "many references are given up in two steps", &["many_references_against_releases_are_counted"]),
    defect("release-many", "many references are given up without Release", &["many_references_against_releases_are_counted"]),
    defect("sole-owner", "a free looks at the count without Acquire", &["a_free_that_finds_one_reference_sees_what_the_others_wrote", "a_raw_free_against_a_release_sees_what_was_written"]),
    defect("share", "a page that is retained does not say so", &["a_page_is_retained_released_to_one_and_freed"]),
    defect("share-step", "a retain undoes a free that races it", &["a_free_that_races_a_retain_is_not_undone"]),
    defect("hardened-swap", "the loser of two racing frees is not told", &["a_racing_double_free_is_reported_exactly_once"]),
    defect("hardened-claim", "the loser of two racing claims is not told", &["a_page_leaves_its_location_once"]),
    defect("try-lock", "a slot is taken though another was first", &["the_try_lock_excludes"]),
    defect("lock-order", "a slot is taken without Acquire", &["the_try_lock_excludes", "a_slot_hands_on_its_loaded_magazine"]),
    defect("unlock", "a slot is given back without Release", &["the_try_lock_excludes", "a_slot_hands_on_its_loaded_magazine"]),
    defect("zone-take", "pages are taken from the zone without Acquire", &["take_and_return_lose_and_double_nothing"]),
    defect("zone-publish", "pages are put into the zone without Release", &["take_and_return_lose_and_double_nothing"]),
    defect("summary-again", "a summary bit is not set again", &["summary_bits_lose_no_page", "a_search_that_clears_a_stale_bit_loses_no_page"]),
    defect("summary-level", "a summary bit is not set above the first level", &["two_levels_of_summary_bits_lose_no_page"]),
    defect("summary-order", "a summary bit is set without Release", &["summary_bits_lose_no_page"]),
    defect("whole-moved", "what becomes whole is no longer told of", &["an_area_that_becomes_whole_loses_no_page"]),
    defect("whole-order", "a note is made in the second summary before it is taken out of the first", &["an_area_that_becomes_whole_as_it_is_taken_loses_no_page"]),
    defect("fresh-again", "a fresh word that is broken into is not noted as used", &["a_fresh_word_that_two_break_into_loses_no_page"]),
    defect("purge-held", "the memory of pages goes back that nobody holds", &["a_purge_against_a_take_has_its_pages_alone"]),
    defect("purge-take", "pages are held to be purged without Acquire", &["a_purge_against_a_take_has_its_pages_alone"]),
    defect("purge-publish", "pages that were purged go back without Release", &["a_purge_against_a_take_has_its_pages_alone", "a_purge_of_pages_beside_a_take_leaves_its_page_alone"]),
    defect("written", "a page that leaves still counts as zero", &["a_purge_against_a_take_has_its_pages_alone"]),
    defect("rescan", "a search believes the summary alone", &["a_returned_page_can_be_taken_at_once"]),
    defect("range-claim", "exact pages are taken from the zone as they were seen, without a second look", &["an_exact_page_is_taken_by_one", "offline_against_an_owner_takes_the_page_once"]),
    defect("offline-publish", "a page goes offline without Release", &["a_page_comes_back_once"]),
    defect("online-order", "a page comes back without Acquire", &["a_page_comes_back_once"]),
    defect("online-late", "a page can be had before it is said to be online", &["a_page_that_comes_online_can_be_freed"]),
    defect("block-rollback", "the good pages of a bad block do not go back", &["a_block_rolled_back_loses_no_page"]),
    defect("block-words", "a claim of words that fails keeps those that it took", &["a_block_of_words_against_a_page_loses_none", "one_of_two_blocks_that_overlap_is_had"]),
    defect("block-uncount", "what a claim of words has in hand is not counted", &["pages_that_a_claim_has_in_hand_are_counted"]),
    defect("depot-tag", "the depot's tag stays the same", &["the_tag_defeats_aba"]),
    defect("depot-publish", "a magazine goes into the depot without Release", &["magazine_contents_are_published", "exchanged_contents_are_published", "drain_against_a_flush_loses_nothing"]),
    defect("depot-cut", "a stale link is taken for a corrupt one", &["push_and_pop_lose_and_double_no_magazine", "exchanges_move_one_each_way"]),
    defect("depot-foreign", "a link does not say on which depot's stack it is", &["a_top_that_leads_to_another_depot_doubles_no_magazine"]),
    defect("steal-link", "a magazine given at another depot is linked above nothing", &["exchanges_between_two_depots_lose_no_magazine", "a_steal_against_a_push_loses_no_magazine", "a_drain_and_a_steal_lose_no_magazine"]),
    defect("steal-none", "a cache looks at its own depot only", &["a_cache_refills_from_another_depot"]),
    defect("drain-one", "a drain empties the first depot only", &["a_drain_empties_every_depot", "a_drain_and_a_steal_lose_no_magazine"]),
    defect("foreign-length", "a look at a magazine loads its end without Acquire", &["a_foreign_free_against_push_and_pop_raises_no_false_alarm", "a_foreign_run_against_a_cache_raises_no_false_alarm"]),
    defect("foreign-publish", "the end of a magazine moves without Release", &["a_foreign_free_against_push_and_pop_raises_no_false_alarm", "a_foreign_run_against_a_cache_raises_no_false_alarm"]),
    defect("run-stopped", "a run that stops counts a page that it has not put", &["a_long_run_that_stops_puts_each_page_once"]),
    defect("compact-free", "a free leaves the page's byte as it was", &["a_double_free_is_told_while_its_page_moves"]),
    defect("compact-late", "a page that goes past the slots is marked when others can have it", &["a_page_has_one_owner_through_a_shared_slot"]),
    defect("compact-step", "a page is lent without Release, where it has a byte", &["a_page_with_a_byte_is_reclaimed_once"]),
    defect("poison-late", "a page is poisoned after it was given up", &["a_poison_mark_comes_through_the_zone", "a_poison_mark_comes_through_the_depot"]),
    defect("pressure", "a pool that runs dry asks nobody", &["pressure_empties_an_idle_cache"]),
    defect("quiet", "upkeep empties shared slots that others hold", &["upkeep_against_alloc_loses_nothing"]),
    defect("drain", "a drain empties slots that others hold", &["drain_against_a_shared_slot_loses_nothing"]),
    defect("dropped", "a cache takes from a shared slot that another holds", &["a_cache_takes_what_was_dropped_against_a_drop"]),
    defect("idle", "a cache goes idle without Release", &["an_owner_goes_idle_and_comes_back"]),
    defect("steal-order", "an idle slot is taken from without Acquire", &["an_idle_slot_has_one_holder_at_a_time"]),
    defect("steal-claimed", "an idle slot is taken from though another was first", &["an_idle_slot_has_one_holder_at_a_time", "two_take_from_a_parked_cache"]),
    defect("give-back", "a slot is given back to its owner without Release", &["an_idle_slot_has_one_holder_at_a_time", "an_owner_goes_idle_and_comes_back"]),
    defect("return-order", "an owner comes back without Acquire", &["an_idle_slot_has_one_holder_at_a_time", "an_owner_goes_idle_and_comes_back"]),
    defect("return", "an owner comes back though somebody takes from its slot", &["an_idle_slot_has_one_holder_at_a_time", "an_idle_cache_against_one_that_runs_dry"]),
    defect("abandoned", "who takes from a slot does not see that its owner is gone", &["a_slot_that_is_left_comes_free", "a_parked_cache_is_dropped_against_one_that_runs_dry"]),
    defect("steal-gone", "who took from a slot finds its owner gone without Acquire", &["a_slot_of_one_that_left_runs_fast_again"]),
    defect("claim-light-fence", "a stealable owner makes no fence", &["an_owner_in_a_call_against_a_thief", "an_id_is_taken_once", "a_cache_at_work_against_one_that_steals"]),
    defect("claim-heavy-fence", "a thief makes no fence", &["an_owner_in_a_call_against_a_thief", "an_id_is_taken_once", "a_cache_at_work_against_one_that_steals"]),
    defect("claim-leave", "a stealable owner ends its call without Release", &["an_owner_in_a_call_against_a_thief", "a_cache_at_work_against_one_that_steals"]),
    defect("claim-look", "a thief looks at the owner's mark without Acquire", &["an_owner_in_a_call_against_a_thief", "a_cache_at_work_against_one_that_steals"]),
    defect("claim-unseen", "a thief takes from an owner that is in a call", &["an_owner_in_a_call_against_a_thief", "an_owner_that_looks_twice_against_a_thief"]),
    defect("claim-return", "a stealable owner takes its slot back without Acquire", &["an_owner_goes_idle_against_a_thief"]),
    defect("claim-abandoned", "a stealable owner goes for good without Release", &["a_claimed_slot_that_is_left_comes_free", "a_slot_of_one_that_left_runs_fast_again"]),
    defect("claim-left", "a stealable owner that goes for good takes its slot back without Acquire", &["a_claimed_slot_that_is_left_comes_free"]),
    defect("claim-gone", "a thief that takes nothing finds the owner gone without Acquire", &["a_claimed_slot_that_is_left_comes_free"]),
    defect("claim-idle", "a stealable owner who goes idle beside a claim is not", &["an_owner_goes_idle_beside_a_claim"]),
    defect("claim-idle-order", "a stealable owner goes idle without Release", &["an_owner_goes_idle_against_a_thief"]),
    defect("claim-open", "a slot is opened to thieves without Release", &["a_slot_is_opened_to_thieves"]),
    defect("claim-old-length", "an owner knows a length of before its mark, and a thief gives back in its stead", &["an_id_is_taken_once"]),
    defect("orphans", "pages taken past the slots are not counted", &["counters_add_up_when_quiescent"]),
    defect("settle", "the drop of a page without a slot is not ordered before the end", &["two_pages_and_the_handle_free_the_core_once"]),
    defect("settle-slot", "the drop of a page through a slot is not ordered before the end", &["the_last_handle_against_the_last_page_frees_the_core_once"]),
    defect("fold", "the last handle does not mark the slots that it has read", &["the_last_handle_against_the_last_page_frees_the_core_once"]),
    defect("fold-order", "the end is not ordered after the drops that slots have counted", &["the_last_handle_against_the_last_page_frees_the_core_once"]),
    defect("handles", "the drop of a handle is not ordered before the end", &["two_handles_free_the_core_once"]),
    defect("last-handle", "the closing is not ordered with the drops of pages", &["two_pages_and_the_handle_free_the_core_once"]),
    defect("closing", "the last handle frees the core though pages are out", &["the_last_handle_against_the_last_page_frees_the_core_once"]),
    defect("static-twice", "a static is built though another call is building it", &["two_inits_and_a_reader_have_one_whole_pool"]),
    defect("static-publish", "a static's pool is kept without Release", &["two_inits_and_a_reader_have_one_whole_pool"]),
    defect("static-look", "a static's pool is found without Acquire", &["two_inits_and_a_reader_have_one_whole_pool"]),
    defect("static-failed", "a build that failed gives up its turn without Release", &["an_init_that_fails_leaves_its_turn_to_the_next"]),
    defect("answer-first", "a call that was asked keeps what it files", &["a_free_answers_who_was_dry"]),
    defect("count-late", "a page is counted as free when another may have it already", &["what_is_freed_is_counted_before_it_is_had", "what_is_dropped_is_counted_before_it_is_had"]),
    defect("count-order", "an allocation is counted without Release", &["a_page_that_moves_hides_no_other"]),
    defect("one-reading", "a pool seems to have no page by figures of different moments", &["a_page_that_moves_hides_no_other"]),
    defect("take-back", "an asked allocation takes back what it gave up", &["an_asked_allocation_leaves_a_page"]),
    defect("name-torn", "a name is read without a look whether it changes", &["a_name_is_read_whole"]),
    defect("name-order", "a name can be seen before it is said to change", &["a_name_is_read_whole"]),
    defect("track-torn", "what is known of a page is believed without its check", &["what_is_known_of_a_page_is_of_one_allocation"]),
    defect("track-order", "a page is seen to be out without Acquire", &["what_is_known_of_a_page_is_of_one_allocation"]),
    defect("taint-first", "the page of one cause comes with the call of another", &["a_taint_is_one_calls_and_is_told_once"]),
    defect("taint-publish", "a taint's call can be seen without its page", &["who_tells_of_anothers_taint_knows_it"]),
    defect("taint-twice", "a taint is told by each call that ends", &["a_taint_is_one_calls_and_is_told_once"]),
    defect("exact-turn", "two all-or-none requests go at once", &["a_turn_is_one_requests"]),
    defect("supply-early", "who waits is told before the pages are there", &["a_free_is_seen_by_who_comes_to_wait"]),
    defect("supply-publish-fence", "who brings pages makes no fence before it looks who waits", &["a_free_is_seen_by_who_comes_to_wait"]),
    defect("supply-wait-fence", "who comes to wait makes no fence before it looks for pages", &["a_free_is_seen_by_who_comes_to_wait"]),
    defect("wait-seen", "a thread that is about to sleep reads the event word after it has looked", &["a_free_is_seen_by_a_thread_that_comes_to_wait"]),
    defect("mask-live", "a call looks at a shared mask for each node", &["a_mask_that_moves_is_not_mixed", "a_mask_that_moves_is_not_mixed_in_turn"]),
    defect("mask-order", "a shared mask is read without Acquire", &["a_mask_says_what_came_before"]),
    defect("drop-late", "a drop does not look whether its slot was asked for its pages meanwhile", &["a_drop_into_a_shared_slot_is_seen_by_who_waits"]),
    defect("supply-slots", "who tells those that wait looks at the zone and the depots only", &["a_drop_into_a_shared_slot_is_seen_by_who_waits"]),
    defect("wait-look", "a task leaves its waker after it has looked, and not before", &["a_free_is_seen_by_who_comes_to_wait"]),
    defect("wait-lost", "what a request has in hand is lost when it gives up", &["who_gives_up_wakes_the_next"]),
    defect("line-pending", "a note in the line is not answered by who has the list", &["a_note_in_the_line_is_answered"]),
    defect("line-first", "the first in line sleeps for its own bit only", &["a_free_is_seen_by_a_thread_that_comes_to_wait"]),
    defect("line-keep", "who loses its turn keeps the pages that it has in hand", &["who_loses_its_turn_gives_back"]),
    defect("line-turn", "who loses its turn with pages in hand is not woken", &["who_loses_its_turn_gives_back"]),
    defect("line-next", "who leaves the line does not wake the next", &["who_has_nothing_and_gives_up_wakes_the_next", "who_gives_up_wakes_a_thread"]),
    defect("line-lock", "the line's list is had without Acquire", &["who_has_nothing_and_gives_up_wakes_the_next"]),
    defect("line-unlock", "the line's list is given up without Release", &["who_has_nothing_and_gives_up_wakes_the_next"]),
    defect("supply-asked", "slots are not marked for who waits", &["a_drop_into_a_shared_slot_is_seen_by_who_waits"]),
    defect("supply-unmarked", "a slot's mark goes though somebody waits", &["a_mark_stays_while_somebody_waits"]),
    defect("supply-mark", "a slot is marked without Release", &["a_mark_stays_while_somebody_waits"]),
    defect("supply-unmark", "a slot's mark is taken off without Acquire", &["a_mark_stays_while_somebody_waits"]),
    defect("mark-claim", "a call looks at the count, and claims nothing", &["takes_at_once_do_not_pass_a_mark", "a_claim_ends_when_its_pages_are_gone"]),
    defect("mark-order", "a claim ends without Release", &["a_claim_ends_when_its_pages_are_gone"]),
    defect("crossing-order", "a crossing is noted without Release", &["a_broken_reserve_gets_what_a_cache_frees"]),
    defect("crossing-todo", "who takes a crossing up does not see which it is", &["a_broken_reserve_gets_what_a_cache_frees"]),
    defect("reserve-awaited", "a mark of a slot goes though the reserve is broken", &["a_broken_reserve_gets_what_a_cache_frees"]),
    defect("fence-early", "a page with a ticket comes free though that has not passed", &["a_fenced_page_is_nobodys_before_its_ticket"]),
    defect("fence-ticket", "a magazine keeps its ticket though a page with a larger one is added", &["pages_given_up_together_wait_for_the_larger_ticket"]),
    defect("reap-publish", "who frees what has passed makes no fence before it looks who waits", &["what_is_reaped_is_seen_by_who_comes_to_wait"]),
    defect("fence-count", "a page whose ticket has passed is counted when another may have it already", &["what_has_passed_is_counted_before_it_is_had"]),
    defect("exact-lost", "what an all-or-none request cannot use is lost", &["what_an_exact_request_puts_back_can_be_had"]),
];

/// How many defects there are.
pub fn count() -> usize {
    DEFECTS.len()
}

/// What is wrong with this one, in a few words; nothing if there is none of this name.
pub fn what_is_wrong(name: &str) -> &'static str {
    DEFECTS.iter().find(|defect| defect.name == name).map_or("", |defect| defect.wrong)
}

/// Runs the models with each defect, or with those named, and prints what caught it; an error if nothing did.
pub fn defects(names: &[String]) -> Result<()> {
    declared()?;
    if let Some(name) = names.iter().find(|name| DEFECTS.iter().all(|it| it.name != **name)) {
        let known: Vec<_> = DEFECTS.iter().map(|defect| defect.name).collect();
        bail!("no defect is called `{name}`; the defects are\n  {}", known.join("\n  "));
    }
    let wanted = |defect: &&Defect| names.is_empty() || names.iter().any(|it| it == defect.name);
    let models = build::models()?;
    let all = trial::list(&models)?;
    let mut pairs = Vec::new();
    for defect in DEFECTS.iter().filter(wanted) {
        ensure!(!defect.caught_by.is_empty(), "no model is named for `{}`", defect.name);
        for model in defect.caught_by {
            pairs.push((defect, *model, chosen(all.clone(), &[(*model).into()])?));
        }
    }
    let found = trial::at_once(
        &pairs,
        |(defect, model, _)| format!("{} by {model}", defect.name),
        |(defect, _, tests)| first_to_catch(&models, tests, defect.name),
    )?;
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["defect", "what is wrong", "model that caught it", "in mode", "and said"]);
    let mut missed = Vec::new();
    for ((defect, model, _), caught) in pairs.iter().zip(found) {
        if caught.is_none() {
            missed.push(format!("{} by {model}", defect.name));
        }
        let mode = caught.as_ref().map_or("none", |trial| trial.test.mode());
        let said = caught.as_ref().map_or("missed", reason);
        table.add_row([defect.name, defect.wrong, model, mode, said]);
    }
    println!("{table}");
    ensure!(missed.is_empty(), "not caught: {}", missed.join(", "));
    Ok(())
}

/// Tries a model in one mode after the other, until one catches the defect.
fn first_to_catch(models: &Path, tests: &[Test], defect: &str) -> Result<Option<Trial>> {
    for test in tests {
        let trial = trial::one(models, test, &Extent::Whole, Some(defect))?;
        if trial.failed_the_claim() {
            return Ok(Some(trial));
        }
    }
    Ok(None)
}

/// What a model said when it failed, in so many words as a table has room for.
fn reason(trial: &Trial) -> &str {
    let mut lines = trial.said.lines();
    let panic = lines.find(|line| line.contains("panicked at")).and_then(|_| lines.next());
    let said = panic.unwrap_or(trial.said.as_str()).trim();
    said.char_indices().nth(60).map_or(said, |(end, _)| &said[..end])
}

/// Whether the defects that the core names are those that are tried.
fn declared() -> Result<()> {
    let named = Regex::new(r#"(?:defect!\(|ordering!\(\w+, )"([a-z-]+)"(?:, \w+)?\)"#)?;
    let mut declared = BTreeSet::new();
    for file in tidy::paths()?.iter().filter(|path| path.starts_with("src/")) {
        // A file that is not there is about to be removed.
        let text = std::fs::read_to_string(file).unwrap_or_default();
        declared.extend(named.captures_iter(&text).map(|name| name[1].to_owned()));
    }
    let tried: BTreeSet<_> = DEFECTS.iter().map(|defect| defect.name.to_owned()).collect();
    let unlike: Vec<_> = declared.symmetric_difference(&tried).cloned().collect();
    ensure!(unlike.is_empty(), "the core and the table of defects do not agree on {unlike:?}");
    Ok(())
}
