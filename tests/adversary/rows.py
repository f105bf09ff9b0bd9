"""Attacks that were tried, each an instance of a kind, and what holds it. A test is named as pytest names it, without
its parameters; `test_rows` holds that each of them exists."""

from __future__ import annotations

from typing import Final, NamedTuple


class Row(NamedTuple):
    """One attack."""

    attack: str
    kind: str
    tests: tuple[str, ...]


_CLI = "tests/cli/"
_KERNEL = "tests/kernel/"
_WEB = "tests/web/"
_FLEET = "tests/fleet/"
_HERE = "tests/adversary/test_attacks.py::"
_LENT = "tests/screen/test_lent_terminal.py::"

ROWS: Final = {
    "A1": Row(
        "Under sudo the front end stays root",
        "a privilege that is kept where strangers' data is parsed",
        (
            _CLI + "test_unprivileged.py::test_under_sudo_the_front_end_is_the_caller_right_after_the_workers_start",
            _CLI + "test_unprivileged.py::test_plain_root_keeps_its_user_without_any_capability",
            _CLI + "test_confined.py::test_plain_root_reads_the_program_and_writes_what_was_named_alone",
        ),
    ),
    "A2": Row(
        "A race for the name of the settings' temporary file",
        "time of check and time of use, on a path that a weaker user controls",
        (
            _CLI + "test_keeping.py::test_a_race_for_the_names_in_the_folder_never_reaches_another_file",
            _CLI + "test_keeping.py::test_the_permissions_of_the_old_file_stay_without_set_id_bits",
            _CLI + "test_keeping.py::test_a_folder_that_others_can_write_to_keeps_nothing",
        ),
    ),
    "A3": Row(
        "Root reads and overwrites files for its caller",
        "as A1",
        (
            _CLI + "test_unprivileged.py::test_a_file_of_roots_is_not_read_for_the_caller",
            _CLI + "test_unprivileged.py::test_a_report_is_the_callers_file_and_follows_no_link_to_roots",
        ),
    ),
    "A4": Row(
        "A process of uid 0 without capabilities owns root's files",
        "a privilege that is no capability",
        (
            _CLI + "test_confined.py::test_a_worker_that_stays_root_reads_the_program_and_nothing_of_roots",
            _CLI + "test_confined.py::test_plain_root_has_nothing_of_its_number_alone",
            "tests/sandbox/test_landlock.py::test_without_a_rule_nothing_is_written_made_removed_or_executed_and_all_is_read",
        ),
    ),
    "A5": Row(
        "A stranger's later error displaces the target's answer",
        "the order of arrival is lost between two queues",
        (
            _KERNEL + "test_first_in_time.py::test_a_strangers_later_error_does_not_displace_the_targets_answer",
            "tests/probe/test_inbox.py::test_messages_of_two_queues_come_in_the_order_of_their_arrival",
        ),
    ),
    "A5b": Row(
        "A forger who sees nothing guesses sequence numbers",
        "predictable numbers where a short quote has no cookie",
        (
            _KERNEL + "test_what_is_an_answer.py::test_sequence_numbers_begin_where_nobody_can_guess",
            _KERNEL + "test_what_is_an_answer.py::test_the_shortest_quote_is_told_apart_where_it_shows_nothing_random",
        ),
    ),
    "A6": Row(
        "Names that hide or impersonate a hop",
        "names believed as identity",
        (
            _CLI + "test_lying_names.py::test_the_address_stands_where_a_lie_would_hide_or_impersonate_it",
            _CLI + "test_lying_names.py::test_a_report_says_whether_a_name_leads_back",
            "tests/names/test_resolver.py::test_a_name_that_would_hide_or_impersonate_a_hop_is_none",
        ),
    ),
    "A7": Row(
        "A storm of made-up addresses costs memory and other people's name servers",
        "work for facts that are not shown",
        (
            _KERNEL
            + "test_address_storm.py::test_a_storm_of_made_up_addresses_costs_little_memory_and_few_questions",
            "tests/names/test_allowance.py::test_ten_seconds_of_made_up_addresses_cost_at_most_fifty_questions_a_second",
        ),
    ),
    "A8": Row(
        "SIGTERM is lost while a thread fills the loop's pipe",
        "a signal that is a byte in a pipe which others fill",
        (
            "tests/system/test_signals.py::test_a_signal_comes_through_though_the_loop_s_own_pipe_is_full",
            _HERE + "test_a_storm_of_names_keeps_no_signal_waiting",
        ),
    ),
    "A9": Row(
        "A terminal that is not read blocks the program",
        "a write that blocks the loop",
        (
            _LENT + "test_a_terminal_that_nobody_reads_keeps_no_signal_from_ending_it",
            _LENT + "test_a_terminal_that_is_read_again_gets_the_whole_screen_and_probing_went_on",
            _CLI + "test_report_signals.py::test_a_progress_line_that_nobody_reads_holds_no_report_up",
        ),
    ),
    "A10": Row(
        "A reader of NDJSON stalls for a minute",
        "an answer to a slow reader that ends the run",
        (
            _CLI + "test_stalled_reader.py::test_a_reader_that_stalls_gets_a_gap_line_and_the_run_goes_on_to_its_end",
            "tests/session/test_feeds.py::test_memory_is_bounded_however_much_is_missed",
        ),
    ),
    "A11": Row(
        "A worker that is killed again and again",
        "giving up without a way back",
        (
            "tests/session/test_retries.py::test_a_worker_that_keeps_dying_is_started_again_for_ever",
            "tests/session/test_retries.py::test_a_worker_is_started_at_once_when_that_is_asked_for",
            _HERE + "test_a_worker_that_is_killed_again_and_again_costs_no_count",
        ),
    ),
    "A12": Row(
        "A flood at the probe's socket",
        "a loop without a bound",
        (
            _KERNEL + "test_first_in_time.py::test_a_flood_of_datagrams_leaves_the_schedule_its_turn",
            "tests/probe/test_inbox.py::test_one_turn_reads_a_bounded_number_and_says_that_there_is_more",
        ),
    ),
    "A13": Row(
        "Without /proc the check of privileges sees nothing and passes",
        "a check that passes when it cannot look",
        (
            "tests/sandbox/test_privileges.py::test_without_proc_everything_is_given_up_and_looked_at_all_the_same",
            "tests/sandbox/test_privileges.py::test_what_cannot_be_looked_at_counts_as_left",
        ),
    ),
    "A14": Row(
        "TOML of 5,000 digits, of keys of 50,000 parts",
        "a library's plain errors and its complexity",
        (
            "tests/system/test_toml.py::test_a_bomb_is_one_short_line_and_no_wait",
            _CLI + "test_hostile_files.py::test_a_bomb_of_toml_is_one_line",
        ),
    ),
    "A15": Row(
        "The environment steers the screen's libraries",
        "ambient authority of a library",
        (
            "tests/screen/test_rough_terminal.py::test_nothing_in_the_environment_steers_the_screen_s_libraries",
            "tests/screen/test_rough_terminal.py::test_a_terminal_of_an_absurd_size_is_drawn_as_far_as_terminals_go",
        ),
    ),
    "A16": Row(
        "Letters from right to left, ligatures of no certain width",
        "text direction",
        (
            "tests/names/test_clean.py::test_what_could_do_harm_becomes_a_visible_escape",
            "tests/names/test_clean.py::test_a_text_takes_as_many_cells_as_its_characters_one_by_one",
            "tests/fuzz/test_targets.py::test_a_guided_search_finds_nothing",
        ),
    ),
    "A17": Row(
        "Few processes, threads, open files",
        "resources",
        (
            _CLI + "test_few_resources.py::test_with_few_threads_it_works_or_says_what_is_missing",
            _CLI + "test_few_resources.py::test_with_few_open_files_it_works_or_says_what_is_missing",
        ),
    ),
    "A18": Row(
        "A named pipe where a file is read",
        "an opening that blocks",
        (
            "tests/system/test_files.py::test_what_is_no_file_is_said_at_once",
            _CLI + "test_hostile_files.py::test_what_is_no_file_of_ours_is_one_line",
            _CLI + "test_hostile_files.py::test_a_database_that_is_none_is_one_line",
        ),
    ),
    "A19": Row(
        "A stranger's error is called this machine's fault",
        "the error of a socket is a stranger's message",
        (
            _KERNEL + "test_own_refusals.py::test_a_storm_of_forged_errors_fails_no_send",
            _KERNEL
            + "test_own_refusals.py::"
            "test_who_writes_from_this_machines_address_about_a_probe_that_left_is_a_stranger",
        ),
    ),
    "A20": Row(
        "A full disk costs yesterday's report",
        "a file that is not replaced as a whole",
        (_CLI + "test_output.py::test_the_old_report_is_kept_where_there_is_no_room_for_the_new_one",),
    ),
    "A21": Row(
        "A link is laid between the look at root's `--output` and its opening",
        "as A2",
        (
            _CLI + "test_output.py::test_a_link_that_comes_between_the_look_and_the_opening_is_not_followed_by_root",
            _CLI + "test_output.py::test_root_writes_over_no_file_that_another_user_gave_a_second_name",
        ),
    ),
    "A22": Row(
        "uid 0 signals by fcntl, changes attributes by ioctl, takes the processor from others, reads other terminals",
        "as A4",
        (
            _CLI + "test_confined.py::test_plain_root_has_nothing_of_its_number_alone",
            _CLI + "test_confined.py::test_plain_root_reaches_no_terminal_but_its_own",
            _CLI + "test_confined.py::test_a_worker_that_roots_front_end_starts_again_is_ended_by_it_all_the_same",
            "tests/sandbox/test_seccomp.py::test_of_a_descriptor_only_what_is_its_own_business_can_be_changed",
        ),
    ),
    "A23": Row(
        "A worker that was got the better of speaks to the terminal",
        "text of a stranger's that is more than text",
        (
            "tests/session/test_trouble.py::"
            "test_what_is_no_address_is_counted_and_changes_nothing_and_words_are_cleaned",
        ),
    ),
    "A24": Row(
        "A parent that ignores SIGCHLD and blocks every signal",
        "what is inherited from whoever starts it",
        (
            _CLI + "test_few_resources.py::"
            "test_signals_that_a_careless_parent_ignored_or_blocked_work_all_the_same",
        ),
    ),
    "A25": Row(
        "A report into, or targets out of, a pipe of the program's own, by its number",
        "descriptors that nobody handed over",
        (
            _CLI + "test_output.py::test_a_descriptor_of_the_programs_own_is_no_place_for_a_report",
            "tests/system/test_files.py::test_what_the_shell_hands_over_may_be_a_pipe",
        ),
    ),
    "A26": Row(
        "Answers from ::, groups, everybody and loopback become hops",
        "addresses that are no host's",
        ("tests/probe/test_engine.py::test_what_comes_from_an_address_that_no_host_sends_from_is_no_answer",),
    ),
    "A27": Row(
        "A flood of keys and mouse reports",
        "a queue without a bound",
        ("tests/screen/test_rough_terminal.py::test_a_flood_of_keys_waits_in_the_terminal_and_not_in_memory",),
    ),
    "A28": Row(
        "Who sprays every port of ours from a dead UDP target's address is taken for the target",
        "an answer that names no probe",
        (
            "tests/kernel/test_what_is_an_answer.py::"
            "test_who_writes_blindly_from_a_dead_targets_port_is_not_taken_for_the_target",
        ),
    ),
    "A29": Row(
        "A journal or log of a stranger's beside a recording deletes files, or says what the recording says",
        "files that are believed by their name",
        (
            "tests/history/test_place.py::test_a_journal_that_was_laid_beside_a_store_deletes_nothing",
            "tests/history/test_place.py::test_a_log_that_another_user_laid_beside_a_store_is_not_believed",
        ),
    ),
    "A30": Row(
        "Whoever owns the folder of root's recording exchanges the file for a link",
        "a check by name, then a use by name",
        ("tests/history/test_place.py::test_root_records_only_where_nobody_else_can_exchange_the_file",),
    ),
    "A31": Row(
        "Keys that come in one read end the program in a dialog that is not laid out yet",
        "what fails in a dialog",
        (
            "tests/screen/test_rough_terminal.py::"
            "test_keys_that_come_faster_than_a_dialog_is_laid_out_cost_the_dialog_at_most",
        ),
    ),
    "A32": Row(
        "A size of the terminal that comes as bytes",
        "what the terminal says of itself",
        ("tests/screen/test_rough_terminal.py::test_a_size_that_comes_as_bytes_is_no_size",),
    ),
    "A33": Row(
        "A key that changes what was removed and is still shown",
        "the present asked for by what was shown",
        (
            "tests/screen/test_undo.py::"
            "test_what_was_removed_and_is_still_shown_cannot_be_changed_and_that_is_said",
        ),
    ),
    "A37": Row(
        "Keys of events where the last target was removed in a held moment",
        "the present asked for by what was shown",
        (
            "tests/screen/test_rough_terminal.py::"
            "test_event_keys_after_the_last_target_was_removed_in_a_held_moment_end_nothing",
        ),
    ),
    "A38": Row(
        "One target's routers answer with one address at every TTL: the others' hops are asked no more",
        "fairness of what is shared",
        (
            "tests/probe/test_budget.py::"
            "test_a_router_that_answers_for_many_hops_of_one_target_takes_nothing_from_the_others",
        ),
    ),
    "A39": Row(
        "A history of ten thousand short traces can be read no more",
        "a bound for strangers that the program itself does not keep to",
        (
            "tests/history/test_tiers.py::"
            "test_a_history_of_many_short_runs_lets_the_oldest_go_and_can_always_be_read",
        ),
    ),
    "A40": Row(
        "A target's network answers as the routers of another target's way, and loses or delays what it likes",
        "facts of others, on the word of an address",
        (
            "tests/session/test_sharing.py::"
            "test_what_is_met_at_one_address_and_cannot_be_one_routers_is_told_no_more",
        ),
    ),
    "A34": Row(
        "The demo's method is kept as a default, and is taken for a real path from then on",
        "a setting for one run that is kept for all",
        (
            "tests/cli/test_config.py::test_what_is_wrong_is_said_with_file_path_and_what_is_allowed",
            "tests/screen/test_undo.py::test_no_setting_makes_a_real_path_a_simulated_one_or_the_reverse",
        ),
    ),
    "A35": Row(
        "Recordings whose values are of other types, whose rows share bytes, or which hide a trigger",
        "what a format promises, believed of a file",
        (
            "tests/history/test_harm.py::test_a_value_of_a_type_that_the_table_does_not_have_is_one_line",
            "tests/history/test_harm.py::test_rows_that_share_their_bytes_hold_no_more_than_the_file",
            "tests/history/test_harm.py::test_a_trigger_of_a_tables_name_is_never_run",
        ),
    ),
    "A36": Row(
        "What was forgotten is still named in what stays of its run",
        "what is said for all together",
        (
            "tests/history/test_harm.py::"
            "test_what_is_forgotten_of_a_run_takes_the_names_along_that_only_it_had_met",
        ),
    ),
    "A41": Row(
        "The source ports of parallel flows are known to all: 16 bits are left to guess, and a dead target is healthy",
        "what names a probe, and can be foreseen",
        ("tests/probe/test_parallel.py::test_who_knows_target_and_program_does_not_know_the_ports",),
    ),
    "A42": Row(
        "Printed streams with numbers of 20 digits, moments in the year 9999, millions of lines of six bytes",
        "what a format promises, believed of a file",
        (
            "tests/history/test_streams.py::test_a_number_that_nothing_can_have_is_a_line",
            "tests/history/test_streams.py::test_a_stream_of_more_probes_than_memory_holds_is_refused",
            "tests/history/test_streams.py::test_a_stream_of_more_names_than_memory_holds_is_refused",
        ),
    ),
    "A43": Row(
        "A web page whose name was made to lead to loopback (DNS rebinding) reads the metrics",
        "whoever can connect is taken for one who may",
        (
            "tests/metrics/test_server.py::test_loopback_answers_no_page_whose_name_was_made_to_lead_here",
            "tests/web/test_guard.py::test_by_another_name_nothing_is_answered",
        ),
    ),
    "A44": Row(
        "A flood of forged errors overflows root's sockets: probes that left are said to have been kept from leaving",
        "a fault of ours that is said in another one's words",
        ("tests/words/test_verdicts.py::test_a_flood_that_this_computer_could_not_read_kept_no_probe_from_leaving",),
    ),
    "A45": Row(
        "A target is forgotten, or a sleeping writer's rows let go of, while they are written: the history breaks",
        "what is written rests on what others may take",
        (
            "tests/history/test_harm.py::"
            "test_a_run_that_is_forgotten_while_it_is_written_breaks_nothing_and_is_kept_no_more",
            "tests/history/test_harm.py::"
            "test_a_target_that_is_forgotten_while_it_is_written_costs_the_others_of_its_run_nothing",
            "tests/history/test_harm.py::"
            "test_a_writer_whose_rows_were_let_go_of_tells_all_that_they_had_told",
        ),
    ),
    "A46": Row(
        "A router refuses what expires there and forwards all else: the target \"cannot be reached\"",
        "one probe's refusal taken for all others'",
        (
            "tests/probe/test_horizon.py::test_a_refusal_ends_nothing_while_somebody_behind_it_answers",
            "tests/probe/test_horizon.py::"
            "test_whoever_refuses_farther_away_was_reached_past_those_who_refuse_nearer",
            "tests/path/test_fold.py::"
            "test_a_router_that_refuses_what_expires_there_and_forwards_the_rest_ends_no_path",
            "tests/judge/test_judge.py::"
            "test_a_router_that_refuses_what_expires_there_and_forwards_the_rest_is_no_outage_and_is_to_blame_for_none",
            "tests/report/test_mtr_streams.py::"
            "test_a_split_table_goes_on_behind_a_router_that_refuses_what_expires_there",
        ),
    ),
    "A47": Row(
        "A umask that leaves its owner no right; a recording that cannot be opened",
        "an opening that ends in a traceback",
        (
            "tests/history/test_place.py::"
            "test_a_umask_that_leaves_nobody_a_right_keeps_the_owner_from_no_recording",
            "tests/history/test_place.py::test_a_recording_that_its_owner_made_unreadable_is_a_line",
        ),
    ),
    "A48": Row(
        "Root's own number beside another effective one; a filter that lets Landlock begin and refuses its rules",
        "a state of the kernel that nobody foresaw",
        (
            "tests/sandbox/test_privileges.py::"
            "test_root_that_passes_for_another_user_for_a_while_is_nobodys_caller_and_goes_on_as_nothing",
            "tests/sandbox/test_landlock.py::test_a_filter_that_refuses_rules_leaves_no_process_without_any",
        ),
    ),
    "A49": Row(
        "What --privacy hides stands in a row, a sentence, a label or a stream that was forgotten",
        "a rule that is kept field by field",
        (
            "tests/views/test_hidden_everywhere.py::test_no_stream_names_a_hidden_hop",
            "tests/views/test_hidden_everywhere.py::test_no_report_explanation_or_broken_assertion_names_a_hidden_hop",
            "tests/views/test_hidden_everywhere.py::test_no_target_shows_a_hidden_hop_now_or_earlier",
            "tests/views/test_hidden_everywhere.py::test_no_key_shows_a_hidden_hop",
            "tests/views/test_privacy.py::test_of_all_addresses_in_a_text_those_alone_are_left_that_may_be_seen",
        ),
    ),
    "B1": Row(
        "Two dozen kinds of broken answers, by every method",
        "parsers of packets",
        (_HERE + "test_broken_answers_of_every_kind_invent_no_hop_and_cost_no_answer",),
    ),
    "B2": Row(
        "Every parser of bytes from outside",
        "parsers",
        ("tests/fuzz/test_targets.py::test_a_guided_search_finds_nothing",),
    ),
    "K1": Row(
        "A dead name server holds the interpreter",
        "a look-up that holds the interpreter",
        (
            _CLI + "test_dead_name_server.py::test_no_look_up_holds_the_interpreter_and_closing_waits_for_none",
            _CLI + "test_dead_name_server.py::"
            "test_the_first_frame_does_not_wait_for_a_targets_name_and_quitting_does_not_either",
        ),
    ),
    "K2": Row(
        "The route moves, comes and goes",
        "what is asked once and never again",
        (
            _KERNEL + "test_roaming.py::test_a_route_that_moves_to_another_uplink_is_followed_and_nothing_is_lost",
            _KERNEL + "test_roaming.py::test_a_vpn_that_comes_and_goes_is_followed_both_times",
            _KERNEL + "test_starting_late.py::test_a_report_waits_for_a_route_and_then_probes_all_its_rounds",
        ),
    ),
    "K3": Row(
        "A bounding set without CAP_SETPCAP",
        "a check that is stricter than what the kernel allows",
        (
            _CLI + "test_unprivileged.py::test_whatever_capabilities_a_container_leaves_root_traces_and_doctor_answers",
            "tests/sandbox/test_privileges.py::test_whatever_the_bounding_set_leaves_root_is_given_up",
        ),
    ),
    "K4": Row(
        "The terminal after a signal",
        "a terminal that is taken twice, and given back once or never",
        (
            _LENT + "test_stopped_and_in_front_again_the_screen_is_whole_and_q_gives_the_terminal_back",
            _LENT + "test_what_timeout_sends_when_the_time_is_over_ends_it_in_order",
            _LENT + "test_signals_in_any_order_leave_the_terminal_as_it_was",
            _LENT + "test_any_order_of_stops_and_continuations_ends_with_the_terminal_as_it_was",
        ),
    ),
    "K5": Row(
        "straße.example traces another host",
        "a name that is mapped by an older standard",
        ("tests/session/test_hostname.py::test_other_letters_follow_uts_46_as_browsers_do",),
    ),
    "K6": Row(
        "A socket option is missing",
        "an extra that is fatal",
        (
            _KERNEL
            + "test_missing_options.py::test_each_hop_answers_where_every_option_that_only_adds_knowledge_is_missing",
            _KERNEL
            + "test_missing_options.py::test_the_doctor_says_what_is_missing_and_promises_only_what_works",
        ),
    ),
    "K7": Row(
        "A redirect becomes a hop",
        "a message about the route taken for an answer",
        (_KERNEL + "test_what_is_an_answer.py::test_what_a_gateway_says_of_the_route_is_no_answer",),
    ),
    "K8": Row(
        "This machine's own refusals are called loss",
        "own faults called loss, or not told",
        (
            _KERNEL + "test_own_refusals.py::test_what_this_machines_firewall_rejects_has_failed_here",
            _KERNEL + "test_own_refusals.py::test_a_next_hop_that_does_not_answer_is_named_and_nothing_is_lost",
        ),
    ),
    "K9": Row(
        "An address that is not the one that answers",
        "answers from elsewhere",
        (
            _KERNEL + "test_answers_from_elsewhere.py::test_answers_from_one_other_address_count_and_are_said",
            _KERNEL
            + "test_answers_from_elsewhere.py::"
            "test_a_subnet_routers_anycast_address_is_reached_and_who_answers_is_said",
        ),
    ),
    "W1": Row(
        "Another site's page opens the browser's screen",
        "a browser that lends its user's rights to a stranger's page",
        (
            _WEB + "test_server.py::test_a_page_of_another_site_opens_no_screen",
            _WEB + "test_server.py::test_a_page_whose_name_was_made_to_lead_here_sees_nothing",
            _WEB + "test_guard.py::test_no_other_page_may",
            _WEB + "test_in_chromium.py::test_a_link_from_another_site_leads_in_at_once_and_its_page_opens_no_screen",
        ),
    ),
    "W2": Row(
        "The token is read where it should not stand",
        "a secret in a log, a process list, an environment, a referrer",
        (
            _WEB + "test_server.py::test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address",
            _WEB + "test_server.py::test_neither_the_process_list_nor_a_viewers_environment_holds_a_secret",
        ),
    ),
    "W3": Row(
        "Who may look takes the server's memory, or its disk",
        "a bound that nobody set",
        (
            _WEB + "test_server.py::test_more_connections_than_can_be_looked_at_are_closed_at_once",
            _WEB + "test_server.py::test_nobody_is_let_in_beyond_what_memory_there_is_for",
            _WEB + "test_server.py::test_a_message_that_is_too_long_or_of_bytes_ends_it_too",
            _WEB + "test_viewers.py::test_a_connection_that_asks_for_nothing_whole_is_closed",
            _WEB + "test_viewers.py::test_a_viewer_can_change_and_execute_nothing",
        ),
    ),
    "W4": Row(
        "Who looks shows himself what --privacy hides",
        "a rule that a key undoes",
        (_WEB + "test_viewers.py::test_what_is_hidden_stays_hidden_from_who_looks",),
    ),
    "F1": Row(
        "An agent's body bursts the hub's memory, or what reads its store",
        "a size, a count or a compressed size that a stranger chose",
        (
            _FLEET + "test_hostile.py::test_what_is_too_large_is_not_even_read",
            _FLEET + "test_hostile.py::test_a_bomb_in_packed_probes_opens_within_bounds_and_spares_the_others",
            _FLEET + "test_hostile.py::test_sites_boots_and_targets_have_bounds",
        ),
    ),
    "F2": Row(
        "An agent makes the hub forget, or take twice, by the numbers of its messages",
        "a number that a stranger counts up",
        (
            _FLEET + "test_hostile.py::test_numbers_that_lie_move_nothing",
            _FLEET + "test_hostile.py::test_an_agent_believes_no_mark_beyond_what_it_has",
        ),
    ),
    "F3": Row(
        "One agent's rubbish hides all other sites from the screen",
        "one stranger's data beside another's",
        (
            _FLEET + "test_hostile.py::test_rows_that_are_none_are_refused_and_hide_no_other_site",
            _FLEET + "test_sites.py::test_a_site_that_sends_what_cannot_be_read_is_left_out_alone",
        ),
    ),
    "F4": Row(
        "An agent passes for another site, or deletes the stream",
        "a right that a name in a message gives",
        (
            _FLEET + "test_security.py::test_a_sites_key_reaches_that_sites_subjects_alone",
            _FLEET + "test_hostile.py::test_a_site_that_cannot_be_has_no_store",
        ),
    ),
    "F5": Row(
        "A key or a password of the fleet is read by other users",
        "a secret in a log, a process list, an environment, a referrer",
        (
            _FLEET + "test_security.py::test_agent_and_hub_work_with_keys_and_tls_and_nothing_secret_is_seen",
            _FLEET + "test_command.py::test_no_password_stands_on_a_command_line_and_none_is_repeated",
        ),
    ),
}  # fmt: skip
