"""Connectors' files: those that ship, and what is said of those that are wrong."""

import re

import pytest

from gateway.core.revision.decode import PolicyInvalid
from services.crm.connectors.descriptor import Descriptor
from services.crm.connectors.openapi import compare
from services.crm.connectors.reading import VENDORS, load, read, words
from services.crm.connectors.texts import MISTAKES
from tests.services.crm.connectors.conftest import FOLDER

REST = (FOLDER / "rest.yaml").read_text()


@pytest.mark.parametrize("file", sorted(VENDORS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_file_that_ships_is_valid_and_bears_its_name(file: object) -> None:
    descriptor: Descriptor = load(file).descriptor  # type: ignore[arg-type]
    assert (VENDORS / f"{descriptor.connector}.yaml") == file
    assert descriptor.base_url.startswith(("https://", "smtp://"))


def _mistakes(text: str) -> list[tuple[str, str, int]]:
    with pytest.raises(PolicyInvalid) as caught:
        read(text)
    return [(mistake.what.code, mistake.path, mistake.line) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("CreateContact:", "CreatContact:", "method-unknown"),
        ("      company: company", "      firm: company", "contract-field-unknown"),
        ("      company: company", "      company: {fixed: firm}", "variable-unknown"),
        ("company: company", "company: {path: company, as: reference_number}", "field-kind"),
        ("answer: results", "answer: results\n    required: [display_name]", "contract-field-unknown"),
        ("answer: results", "answer: results[", "expression-wrong"),
        ("{path: createdAt, as: rfc3339, read_only: true}", "{path: createdAt, read_only: true}", "field-kind"),
        ("LEAD: lead", "LEED: lead", "enum-value-unknown"),
        ("secret: {env: VENDOR_SECRET}", "secret: {}", "secret-one"),
        ("secret: {env: VENDOR_SECRET}", "secret: {env: PILOTE_SECRET}", "unusable"),
        ("client_secret: secret", "client_secret: sekret", "secret-unknown"),
        ("  client_id: client\n", "", "auth-part"),
        ("    path: /api/people\n    query", "    path: api/people\n    query", "path-slash"),
        ('base_url: "http://127.0.0.1:{port}"', 'base_url: "http://127.0.0.1:{porto}"', "variable-unknown"),
        ('base_url: "http://127.0.0.1:{port}"', "base_url: file:///etc/passwd", "url-wrong"),
        ("      display_name: name\n", "", "field-required"),
        ('  GetContact: {path: "/api/people/{id}"}\n', "", "method-get"),
        ("next: next, ", "", "paging-part"),
        ("timeout_seconds: 5", "timeout_seconds: soon", "kind-wrong"),
        ("timeout_seconds: 5", "timeout: 5", "field-unknown"),
    ],
)
def test_each_mistake_is_told_with_its_line(right: str, wrong: str, code: str) -> None:
    assert right in REST
    found = _mistakes(REST.replace(right, wrong, 1))
    assert any(code in each for each, _, _ in found), found
    assert all(line for _, _, line in found)


def test_all_mistakes_are_told_at_once() -> None:
    text = (
        REST.replace("CreateContact:", "CreatContact:").replace("LEAD: lead", "LEED: lead").replace("next: next, ", "")
    )
    assert {code for code, _, _ in _mistakes(text)} == {"method-unknown", "enum-value-unknown", "paging-part"}


@pytest.mark.parametrize("text", ["", "[]", "connector: [", "a: 1\na: 2", "- *x", "\x00", "connector: rest"])
def test_what_is_no_connector_is_told_so(text: str) -> None:
    assert _mistakes(text)


def test_every_mistake_is_worded_in_both_languages_with_the_same_placeholders() -> None:
    for code, rows in MISTAKES.items():
        for english, french in rows:
            assert english != french, code
            assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", french)), code


def test_the_vendors_schema_is_compared_and_every_difference_told(tmp_path) -> None:  # type: ignore[no-untyped-def]
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        """
openapi: 3.0.0
paths:
  /api/people: {get: {parameters: [{name: limit, in: query}, {$ref: "#/components/parameters/after"}]}, post: {}}
  /api/people/{person}: {get: {}, patch: {}}
  /api/messages: {post: {}}
components: {parameters: {after: {name: after, in: query}}}
"""
    )
    with pytest.raises(PolicyInvalid) as caught:
        compare(read(REST), [spec])
    found = {(mistake.what.code, mistake.path) for mistake in caught.value.mistakes}
    assert found == {("spec-query", "methods.ListContacts.query.email"), ("spec-path", "methods.DeleteContact.path")}
    assert all(words(mistake, language="fr")[0] for mistake in caught.value.mistakes)
