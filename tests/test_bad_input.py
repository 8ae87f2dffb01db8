"""Bad input, and where it is tried: a row for each kind, with the tests that guard it. A row that names a test which
is not there fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

GUARDED: dict[str, tuple[str, ...]] = {
    "a body over 1 MiB": (
        "api/test_real_server.py::test_a_body_that_is_too_large_is_refused_before_it_arrives",
        "api/test_hooks.py::test_size_comes_before_the_signature",
    ),
    "a chunked body": (
        "api/test_real_server.py::test_chunked_bodies_are_refused_whatever_their_size",
        "api/test_real_server.py::test_an_endless_chunked_body_is_not_listened_to",
    ),
    "a body whose end is not clear": (
        "api/test_sockets.py::test_a_body_whose_end_is_not_clear_is_refused_and_nothing_behind_it_is_answered",
    ),
    "a slow body, a slow header": (
        "api/test_real_server.py::test_a_body_that_comes_too_slowly_is_not_waited_for",
        "api/test_real_server.py::test_a_header_that_comes_too_slowly_is_not_waited_for",
        "api/test_real_server.py::test_slow_senders_do_not_keep_others_out",
    ),
    "bad UTF-8, NUL, lone surrogates, NaN, integers from 2**63, depth over 32, a key twice": (
        "test_payloads.py::test_what_cannot_be_kept_is_refused_with_its_place",
        "api/test_nasty.py::test_what_no_text_or_number_may_be_is_refused_before_anything_reads_it",
        "api/test_nasty.py::test_no_payload_of_a_source_is_a_failure_and_each_is_taken_or_kept",
    ),
    "a wrong signature": (
        "test_verification.py::test_a_forged_delivery_is_refused",
        "api/test_hooks.py::test_a_body_that_is_not_signed_is_neither_read_nor_kept",
    ),
    "an old or a future signature": (
        "test_verification.py::test_more_than_five_minutes_off_is_not",
        "api/test_hooks.py::test_signatures_of_standard_webhooks_are_taken_within_five_minutes",
    ),
    "a replayed signature": ("api/test_hooks.py::test_a_replayed_delivery_makes_no_second_issue",),
    "the secret of another source": (
        "test_verification.py::test_another_body_or_another_sources_secret_is_refused",
        "api/test_hooks.py::test_no_other_source_s_secret_opens_a_source",
    ),
    "rotation with two secrets, a hundred signatures, v1a beside v1, '²' for a digit": (
        "test_verification.py::test_while_a_secret_changes_both_are_good_and_several_signatures_may_stand_side_by_side",
        "api/test_hooks.py::test_while_a_secret_is_changed_both_are_taken",
        "api/test_hooks.py::test_what_is_no_signature_is_401_and_no_failure",
        "api/test_hooks.py::test_the_asymmetric_kind_of_signature_is_not_taken_for_the_symmetric",
        "test_verification.py::test_a_forged_delivery_is_refused",
    ),
    "a known id with another content": (
        "server/test_intake.py::test_another_text_under_a_known_id_is_noted_as_differing",
        "api/test_hooks.py::test_the_same_id_with_other_content_makes_no_second_issue_and_is_told",
    ),
    "a signed body that does not parse": (
        "server/test_intake.py::test_a_signed_body_that_is_no_json_is_kept_whole",
        "api/test_hooks.py::test_a_body_that_is_no_json_is_kept_when_it_is_signed",
    ),
    "unknown process, field, action, person": (
        "server/test_intake.py::test_a_process_that_is_not_in_force_is_unknown",
        "api/test_issues.py::test_what_the_process_refuses_is_422_with_every_place",
        "api/test_issues.py::test_an_action_that_is_not_there_is_404",
        "server/test_intake.py::test_what_the_process_refuses_is_not_stored_and_every_reason_is_given",
        "api/test_issues.py::test_an_issue_is_given_to_nobody_who_is_not_there",
    ),
    "values of the wrong type": (
        "api/test_nasty.py::test_every_value_in_every_field_is_taken_or_refused_with_its_place",
        "api/test_nasty.py::test_every_value_in_every_field_of_a_form_is_taken_or_refused_and_changes_nothing_then",
    ),
    "YAML bombs": (
        "core/test_documents.py::test_what_is_wrong_is_found_with_its_place",
        "core/test_documents.py::test_nothing_takes_long_to_refuse",
    ),
    "endless regular expressions": (
        "core/test_conditions.py::test_a_regular_expression_takes_linear_time_and_sees_a_bounded_part_of_the_text",
    ),
    "templates and expressions that loop": (
        "core/test_templates.py::test_a_hostile_template_is_refused_or_quick",
        "core/test_sources.py::test_a_hostile_expression_ends",
    ),
    "a script that never ends": ("api/test_judging.py::test_a_script_that_never_ends_is_refused",),
    "a policy that refers to a missing calendar": (
        "core/test_references.py::test_a_document_that_is_nowhere_is_missing",
        "server/test_policies.py::test_a_document_that_does_not_compile_is_told_of_and_stops_nothing_else",
    ),
    "two people at once": (
        "api/test_issues.py::test_an_issue_that_changed_since_it_was_seen_is_409",
        "api/test_issues.py::test_of_several_who_saw_the_same_and_act_at_once_one_comes_through",
        "server/test_acting.py::test_of_two_who_close_at_once_one_is_too_late",
        "server/test_acting.py::test_many_who_act_at_once_all_come_through_one_after_the_other",
    ),
    "an action and a breach at once": ("server/test_sweep.py::test_a_person_and_the_sweep_at_once_agree",),
    "injection strings through every field into JSON, CSV, mail headers, log lines, pages": (
        "api/test_outputs.py::test_json_gives_back_what_was_given",
        "api/test_outputs.py::test_no_log_line_repeats_a_value",
        "api/test_outputs.py::test_a_mail_has_the_headers_that_it_has_and_no_other",
        "api/test_outputs.py::test_a_webhook_is_one_line_of_sound_json",
        "api/test_outputs.py::test_tables_have_no_formula_and_lose_nothing",
        "api/test_outputs.py::test_no_page_has_a_tag_of_a_value_or_renders_it",
    ),
    "files, folders and arguments of commands": (
        "cli/test_unusable_input.py::test_no_argument_of_any_command_is_a_failure",
        "cli/test_unusable_input.py::test_no_file_makes_a_script_play",
        "cli/test_unusable_input.py::test_no_file_is_taken_for_an_issue",
    ),
    "addresses of the panel": ("admin/test_access.py::test_what_is_not_there_is_missed_in_the_panels_own_words",),
}  # fmt: skip


@pytest.mark.parametrize("kind", GUARDED)
def test_every_kind_of_bad_input_is_tried_where_the_table_says(kind: str) -> None:
    for place in GUARDED[kind]:
        file, _, name = place.partition("::")
        assert re.search(rf"^def {name}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE), place
