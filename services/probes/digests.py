"""Versions of models in a policy, and what stands for exactly one of them. Pure."""

import hashlib

import msgspec

from gateway.core.policy.document import Document
from gateway.core.policy.serving import ModelVersion


def version_in(document: Document, model: str, version: str) -> ModelVersion | None:
    """That version in a policy; `None`: there is none."""
    return next(
        (each for one in document.models if one.name == model for each in one.versions if each.version == version),
        None,
    )


def digest_of(document: Document, model: str, version: ModelVersion) -> str:
    """SHA-256 of all that says what answers: the version, its prompt and the system that serves it."""
    upstream = next((each for each in document.upstreams if each.name == version.upstream), None)
    told = {
        "model": model,
        "version": version.version,
        "served_as": version.served_as,
        "prompt": prompt_of(document, version),
        "prompt_named": version.prompt,
        "at": None if upstream is None else (upstream.kind, upstream.url, upstream.all_addresses, upstream.version),
    }
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def prompt_of(document: Document, version: ModelVersion) -> str:
    """The text of the prompt that it is served with; empty: none, or one whose text is kept elsewhere."""
    name, _, number = (version.prompt or "").partition("@")
    return next(
        (
            each.text or ""
            for one in document.prompts
            if one.name == name
            for each in one.versions
            if each.version == number
        ),
        "",
    )
