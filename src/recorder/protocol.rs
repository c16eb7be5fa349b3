//! How threads share a recorder. Documentation alone; the code is in the files beside it.
//!
//! All that threads agree on is one atomic word ([`state`](super::state)). Beside it stand a cell for each
//! event's code and a slot for the event object. In brackets: the rules that a paragraph keeps
//! (docs/CONTRACT.md), and models in tests/loom that fail when it is broken.
//!
//! # No thread relies on another
//!
//! **Every recording of a new event sets the event object.** One exchange records the event and counts the
//! caller among the *users* of the event object; the caller sets it, and a subtraction counts the caller out.
//! It sets even if others are setting at that moment, or have just set: the event object may have been reset
//! since, by anybody (E5, P3). A recording hands nothing over, and waits for no thread (K2).
//! *`e5_an_application_resets_and_receives`, `e5_leaving_news_to_a_thread_inside_loses`.*
//!
//! **A recording can set later.** The first step marks a set as owed instead of counting the caller in: under a
//! lock of the provider's nothing foreign runs, and no user waits there whom a selection would wait for. The second
//! step takes the debt over, if it is still there, counts itself in and sets (R9). In between any other call may take the
//! debt over, and sets for all that was recorded before it did; a report or a withdrawal lets it lapse. If the
//! second step never comes, the debt stays (R6). *`r9_data_arrives_beside_a_receive`, `r9_beside_a_selection`,
//! `r9_without_a_second_step`.*
//!
//! **After a reset, look again.** An enumeration takes the report by one exchange, resets the event object
//! (E4), and looks at the word. If something is reportable, it counts itself in and sets. Suppose that the
//! look does not see a recording. Then that recording comes later in the order of the word, and its set comes
//! after it. Can the reset still wipe that set out? Only if the set comes before the reset. But a reset sees
//! what was done before the sets that it wipes out, so the look would have seen the recording. This is the one
//! thing that a recorder asks of an event object ([`EventSignal`](crate::EventSignal), K3).
//! *`e4_record_during_the_reset`, `e3_two_recorders_and_an_enumerator`.*
//!
//! The recording that is reported may still be on its way to its set. Then one empty report follows, as after
//! a withdrawal (R7).
//!
//! **A selection holds the word.** It replaces the event object, so it must be alone with it. `held` keeps
//! newcomers out, and the holder waits until no user is left (K3). A recording that meets a held word marks
//! it `owed` instead of becoming a user. The holder leaves by one exchange, which puts in the new mask; if
//! the word is marked and something is reportable, that exchange counts the holder in, and it sets like any
//! other. *`s1_record_against_reselection`, `k3_no_call_on_an_event_object_that_was_replaced`.*
//!
//! The holder sets the new event object *before* it is selected, so that a failure leaves no trace (S2, S6).
//! Until then the old mask stands, and a program may be woken, reset the new event object, enumerate, and find
//! nothing. So an enumeration that meets a held word marks it, before and after its reset.
//! *`s2_a_pass_over_all_sockets_against_a_selection`, `s6_failing_selection_against_enumerate`.*
//!
//! An accept that inherits the selection waits for a holder, and is a user while it clones the event object
//! (S8). A close is a selection of nothing that leaves a word which refuses everything (S7, P5).
//! *`s8_inherit_against_reselection`, `p5_close_against_enumerate_and_record`.*
//!
//! # Reports
//!
//! **One exchange takes the report,** and clears all that is reportable at that instant (E1, E3).
//!
//! **A repeat is an exchange too.** It writes back the word that it found. A plain look could be older than the
//! report that cleared the event, whose caller has not seen what the provider queued before it looked; the
//! event would be in no later report (E3). *`e3_repeat_publishes_what_was_queued`.*
//!
//! **A cell is empty (0) or holds a code.** The exchange that gives an event its code makes its caller the one
//! who stores it; a later error is a repeat (R3). To take the event out, a thread first turns `collecting` on,
//! waits for each store and empties the cell; while the event still has a code in the word, nobody else writes
//! there. Then it takes the event. One thread collects at a time. These are the only waits outside a
//! selection, for a few instructions of a thread that runs no foreign code (K2): a code is stored before the
//! event object is set. *`e3_code_of_another`, `r7_withdraw_and_a_new_error_against_enumerate`,
//! `e3_two_collectors`.*
//!
//! The mask does not change under a collector. A selection that leaves meanwhile waits for it.
//!
//! **A failure puts the report back,** *under* what came since: its codes are the earlier ones (E7, R3). It
//! is then signaled again, since its set may have been wiped out meanwhile. The set stays owed after a panic (K5),
//! and inside the event object: one that answers its set with an enumeration that fails would be set without
//! end (K4). The report is delivered before the reset, so that a delivery that fails has reset nothing.
//! *`e7_failing_reset_against_records`, `e7_what_is_put_back_is_signaled`, `k5_panicking_reset_against_a_record`.*
//!
//! Between the taking and the putting back the report is out, and other calls see it as taken. An enumeration
//! misses it. An error of a latched event is dropped, as after a report. A withdrawal finds nothing, so that the
//! next report may name a condition that has gone. But an event that was taken stays latched and is not recorded
//! until it is re-enabled: by this a re-enabling is noticed, and what it would have taken out is not put back.
//! *`e7_what_is_reenabled_is_not_put_back`.*
//!
//! # Failures and calls from inside
//!
//! **A set that fails is owed:** the user leaves by an exchange that turns `owed` on. The next record takes
//! the debt over, a repeat too, and so do a selection and an enumeration that resets (R6). An owed set lapses
//! when nothing is reportable. *`r6_failing_set_beside_another`, `k5_panicking_set_beside_another`,
//! `r6_a_debt_is_for_what_is_recorded_when_it_is_judged`.*
//!
//! **A thread knows which event objects it is inside of** ([`inside`](super::inside)). There a selection, a
//! deselection or a close would wait for itself, and is refused; so is an inheritance while a selection waits
//! (K4). What cannot be known is a circle of several threads: each inside the event object of one recorder and
//! selecting on the next one's. That is a lock order, and up to the event objects.
//! *`k4_an_event_object_that_calls_back`, `k4_a_clone_that_calls_back`.*
//!
//! # Latching
//!
//! The exchange that records a latching event latches it, and an event that is latched and no longer recorded
//! is left alone (L1). Re-enabling withdraws and unlatches in one exchange, *before* the call looks at the
//! condition: an arrival before the exchange is seen by the look, one after it is recorded (L2). Selecting does
//! not touch the field (L4). *`l2_reenable_before_looking`, `l2_looking_before_reenabling_loses`.*
//!
//! What a provider saw before a re-enabling must not be recorded after it. The recorder cannot know when the
//! provider looked. A lock around look and record, and around re-enable and consume, keeps the order; recording in two
//! steps keeps SetEvent out of it (L2, R9). *`r9_a_second_attempt_to_connect`, `l2_recording_outside_the_lock_invents`,
//! `l2_reenabling_outside_the_lock_loses`, `l2_a_refusal_outlives_the_success_after_it`.*
