"""Cross-checks of the registry: models, their versions and aliases, and prompts."""

from gateway.core.mistakes import one_of, told
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Model, Prompt
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known


def check_models(document: Document, mistakes: Mistakes) -> None:
    """Report whatever models and prompts name that is not there, or have twice."""
    for index, prompt in enumerate(document.prompts):
        _prompt(prompt, ("prompts", index, "versions"), mistakes)
    for index, model in enumerate(document.models):
        path: Path = ("models", index, "versions")
        if not model.versions:
            mistakes.add(path, "model-without-version", name=model.name)
        _unique([version.version for version in model.versions], path, mistakes)
        for place, version in enumerate(model.versions):
            known(version.upstream, document.upstreams, (*path, place, "upstream"), mistakes)
            if version.prompt is not None:
                _uses(version.prompt, (*path, place, "prompt"), document, mistakes)
        _aliases(model, ("models", index, "aliases"), mistakes)


def _aliases(model: Model, path: Path, mistakes: Mistakes) -> None:
    versions = [version.version for version in model.versions]
    for alias, version in model.aliases.items():
        if version not in versions:
            values = {"alias": alias, "version": version, "model": model.name}
            mistakes.add((*path, alias), "alias-of-nothing", **values, hint=one_of(versions, told("list-it")))


def _prompt(prompt: Prompt, path: Path, mistakes: Mistakes) -> None:
    if not prompt.versions:
        mistakes.add(path, "prompt-without-version", name=prompt.name)
    _unique([version.version for version in prompt.versions], path, mistakes)
    for place, version in enumerate(prompt.versions):
        if (version.text is None) == (version.sha256 is None):
            mistakes.add((*path, place), "prompt-shapes", version=version.version)


def _uses(used: str, path: Path, document: Document, mistakes: Mistakes) -> None:
    there = [f"{prompt.name}@{version.version}" for prompt in document.prompts for version in prompt.versions]
    if used not in there and not mistakes.under("prompts"):
        hint = one_of(there, told("add-to", section="prompts"))
        mistakes.add(path, "prompt-unknown", name=used, hint=hint)


def _unique(versions: list[str], path: Path, mistakes: Mistakes) -> None:
    for place, version in enumerate(versions):
        if version in versions[:place]:
            mistakes.add((*path, place), "version-twice", version=version)
